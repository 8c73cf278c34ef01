import Model

/// The output of `state`: a tree of values with one leaf on a line, indented by two spaces a level.
package enum Outline {
  /// The lines of a value. A map in a list is named by its first field, if that is text.
  package static func lines(_ value: Value, depth: Int = 0) -> [String] {
    let indent = String(repeating: "  ", count: depth)
    guard depth < 32 else { return ["\(indent)…"] }
    switch value {
    case .map(let fields):
      return fields.flatMap { field in entry("\(indent)\(field.key.printable)", field.value, depth) }
    case .list(let values):
      return values.flatMap { element -> [String] in
        guard case .map(let fields) = element, let first = fields.first, let name = first.value.string else {
          return entry("\(indent)-", element, depth)
        }
        return entry("\(indent)\(name.printable)", .map(Fields(uniquePairs: Array(fields.dropFirst()))), depth)
      }
    default: return ["\(indent)\(leaf(value))"]
    }
  }

  private static func entry(_ label: String, _ value: Value, _ depth: Int) -> [String] {
    switch value {
    case .map(let fields) where !fields.isEmpty: ["\(label):"] + lines(value, depth: depth + 1)
    case .list(let values) where values.contains { $0.map != nil || $0.list != nil }:
      ["\(label):"] + lines(value, depth: depth + 1)
    case .list(let values): ["\(label): \(values.map { $0.text() }.joined(separator: ", "))"]
    case .map: [label]
    default: ["\(label): \(leaf(value))"]
    }
  }

  private static func leaf(_ value: Value) -> String { value.string?.printable ?? value.text(limit: 200) }
}
