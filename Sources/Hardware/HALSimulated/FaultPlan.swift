import HAL
import Model

/// An injected fault and its extent.
struct FaultPlan {
  let kind: SimulatedFault
  /// The delay of a `slow` answer, or before a `timeout` is reported.
  let delay: Duration
  private var remaining: Int?
  private let until: Instant?

  init(_ kind: SimulatedFault, count: Int?, until: Instant?, delay: Duration) {
    self.kind = kind
    self.delay = delay
    self.until = until
    remaining = count
  }

  /// Whether the fault affects the next operation, which is counted.
  mutating func strikes(at now: Instant) -> Bool {
    guard isActive(at: now) else { return false }
    if let left = remaining { remaining = left - 1 }
    return true
  }

  func isActive(at now: Instant) -> Bool { until.map { now < $0 } ?? true && remaining.map { $0 > 0 } ?? true }

  /// The reason that an unplugged device gives for its absence.
  static let absence = "it is unplugged"

  /// The failure that a driver answers; nil for faults that change a successful answer.
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

  /// Why the fault cannot be injected into a device of that kind; nil when it can.
  func misfit(_ kind: Device.Kind) -> String? {
    switch (self.kind, kind) {
    case (.brownout, .actuator): nil
    case (.brownout, _): "only actuators have brownouts: other devices have no level to lose"
    case (.slow, .input): "an input cannot be slow: it reports edges without being asked"
    case (_, .input) where isCounted: "'count' counts failing operations, and an input has none: use 'for' instead"
    case (.unplug, .actuator) where isCounted, (.unplug, .camera) where isCounted:
      "'count' counts failing operations: an unplugged device comes back after 'for', or with 'none'"
    default: nil
    }
  }

  private var isCounted: Bool { remaining != nil }

  /// When it ends by itself; nil when it lasts until `none`, or ends by count.
  var end: Instant? { until }
}

/// A simulated device that can be controlled manually.
protocol Injectable: AnyObject {
  /// Injects a fault; nil removes it.
  func take(_ plan: FaultPlan?)
  /// Applies `{value: …}`, `{active: …}` or `{press: …}`.
  /// - Returns: false when this kind of device has no such key.
  func take(_ change: Fields) throws(HALError) -> Bool
}
