import Document
import Model

/// Formats values and alternatives for messages.
enum Wording {
  /// A node for a message: a scalar's value, or the kind of collection.
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

  /// `'text'`, truncated to 48 characters. Control characters are escaped, so that a file cannot control a terminal.
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
  /// A scalar's value; null for collections, to avoid copying them.
  var scalar: Value {
    switch content {
    case .list, .map: .null
    default: value
    }
  }
}
