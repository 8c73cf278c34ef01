import Model

/// One parameter of a method: its declaration, and the Swift value that the method is handed.
package struct Parameter<Argument: Sendable>: Sendable {
  let declaration: ParameterDeclaration
  let argument: @Sendable (Arguments) -> Argument

  /// A parameter that must be given.
  /// - Parameters:
  ///   - meaning: for people, without a full stop.
  ///   - aliases: other names that are understood.
  package static func required(
    _ name: String, _ type: ParameterType<Argument>, _ meaning: String, aliases: [String] = []
  ) -> Self {
    Self(declaration: ParameterDeclaration(name, type, isRequired: true, nil, meaning, aliases)) {
      read($0, name, type)
    }
  }

  /// A parameter with a default value.
  /// - Parameter defaultValue: must be of the type.
  package static func optional(
    _ name: String, _ type: ParameterType<Argument>, default defaultValue: Value, _ meaning: String,
    aliases: [String] = []
  ) -> Self {
    Self(declaration: ParameterDeclaration(name, type, isRequired: false, defaultValue, meaning, aliases)) {
      read($0, name, type)
    }
  }

  /// A parameter that may be left out: the method is handed nil then.
  package static func optional<Given: Sendable>(
    _ name: String, _ type: ParameterType<Given>, _ meaning: String, aliases: [String] = []
  ) -> Self where Argument == Given? {
    Self(declaration: ParameterDeclaration(name, type, isRequired: false, nil, meaning, aliases)) {
      $0[name].flatMap(type.read)
    }
  }

  private static func read(_ arguments: Arguments, _ name: String, _ type: ParameterType<Argument>) -> Argument {
    guard let argument = arguments[name].flatMap(type.read) else {
      preconditionFailure("'\(name)' was not checked against its declaration, or its default is of another type")
    }
    return argument
  }
}

/// A parameter as documents and schemas describe it.
package struct ParameterDeclaration: Sendable {
  /// The name.
  package let name: String
  /// The type's name, e.g. `text`.
  package let type: String
  /// For messages, e.g. `an integer from 1 to 1000`.
  package let expected: String
  /// Whether it must be given.
  package let isRequired: Bool
  /// Its value when it is left out; nil where that has a meaning of its own.
  package let defaultValue: Value?
  /// For people, without a full stop.
  package let meaning: String
  /// Other names that are understood.
  package let aliases: [String]
  let isRecorded: Bool
  let accepts: @Sendable (Value) -> Bool
  private let typeSchema: Fields

  init<Argument>(
    _ name: String, _ type: ParameterType<Argument>, isRequired: Bool, _ defaultValue: Value?, _ meaning: String,
    _ aliases: [String]
  ) {
    self.name = name
    self.type = type.name
    expected = type.expected
    self.isRequired = isRequired
    self.defaultValue = defaultValue
    self.meaning = meaning
    self.aliases = aliases
    isRecorded = type.isRecorded
    typeSchema = type.schema
    accepts = { [read = type.read] in read($0) != nil }
  }

  /// Whether this is one of its names.
  func isCalled(_ name: String) -> Bool { ([self.name] + aliases).contains { $0.isSame(as: name) } }

  /// Its JSON schema.
  var schema: Fields {
    var schema = typeSchema
    schema["description"] = .string(meaning)
    if let defaultValue { schema["default"] = defaultValue }
    return schema
  }

  /// As `daemon.methods` shows it.
  var fields: Fields {
    [
      "name": .string(name), "type": .string(type), "required": .bool(isRequired),
      "default": defaultValue ?? .null, "meaning": .string(meaning), "aliases": .list(aliases.map(Value.string)),
    ]
  }
}
