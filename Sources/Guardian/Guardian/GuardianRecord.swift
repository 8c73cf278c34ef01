/// What the guardian keeps of one output while the daemon lives: whatever is needed to make it safe without it.
public struct GuardianRecord: Equatable, Sendable {
  /// The output's id on the board.
  public var device: [UInt8]
  /// Which hardware it is, in the daemon's words: chip, line, how it is set up. A daemon that finds another identity
  /// for the device does not take it over.
  public var identity: [UInt8]
  /// Where the page says who holds it.
  public var slot: UInt32
  /// What happens to it when the daemon dies.
  public var policy: Policy
  /// What makes it safe, or an input where the policy says so, in this order.
  public var steps: [GuardianStep]

  /// Puts a record together.
  public init(device: [UInt8], identity: [UInt8], slot: UInt32, policy: Policy, steps: [GuardianStep]) {
    self.device = device
    self.identity = identity
    self.slot = slot
    self.policy = policy
    self.steps = steps
  }

  /// `on_exit` of the board file.
  public enum Policy: UInt8, Sendable {
    /// Made safe at once.
    case safe = 0
    /// Left as it is for as long as its lease lasts, then made safe.
    case hold = 1
    /// Turned into an input, or switched off where there is no such thing.
    case input = 2
  }

  /// The longest id, in bytes, as the board file allows it.
  public static let longestDevice = 64
  /// The longest identity, in bytes.
  public static let longestIdentity = 250
  /// The most steps.
  public static let mostSteps = 4
  /// The most descriptors that travel beside a record.
  public static let mostDescriptors = 4

  /// When its turn is among others: its slowest step's.
  public var rank: Int {
    var rank = 0
    for step in steps where step.rank > rank { rank = step.rank }
    return rank
  }

  /// Whether it is within the limits above, with descriptors for all of its steps.
  /// - Parameter descriptors: how many come with it.
  public func isSound(descriptors: Int) -> Bool {
    guard !device.isEmpty, device.count <= Self.longestDevice, identity.count <= Self.longestIdentity,
      steps.count <= Self.mostSteps, descriptors <= Self.mostDescriptors
    else { return false }
    for step in steps {
      guard Int(step.descriptor) < descriptors else { return false }
      switch step.action {
      case .write(let bytes):
        if bytes.isEmpty || bytes.count > GuardianStep.longestOperand { return false }
      case .transfer(let address, let bytes):
        if address > 0x7F || bytes.count < 2 || bytes.count > GuardianStep.longestOperand { return false }
      case .drive, .configure: break
      }
    }
    return true
  }
}
