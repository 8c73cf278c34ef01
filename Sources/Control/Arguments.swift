import Model
import OpenStarryAgent
import Wire

/// The parameters of a call: each known, of the right kind, under its own name, with defaults filled in.
struct Arguments {
  private var fields: Fields

  /// Checks `given` against what a method takes.
  /// - Throws: -32602 for one that is unknown, missing, given twice or of the wrong kind.
  init(_ given: Fields, for parameters: [Parameter]) throws(RPCError) {
    fields = Fields()
    for (name, value) in given {
      guard let parameter = parameters.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
        throw Self.unknown(name, parameters)
      }
      // JSON has no way to leave something out of a template but null.
      if case .null = value { continue }
      guard fields[parameter.name] == nil else {
        throw Self.invalid(name, parameter.kind.expected, "'\(name)' is given twice, once by another name")
      }
      guard parameter.kind.accepts(value) else {
        throw Self.invalid(name, parameter.kind.expected, "'\(name)' must be \(parameter.kind.expected)")
      }
      fields[parameter.name] = value
    }
    for parameter in parameters where fields[parameter.name] == nil {
      if parameter.isRequired {
        throw Self.invalid(parameter.name, parameter.kind.expected, "'\(parameter.name)' is missing")
      }
      fields[parameter.name] = parameter.standard
    }
  }

  /// A -32602 about one parameter.
  static func invalid(_ name: String, _ expected: String, _ message: String, hint: String? = nil) -> RPCError {
    RPCError(
      .invalidParams, message, data: ["param": .string(name), "expected": .string(expected)],
      hint: hint ?? "give '\(name)' as \(expected)")
  }

  private static func unknown(_ name: String, _ parameters: [Parameter]) -> RPCError {
    let names = parameters.map(\.name)
    let expected = names.isEmpty ? "no parameters" : names.joined(separator: ", ")
    let meant = Suggestion.closest(to: name, in: parameters.flatMap { [$0.name] + $0.aliases })
    return invalid(
      name, expected, "there is no parameter '\(name)'",
      hint: meant.map { "did you mean '\($0)'?" } ?? "this method takes \(expected)")
  }

  /// The value of a parameter; nil when it was left out and has no default.
  subscript(name: String) -> Value? { fields[name] }

  /// Those that fit into an event: no objects, no lists, no long texts.
  var simple: Fields {
    Fields(
      fields.filter {
        switch $0.value {
        case .map, .list, .bytes: false
        case .string(let text): text.utf8.count <= 128
        default: true
        }
      }.map { ($0.key, $0.value) })
  }

  func text(_ name: String) -> String? { fields[name]?.string }
  func integer(_ name: String) -> Int64? { fields[name]?.int }
  func flag(_ name: String) -> Bool? { fields[name]?.bool }
  func object(_ name: String) -> Fields? { fields[name]?.map }

  /// A text that the method requires.
  func required(_ name: String) -> String {
    guard let text = text(name) else { preconditionFailure("'\(name)' is not declared as required text") }
    return text
  }

  /// An event's id.
  func eventID(_ name: String) throws(RPCError) -> ULID? {
    guard let text = text(name) else { return nil }
    guard let id = ULID(text) else {
      throw Self.invalid(name, "an event id of 26 characters", "'\(text)' is not an event id")
    }
    return id
  }
}
