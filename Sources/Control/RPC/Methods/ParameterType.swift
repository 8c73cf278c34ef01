import Model

/// What a parameter may be: how it is described, and how it is read.
package struct ParameterType<Argument: Sendable>: Sendable {
  /// As documents name it, e.g. `text`.
  package let name: String
  /// For messages, e.g. `an integer from 1 to 1000`.
  package let expected: String
  /// The JSON schema (draft 2020-12) of what `read` accepts.
  package let schema: Fields
  /// Whether a record of the call shows the parameter even where it is an object; otherwise it shows simple values only.
  package let isRecorded: Bool
  /// Reads a value; nil when it is not of this type.
  package let read: @Sendable (Value) -> Argument?

  /// A type with its own way of reading.
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

  /// The same values as another type: identifiers, for example, are text.
  package func map<Other>(_ make: @escaping @Sendable (Argument) -> Other?) -> ParameterType<Other> {
    ParameterType<Other>(name, expected: expected, schema: schema, isRecorded: isRecorded) { [read] value in
      read(value).flatMap(make)
    }
  }
}

extension ParameterType where Argument == String {
  /// PATH_MAX of linux/limits.h, in bytes.
  package static var longestPath: Int { 4096 }

  /// A name, or a few words: at most `Name.longest` bytes.
  package static var text: Self { text(atMost: Name.longest) }

  /// The path of a file.
  package static var path: Self { text(atMost: longestPath) }

  /// Text of any length, of which the method takes what it needs.
  package static var anyText: Self { Self("text", expected: "text", schema: ["type": "string"]) { $0.string } }

  /// One of a few words.
  package static func choice(_ choices: String...) -> Self {
    Self(
      "text", expected: choices.map { "'\($0)'" }.joined(separator: " or "),
      schema: ["type": "string", "enum": .list(choices.map(Value.string))]
    ) { value in
      value.string.flatMap { given in choices.contains { $0.isSame(as: given) } ? given : nil }
    }
  }

  private static func text(atMost longest: Int) -> Self {
    // The limit counts bytes where a schema's counts characters: the schema accepts some texts that are refused.
    Self(
      "text", expected: "text of at most \(longest) bytes",
      schema: ["type": "string", "maxLength": .int(Int64(longest))]
    ) { value in
      value.string.flatMap { $0.utf8.count <= longest ? $0 : nil }
    }
  }
}

extension ParameterType where Argument == Int64 {
  /// An integer within a range.
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
  /// A number.
  package static var number: Self { Self("number", expected: "a number", schema: ["type": "number"]) { $0.double } }
}

extension ParameterType where Argument == Bool {
  /// True or false.
  package static var boolean: Self {
    Self("boolean", expected: "true or false", schema: ["type": "boolean"]) { $0.bool }
  }
}

extension ParameterType where Argument == Fields {
  /// An object.
  package static var object: Self { Self("object", expected: "an object", schema: ["type": "object"]) { $0.map } }
}
