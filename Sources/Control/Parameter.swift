import Model

/// One parameter of a method, as `docs/control.md` lists it.
struct Parameter: Sendable {
  /// What a parameter may be.
  enum Kind: Sendable {
    case text
    case choice([String])
    case integer(ClosedRange<Int64>)
    case number
    case boolean
    case object
    /// A command to an actuator: 4.7 of the protocol.
    case command
    /// What happens to a simulated device: an object, or text.
    case change

    /// As the document names it.
    var name: String {
      switch self {
      case .text, .choice: "text"
      case .integer: "integer"
      case .number: "number"
      case .boolean: "boolean"
      case .object: "object"
      case .command: "command"
      case .change: "change"
      }
    }

    /// For messages.
    var expected: String {
      switch self {
      case .text: "text"
      case .choice(let choices): choices.map { "'\($0)'" }.joined(separator: " or ")
      case .integer(let range):
        range.upperBound == .max
          ? "an integer of at least \(range.lowerBound)"
          : "an integer from \(range.lowerBound) to \(range.upperBound)"
      case .number: "a number"
      case .boolean: "true or false"
      case .object: "an object"
      case .command: "\"on\", \"off\", a number from 0 to 1, or {\"pulse_ms\": N}"
      case .change: "an object such as {\"value\": 31.5}, or the name of a fault"
      }
    }

    /// Whether `value` is one.
    func accepts(_ value: Value) -> Bool {
      switch self {
      case .text: value.string != nil
      case .choice(let choices): value.string.map(choices.contains) ?? false
      case .integer(let range): value.int.map(range.contains) ?? false
      case .number: value.double != nil
      case .boolean: value.bool != nil
      case .object: value.map != nil
      case .command: ActuatorCommand(value) != nil
      case .change: value.map != nil || value.string != nil
      }
    }
  }

  let name: String
  let kind: Kind
  let isRequired: Bool
  /// What it is when left out; nil when that means nothing.
  let standard: Value?
  let meaning: String
  /// Other names that are understood.
  let aliases: [String]

  static func required(_ name: String, _ kind: Kind, _ meaning: String, aliases: [String] = []) -> Parameter {
    Parameter(name: name, kind: kind, isRequired: true, standard: nil, meaning: meaning, aliases: aliases)
  }

  static func optional(
    _ name: String, _ kind: Kind, _ standard: Value? = nil, _ meaning: String, aliases: [String] = []
  ) -> Parameter {
    Parameter(name: name, kind: kind, isRequired: false, standard: standard, meaning: meaning, aliases: aliases)
  }
}

extension ActuatorCommand {
  /// Reads a command as it travels; nil when it is none.
  init?(_ value: Value) {
    switch value {
    case .string("on"): self = .on
    case .string("off"): self = .off
    case .int, .double:
      guard let level = value.double, (0...1).contains(level) else { return nil }
      self = .level(level)
    case .map(let fields):
      // A year is long enough, and leaves room to count in nanoseconds.
      guard fields.count == 1, let length = fields["pulse_ms"]?.int, (1...31_536_000_000).contains(length) else {
        return nil
      }
      self = .pulse(.milliseconds(length))
    default: return nil
    }
  }
}
