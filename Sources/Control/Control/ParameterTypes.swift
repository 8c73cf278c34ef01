import HAL
import Model
import RPC

extension ParameterType where Argument == String {
  /// The absolute path of a manifest: the daemon runs in another folder than its client.
  static var manifestFile: Self {
    let path = path
    return Self("text", expected: "an absolute path", schema: path.schema) { value in
      path.read(value).flatMap { $0.hasPrefix("/") || $0.isSame(as: AgentRegistration.noFile) ? $0 : nil }
    }
  }
}

extension ParameterType where Argument == String {
  /// What a person or a model says: of a longer text the first 512 bytes are used.
  static var words: Self { anyText.map { $0.cut(to: 512) } }
}

extension ParameterType where Argument == String {
  /// The text of a rule file.
  static var ruleText: Self {
    let limit = 65_536
    return Self(
      "text", expected: "text of at most \(limit) bytes", schema: ["type": "string", "maxLength": .int(Int64(limit))]
    ) { value in
      value.string.flatMap { $0.utf8.count <= limit ? $0 : nil }
    }
  }
}

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
