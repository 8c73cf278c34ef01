/// The guardian's record of one output: all that is needed to make it safe without the daemon.
package struct GuardianRecord: Equatable, Sendable {
  /// The output's id on the board, in UTF-8.
  package var device: [UInt8]
  /// The hardware and its configuration as text: chip, line, flags. The next daemon takes the output over only if its
  /// own identity is equal.
  package var identity: [UInt8]
  /// The output's slot on the shared page.
  package var slot: UInt32
  /// What to do when the daemon dies.
  package var policy: Policy
  /// The steps that make the output safe, or an input for that policy, in this order.
  package var steps: [GuardianStep]

  /// Checks nothing; see `isSound`.
  package init(device: [UInt8], identity: [UInt8], slot: UInt32, policy: Policy, steps: [GuardianStep]) {
    self.device = device
    self.identity = identity
    self.slot = slot
    self.policy = policy
    self.steps = steps
  }

  /// `on_exit` of the board file.
  package enum Policy: UInt8, Sendable {
    /// Make it safe at once.
    case safe = 0
    /// Leave it as it is until its lease ends, then make it safe.
    case hold = 1
    /// Turn it into an input, or switch it off if it has no such mode.
    case input = 2
  }

  /// The longest id of a device, in bytes; the limit of board files.
  package static let longestDevice = 64
  /// The longest identity, in bytes.
  package static let longestIdentity = 250
  /// The largest number of steps.
  package static let mostSteps = 4
  /// The largest number of descriptors sent with a record.
  package static let mostDescriptors = 4

  /// Its order among outputs: the rank of its slowest step, 0 if it has none.
  package var rank: Int {
    var rank = 0
    for step in steps where step.rank > rank { rank = step.rank }
    return rank
  }

  /// Whether it is within the limits above and every step refers to one of its descriptors.
  /// - Parameter descriptors: the number of descriptors sent with it.
  package func isSound(descriptors: Int) -> Bool {
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
