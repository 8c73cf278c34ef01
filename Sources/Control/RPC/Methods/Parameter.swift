import Model

/// One parameter of a method: its declaration, and its conversion to the Swift value that the method receives.
package struct Parameter<Argument: Sendable>: Sendable {
  let declaration: ParameterDeclaration
  let argument: @Sendable (Arguments) -> Argument

  /// A mandatory parameter.
  /// - Parameters:
  ///   - meaning: for documents, without a full stop.
  ///   - aliases: other accepted names.
  package static func required(
    _ name: String, _ type: ParameterType<Argument>, _ meaning: String, aliases: [String] = []
  ) -> Self {
    Self(declaration: ParameterDeclaration(name, type, isRequired: true, nil, meaning, aliases)) {
      read($0, name, type)
    }
  }

  /// A parameter with a default value.
  /// - Parameter defaultValue: must be accepted by `type`, or the first call without the parameter traps.
  package static func optional(
    _ name: String, _ type: ParameterType<Argument>, default defaultValue: Value, _ meaning: String,
    aliases: [String] = []
  ) -> Self {
    Self(declaration: ParameterDeclaration(name, type, isRequired: false, defaultValue, meaning, aliases)) {
      read($0, name, type)
    }
  }

  /// An optional parameter without a default: the method receives nil if it is missing.
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

/// The description of a parameter for documents and schemas.
package struct ParameterDeclaration: Sendable {
  /// The name on the wire.
  package let name: String
  /// The type's name, e.g. `text`.
  package let type: String
  /// The phrase for messages, e.g. `an integer from 1 to 1000`.
  package let expected: String
  /// Whether a call without it is refused.
  package let isRequired: Bool
  /// The value of a missing parameter; nil for a parameter without a default.
  package let defaultValue: Value?
  /// The description for documents, without a full stop.
  package let meaning: String
  /// Other accepted names.
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

  /// Whether `name` is the parameter's name or an alias.
  func isCalled(_ name: String) -> Bool { ([self.name] + aliases).contains { $0.isSame(as: name) } }

  /// The JSON schema with the description and the default.
  var schema: Fields {
    var schema = typeSchema
    schema["description"] = .string(meaning)
    if let defaultValue { schema["default"] = defaultValue }
    return schema
  }

  /// The entry in the result of `daemon.methods`.
  var fields: Fields {
    [
      "name": .string(name), "type": .string(type), "required": .bool(isRequired),
      "default": defaultValue ?? .null, "meaning": .string(meaning), "aliases": .list(aliases.map(Value.string)),
    ]
  }
}
