import HAL
import Model

/// What is wrong with a simulated device, and for how much longer.
struct FaultPlan {
  let kind: SimulatedFault
  /// How long a slow answer takes, and how long until a timeout is one.
  let delay: Duration
  private var remaining: Int?
  private let until: Instant?

  init(_ kind: SimulatedFault, count: Int?, until: Instant?, delay: Duration) {
    self.kind = kind
    self.delay = delay
    self.until = until
    remaining = count
  }

  /// Whether the next operation meets it; counts that operation.
  mutating func strikes(at now: Instant) -> Bool {
    guard isActive(at: now) else { return false }
    if let left = remaining { remaining = left - 1 }
    return true
  }

  func isActive(at now: Instant) -> Bool { until.map { now < $0 } ?? true && remaining.map { $0 > 0 } ?? true }

  /// Why what is unplugged is not there.
  static let absence = "it is unplugged"

  /// What a driver answers; nil when it does answer, wrongly or late.
  var fault: HALError.Fault? {
    switch kind {
    case .nack: .noAcknowledge
    case .timeout: .timeout
    case .checksum: .checksum
    case .unplug: .absent(Self.absence)
    case .stuck, .slow, .brownout: nil
    }
  }

  /// Reads `nack`, or `{fault: nack, count: 3, for: 5s, delay: 200ms}`.
  /// - Returns: nil for `none`.
  static func read(_ device: DeviceID, _ value: Value, _ now: Instant) throws(HALError) -> FaultPlan? {
    let map: Value = value.string.map { ["fault": .string($0)] } ?? value
    let declaration = try Declaration(device, "fault", map, allowed: ["fault", "count", "for", "delay"])
    let name = try declaration.text("fault") ?? ""
    if name == "none" || name == "replug" { return nil }
    guard let kind = SimulatedFault(rawValue: name) else {
      let known = SimulatedFault.allCases.map(\.rawValue) + ["none"]
      throw .invalid(
        device, "no fault '\(name)'\(Suggestion.phrase(for: name, in: known)): \(known.joined(separator: ", "))")
    }
    var count: Int?
    if declaration.has("count") {
      let number = try declaration.number("count")
      guard number >= 1, let whole = Int(exactly: number) else {
        throw .invalid(device, "fault.count must be a whole number from 1")
      }
      count = whole
    }
    let length = try declaration.duration("for")
    return FaultPlan(
      kind, count: count, until: length.map { now + $0 },
      delay: try declaration.duration("delay", .seconds(1)))
  }

  /// Why it means nothing to a device of that kind; nil when it does something.
  func misfit(_ kind: Device.Kind) -> String? {
    switch (self.kind, kind) {
    case (.brownout, .actuator): nil
    case (.brownout, _): "a brownout is for actuators: the others have no level to lose"
    case (.slow, .input): "slow is for what answers when it is asked: an input tells by itself"
    case (_, .input) where isCounted: "'count' is of operations that fail, and an input has none: give 'for' instead"
    case (.unplug, .actuator) where isCounted, (.unplug, .camera) where isCounted:
      "'count' is of operations that fail: what is unplugged comes back after 'for', or with 'none'"
    default: nil
    }
  }

  private var isCounted: Bool { remaining != nil }

  /// When it ends by itself; nil when it does not, or by count.
  var end: Instant? { until }
}

/// A simulated device to which things can be done from outside.
protocol Injectable: AnyObject {
  /// Takes a fault, or gets rid of it.
  func take(_ plan: FaultPlan?)
  /// Takes `{value: …}`, `{active: …}` or `{press: …}`.
  /// - Returns: false when it means nothing to such a device.
  func take(_ change: Fields) throws(HALError) -> Bool
}
