import Document
import Model

/// How messages show what a file says, and how they list what it could have said.
enum Wording {
  /// A node as a message shows it: a scalar's value, or what kind of collection it is.
  static func shown(_ node: Node) -> String {
    switch node.content {
    case .null: "empty"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let text): quoted(text)
    case .list: "a list"
    case .map: "a map"
    }
  }

  /// `'text'`, cut to 48 characters, with control characters escaped so that no file can write to a terminal.
  static func quoted(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(48) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        shown += scalar.escaped(asASCII: true)
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return text.unicodeScalars.dropFirst(48).isEmpty ? "'\(shown)'" : "'\(shown)…'"
  }

  /// `a, b or c`, at most twenty names.
  static func alternatives(_ names: [String]) -> String {
    if names.count > 20 { return names.prefix(20).joined(separator: ", ") + ", …" }
    guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }

  /// `a sensor`, `an actuator`.
  static func article(_ noun: String) -> String { "aeiou".contains(noun.first ?? " ") ? "an \(noun)" : "a \(noun)" }
}

extension Node {
  /// A scalar's value; null for collections, which are never copied to look at a number.
  var scalar: Value {
    switch content {
    case .list, .map: .null
    default: value
    }
  }
}
