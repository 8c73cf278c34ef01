import Model

/// The type of a parameter: its description for people, its JSON schema, and its parser.
package struct ParameterType<Argument: Sendable>: Sendable {
  /// The name in documents, e.g. `text`.
  package let name: String
  /// The phrase for messages, e.g. `an integer from 1 to 1000`.
  package let expected: String
  /// The JSON schema (draft 2020-12) of the values that `read` accepts.
  package let schema: Fields
  /// Whether the `system:command` event shows the parameter even if it is an object or a long text.
  package let isRecorded: Bool
  /// Converts a value; nil when it is not of this type.
  package let read: @Sendable (Value) -> Argument?

  /// A type with its own parser.
  package init(
    _ name: String, expected: String, schema: Fields, isRecorded: Bool = false,
    read: @escaping @Sendable (Value) -> Argument?
  ) {
    self.name = name
    self.expected = expected
    self.schema = schema
    self.isRecorded = isRecorded
    self.read = read
  }

  /// The same type, converted further, e.g. text to an identifier.
  /// - Parameter make: nil refuses the value.
  package func map<Other>(_ make: @escaping @Sendable (Argument) -> Other?) -> ParameterType<Other> {
    ParameterType<Other>(name, expected: expected, schema: schema, isRecorded: isRecorded) { [read] value in
      read(value).flatMap(make)
    }
  }
}

extension ParameterType where Argument == String {
  /// The longest path in bytes: PATH_MAX of linux/limits.h.
  package static var longestPath: Int { 4096 }

  /// Text of at most `Name.longest` bytes.
  package static var text: Self { text(atMost: Name.longest) }

  /// A path of at most `longestPath` bytes.
  package static var path: Self { text(atMost: longestPath) }

  /// Text of any length; the method itself limits or truncates it.
  package static var anyText: Self { Self("text", expected: "text", schema: ["type": "string"]) { $0.string } }

  /// One of the given words, case-sensitive.
  package static func choice(_ choices: String...) -> Self {
    Self(
      "text", expected: choices.map { "'\($0)'" }.joined(separator: " or "),
      schema: ["type": "string", "enum": .list(choices.map(Value.string))]
    ) { value in
      value.string.flatMap { given in choices.contains { $0.isSame(as: given) } ? given : nil }
    }
  }

  private static func text(atMost longest: Int) -> Self {
    // The limit counts bytes, `maxLength` characters: the schema accepts some texts that are refused.
    Self(
      "text", expected: "text of at most \(longest) bytes",
      schema: ["type": "string", "maxLength": .int(Int64(longest))]
    ) { value in
      value.string.flatMap { $0.utf8.count <= longest ? $0 : nil }
    }
  }
}

extension ParameterType where Argument: CaseIterable & RawRepresentable, Argument.RawValue == String {
  /// One of the type's words, case-sensitive.
  package static func choice(of _: Argument.Type) -> Self {
    let words = Argument.allCases.map(\.rawValue)
    return Self(
      "text", expected: words.map { "'\($0)'" }.joined(separator: " or "),
      schema: ["type": "string", "enum": .list(words.map(Value.string))]
    ) { value in
      value.string.flatMap { given in Argument.allCases.first { $0.rawValue.isSame(as: given) } }
    }
  }
}

extension ParameterType where Argument == Int64 {
  /// An integer within `range`; an upper bound of `Int64.max` counts as none.
  package static func integer(_ range: ClosedRange<Int64>) -> Self {
    let isOpen = range.upperBound == .max
    var schema: Fields = ["type": "integer", "minimum": .int(range.lowerBound)]
    if !isOpen { schema["maximum"] = .int(range.upperBound) }
    return Self(
      "integer",
      expected: isOpen
        ? "an integer of at least \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)",
      schema: schema
    ) { value in
      value.int.flatMap { range.contains($0) ? $0 : nil }
    }
  }
}

extension ParameterType where Argument == Double {
  /// Any number.
  package static var number: Self { Self("number", expected: "a number", schema: ["type": "number"]) { $0.double } }
}

extension ParameterType where Argument == Bool {
  /// `true` or `false`.
  package static var boolean: Self {
    Self("boolean", expected: "true or false", schema: ["type": "boolean"]) { $0.bool }
  }
}

extension ParameterType where Argument == Fields {
  /// A JSON object with any members.
  package static var object: Self { Self("object", expected: "an object", schema: ["type": "object"]) { $0.map } }
}

extension ParameterType where Argument == Value {
  /// Any value but null.
  package static var anything: Self {
    Self("any", expected: "a value", schema: ["type": ["boolean", "number", "string", "array", "object"]]) {
      $0 == .null ? nil : $0
    }
  }
}
