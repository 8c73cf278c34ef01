import HAL
import Model
import RPC

extension ParameterType where Argument == AgentID {
  static var agent: Self { ParameterType<String>.text.map { AgentID($0) } }
}

extension ParameterType where Argument == DeviceID {
  static var device: Self { ParameterType<String>.text.map { DeviceID($0) } }
}

extension ParameterType where Argument == EventPattern {
  static var pattern: Self { ParameterType<String>.text.map { EventPattern($0) } }
}

extension ParameterType where Argument == Priority {
  static var priority: Self {
    ParameterType<Int64>.integer(0...5).map { Priority(rawValue: Int($0)) }
  }
}

extension ParameterType where Argument == ULID {
  static var eventID: Self {
    Self(
      "text", expected: "an event id of 26 characters", schema: ["type": "string", "minLength": 26, "maxLength": 26]
    ) { value in
      value.string.flatMap(ULID.init)
    }
  }
}

extension ParameterType where Argument == ActuatorCommand {
  /// Section 4.7 of the protocol.
  static var command: Self {
    Self(
      "command", expected: "\"on\", \"off\", a number from 0 to 1, or {\"pulse_ms\": N}",
      schema: [
        "oneOf": [
          ["enum": ["on", "off"]], ["type": "number", "minimum": 0, "maximum": 1],
          [
            "type": "object",
            "properties": [
              "pulse_ms": ["type": "integer", "minimum": 1, "maximum": .int(ActuatorCommand.longestPulse)]
            ],
            "required": ["pulse_ms"], "additionalProperties": false,
          ],
        ]
      ], isRecorded: true
    ) {
      ActuatorCommand($0)
    }
  }
}

extension ParameterType where Argument == Value {
  /// Section 4.12 of the protocol: a change of a simulated device.
  static var change: Self {
    let limit = ParameterType<String>.longestPath
    return Self(
      "change", expected: "an object such as {\"value\": 31.5} of at most \(limit) bytes, or the name of a fault",
      schema: ["type": ["object", "string"]], isRecorded: true
    ) { value in
      // Not a ternary: there `nil` would be the JSON null.
      guard value.map != nil || value.string != nil, value.weight <= limit else { return nil }
      return value
    }
  }
}

extension ActuatorCommand {
  /// A year, in milliseconds: fits into nanoseconds of 64 bits.
  fileprivate static let longestPulse: Int64 = 31_536_000_000

  /// Reads a command from the wire; nil for an invalid one.
  init?(_ value: Value) {
    switch value {
    case .string(let word) where word.isSame(as: "on"): self = .on
    case .string(let word) where word.isSame(as: "off"): self = .off
    case .int, .double:
      guard let level = value.double, (0...1).contains(level) else { return nil }
      self = .level(level)
    case .map(let fields):
      guard fields.count == 1, let length = fields["pulse_ms"]?.int, (1...Self.longestPulse).contains(length) else {
        return nil
      }
      self = .pulse(.milliseconds(length))
    default: return nil
    }
  }
}
