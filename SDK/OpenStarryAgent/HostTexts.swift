// The JSON texts that cross between an agent outside of the daemon and the daemon: docs/wasm-abi.md has their forms.

extension Event {
  /// Reads an event as the daemon hands it over.
  /// - Throws: `invalid`, with the field that is missing or of the wrong kind.
  init(_ value: Value) throws(AgentError) {
    guard let id = value["id"]?.string.flatMap(ULID.init(_:)) else { throw Self.without("id") }
    guard let type = value["type"]?.string else { throw Self.without("type") }
    guard let payload = value["payload"]?.map else { throw Self.without("payload") }
    self.init(
      id: id, type: type, time: UInt64(clamping: value["time"]?.int ?? 0),
      clockSynchronised: value["clock_synchronised"]?.bool ?? false,
      monotonic: UInt64(clamping: value["monotonic_ns"]?.int ?? 0), source: value["source"]?.string ?? "system",
      cause: value["cause"]?.string.flatMap(ULID.init(_:)), trace: value["trace"]?.string.flatMap(ULID.init(_:)),
      depth: Int(clamping: value["depth"]?.int ?? 0),
      priority: value["priority"]?.int.flatMap { Priority(rawValue: Int(clamping: $0)) } ?? .normal, payload: payload)
  }

  private static func without(_ field: String) -> AgentError {
    AgentError(.invalid, "an event without a valid '\(field)'")
  }
}

extension Reading {
  /// Reads `{"value", "unit", "time", "quality"}`.
  init(_ value: Value) throws(AgentError) {
    guard let number = value["value"]?.double else { throw AgentError(.failed, "a reading without a value") }
    self.init(
      value: number, unit: value["unit"]?.string ?? "", time: UInt64(clamping: value["time"]?.int ?? 0),
      quality: Self.quality(value["quality"]?.string))
  }
}

extension Reading {
  /// `init(rawValue:)` would bring along the standard library's comparison of texts, 11 KB of a module.
  private static func quality(_ text: String?) -> Quality {
    guard let text else { return .good }
    return Quality.allCases.first { $0.rawValue == text } ?? .good
  }
}

extension Receipt {
  /// Reads `{"id", "state", "previous", "at", "confirmed"}`.
  init(_ value: Value) throws(AgentError) {
    guard let id = value["id"]?.string.flatMap(ULID.init(_:)), let state = value["state"]?.double else {
      throw AgentError(.failed, "a receipt without an id or a state")
    }
    self.init(
      id: id, state: state, previous: value["previous"]?.double ?? 0, at: UInt64(clamping: value["at"]?.int ?? 0),
      isConfirmed: value["confirmed"]?.bool ?? true)
  }
}

extension ActuatorCommand {
  /// `"off"`, `"on"`, `{"level": 0.4}`, `{"pulse_ms": 500}`.
  var value: Value {
    switch self {
    case .off: "off"
    case .on: "on"
    case .level(let level): ["level": .double(level)]
    case .pulse(let length): ["pulse_ms": .int(length.milliseconds)]
    }
  }
}

extension Duration {
  /// Whole nanoseconds, clamped to what 64 bits hold (292 years).
  public var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, overflow2) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return overflow || overflow2 ? (seconds < 0 ? .min : .max) : sum
  }

  /// Whole milliseconds, rounded up so that nothing above zero becomes nothing.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return Int64(clamping: seconds).multipliedReportingOverflow(by: 1000).partialValue
      &+ (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
  }
}

extension Duration {
  /// `250ms`, `25s`, `4m`, `3h`: in one unit, rounded up, for a sentence.
  var rounded: String {
    let milliseconds = max(0, milliseconds)
    func up(_ unit: Int64) -> Int64 { (milliseconds + unit - 1) / unit }
    return switch milliseconds {
    case ..<1000: "\(milliseconds)ms"
    case ..<120_000: "\(up(1000))s"
    case ..<7_200_000: "\(up(60_000))m"
    default: "\(up(3_600_000))h"
    }
  }
}

extension AgentError.Code {
  /// The kind of failure of a number in the WebAssembly contract.
  init(number: UInt8) {
    switch number {
    case 0: self = .denied
    case 1: self = .notFound
    case 2: self = .busy
    case 3: self = .limited
    case 4: self = .unavailable
    case 5: self = .invalid
    default: self = .failed
    }
  }
}
