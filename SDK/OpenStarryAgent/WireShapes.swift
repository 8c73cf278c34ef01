// The shapes that cross between agents, the daemon and its clients: names, units, limits. docs/wasm-abi.md,
// docs/process-abi.md and docs/control.md describe them.

extension Event: WireShape {
  package static var title: String { "an event" }

  package init() {
    let none = ULID(high: 0, low: 0)
    self.init(id: none, type: "", trace: none)
  }

  package mutating func visit<Pass: FieldPass>(_ pass: inout Pass) throws(Pass.Failure) {
    try pass.required("id", &id)
    try pass.required("type", &type)
    // Milliseconds since 1970.
    try pass.field("time", &time)
    try pass.field("clock_synchronised", &clockSynchronised)
    try pass.field("monotonic_ns", &monotonic)
    try pass.field("source", &source)
    try pass.field("cause", &cause)
    try pass.field("trace", &trace)
    try pass.field("depth", &depth)
    try pass.field("priority", &priority)
    try pass.required("payload", &payload)
    if trace == ULID(high: 0, low: 0) { trace = id }
  }
}

extension Reading: WireShape {
  package static var title: String { "a reading" }

  package init() { self.init(value: 0, unit: "", time: 0) }

  package mutating func visit<Pass: FieldPass>(_ pass: inout Pass) throws(Pass.Failure) {
    try pass.required("value", &value)
    try pass.field("unit", &unit)
    try pass.field("time_ns", former: "time", &time)
    try pass.field("quality", &quality)
  }
}

extension Receipt: WireShape {
  package static var title: String { "a receipt" }

  package init() { self.init(id: ULID(high: 0, low: 0), state: 0, previous: 0, at: 0) }

  package mutating func visit<Pass: FieldPass>(_ pass: inout Pass) throws(Pass.Failure) {
    try pass.required("id", &id)
    try pass.required("state", &state)
    try pass.field("previous", &previous)
    try pass.field("at_ns", former: "at", &at)
    try pass.field("confirmed", &isConfirmed)
  }
}

/// `"off"`, `"on"`, a level from 0 to 1, `{"pulse_ms": 500}`. `{"level": 0.4}` is a former form of a level, still read.
extension ActuatorCommand: WireField {
  /// The longest pulse that crosses: a year, in milliseconds.
  package static let longestPulse: Int64 = 31_536_000_000

  /// The forms of a command, for error messages.
  package static var forms: String { #""on", "off", a number from 0 to 1, or {"pulse_ms": 1 to \#(longestPulse)}"# }

  package var wireValue: Value {
    switch self {
    case .off: "off"
    case .on: "on"
    case .level(let level): .double(level)
    case .pulse(let length): ["pulse_ms": .int(max(1, length.milliseconds))]
    }
  }

  package init?(wireValue value: Value) {
    switch value {
    case .string(let word) where word.isSame(as: "on"): self = .on
    case .string(let word) where word.isSame(as: "off"): self = .off
    case .int, .double:
      guard let level = value.double, level >= 0, level <= 1 else { return nil }
      self = .level(level)
    case .map(let fields) where fields.count == 1:
      if let length = fields["pulse_ms"]?.int, length >= 1, length <= Self.longestPulse {
        self = .pulse(.milliseconds(length))
      } else if let level = fields["level"]?.double, level >= 0, level <= 1 {
        self = .level(level)
      } else {
        return nil
      }
    default: return nil
    }
  }
}

// MARK: Types of fields

/// Text in JSON; in CBOR 16 bytes, most significant first, which cost a guest a fifth of the instructions.
extension ULID: WireField {
  package var wireValue: Value { .string(description) }

  package var binaryValue: Value {
    .bytes((0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - $0 % 8 * 8)) })
  }

  package static func read(_ reader: inout CBORReader) throws(AgentError) -> ULID? {
    if let (high, low) = reader.take16Bytes() { return ULID(high: high, low: low) }
    return ULID(wireValue: try reader.value())
  }

  package init?(wireValue value: Value) {
    switch value {
    case .string(let text): self.init(text)
    case .bytes(let bytes) where bytes.count == 16:
      var (high, low): (UInt64, UInt64) = (0, 0)
      for place in 0..<8 {
        high = high << 8 | UInt64(bytes[place])
        low = low << 8 | UInt64(bytes[place + 8])
      }
      self.init(high: high, low: low)
    default: return nil
    }
  }
}

extension Priority: WireField {
  package var wireValue: Value { .int(Int64(rawValue)) }
  package init?(wireValue value: Value) {
    guard let number = value.int else { return nil }
    self.init(rawValue: Int(clamping: number))
  }
}

extension Reading.Quality: WireField {
  package var wireValue: Value { .string(rawValue) }
  package init?(wireValue value: Value) {
    // `init(rawValue:)` would add the standard library's comparison of texts, 11 KB of a module.
    guard let text = value.string, let quality = Self.allCases.first(where: { $0.rawValue.isSame(as: text) }) else {
      return nil
    }
    self = quality
  }
}

extension AgentError.Code {
  /// The number in the WebAssembly contract, 0 to 7.
  package var wireNumber: UInt8 {
    switch self {
    case .denied: 0
    case .notFound: 1
    case .busy: 2
    case .limited: 3
    case .unavailable: 4
    case .invalid: 5
    case .failed: 6
    case .waiting: 7
    }
  }

  /// The kind of failure of a number in the WebAssembly contract; `failed` for unknown numbers.
  package init(wireNumber number: UInt8) { self = Self.allCases.first { $0.wireNumber == number } ?? .failed }
}
