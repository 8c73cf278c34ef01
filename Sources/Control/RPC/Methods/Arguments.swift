import Document
import Model

/// The checked parameters of a call: declared, of the right type, without aliases, and with defaults filled in.
package struct Arguments {
  private var fields = Fields()
  private let parameters: [ParameterDeclaration]

  /// Checks the parameters of a request against a method's declarations.
  /// - Throws: -32602 for a parameter that is unknown, missing, repeated or of the wrong type.
  init(_ given: Fields, for parameters: [ParameterDeclaration]) throws(RPCError) {
    self.parameters = parameters
    for (name, value) in given {
      guard let parameter = parameters.first(where: { $0.isCalled(name) }) else {
        throw Self.unknown(name, parameters)
      }
      // null counts as missing, because templates that generate JSON cannot omit a member.
      if case .null = value { continue }
      guard fields[parameter.name] == nil else {
        throw RPCError(parameter: name, parameter.expected, "'\(name)' is given twice, once under an alias")
      }
      guard parameter.accepts(value) else {
        let shown = JSON.text(value).cut(to: 64)
        throw RPCError(
          parameter: name, parameter.expected, "give '\(name)' as \(parameter.expected), not \(shown)")
      }
      fields[parameter.name] = value
    }
    for parameter in parameters where fields[parameter.name] == nil {
      if parameter.isRequired {
        throw RPCError(parameter: parameter.name, parameter.expected, "'\(parameter.name)' is missing")
      }
      fields[parameter.name] = parameter.defaultValue
    }
  }

  private static func unknown(_ name: String, _ parameters: [ParameterDeclaration]) -> RPCError {
    let names = parameters.map(\.name)
    let expected = names.isEmpty ? "no parameters" : names.joined(separator: ", ")
    let meant = Suggestion.closest(to: name, in: parameters.flatMap { [$0.name] + $0.aliases })
    return RPCError(
      parameter: name, expected, "there is no parameter '\(Name(name).shown)'",
      hint: meant.map { "did you mean '\($0)'?" } ?? "this method takes \(expected)")
  }

  /// The value of a parameter; nil when it is missing and has no default.
  package subscript(name: String) -> Value? { fields[name] }

  /// The parameters for the `system:command` event: simple values, texts of at most 128 bytes, and parameters whose
  /// type is always recorded.
  package var recorded: Fields {
    var recorded = Fields(
      fields.filter {
        switch $0.value {
        case .map, .list, .bytes: false
        case .string(let text): text.utf8.count <= 128
        default: true
        }
      }.map { ($0.key, $0.value) })
    for parameter in parameters where parameter.isRecorded { recorded[parameter.name] = fields[parameter.name] }
    return recorded
  }
}

extension RPCError {
  /// A -32602 about one parameter; the default hint repeats what was expected.
  package init(parameter name: String, _ expected: String, _ message: String, hint: String? = nil) {
    self.init(
      .invalidParams, message, data: ["param": .string(name), "expected": .string(expected)],
      hint: hint ?? "give '\(name)' as \(expected)")
  }
}
