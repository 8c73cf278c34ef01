import Document
import Model

/// The expected form of a value in a file, and its conversion to a Swift value.
///
/// A shape reports errors itself, at the node that is wrong, and returns nil.
struct Shape<Wanted> {
  /// The description that ends the sentence "… expected ".
  let expected: String
  private let form: () -> Schema
  /// Reads a node; the text is the node's name for messages, e.g. `'every'`.
  let read: (Node, String, Findings) -> Wanted?

  /// The form as JSON Schema.
  var schema: Schema { form().described(expected) }

  /// Creates a shape that depends only on the node.
  /// - Parameters:
  ///   - schema: the form as JSON Schema.
  ///   - names: the candidates for suggestions when a text is misspelt.
  ///   - isFreeText: whether a number or a boolean would do if it were in quotes.
  ///   - convert: returns nil for a node of another form.
  init(
    _ expected: String, names: [String] = [], isFreeText: Bool = false, _ schema: @autoclosure @escaping () -> Schema,
    _ convert: @escaping (Node) -> Wanted?
  ) {
    self.expected = expected
    form = schema
    read = { node, subject, findings in
      if let value = convert(node) { return value }
      findings.error(
        node.location,
        "\(subject) is \(Wording.shown(node)), expected \(expected)\(Self.hint(node, names, isFreeText ? convert : nil))"
      )
      return nil
    }
  }

  /// Creates a shape whose `read` reports its own errors.
  init(
    expected: String, _ schema: @autoclosure @escaping () -> Schema,
    reading read: @escaping (Node, String, Findings) -> Wanted?
  ) {
    self.expected = expected
    form = schema
    self.read = read
  }

  /// The same shape with another result.
  func map<Other>(_ transform: @escaping (Wanted) -> Other) -> Shape<Other> {
    let (read, form) = (read, form)
    return Shape<Other>(expected: expected, form()) { node, subject, findings in
      read(node, subject, findings).map(transform)
    }
  }

  /// The same shape with a warning about valid but doubtful values.
  /// - Parameter doubt: the consequence of the value; nil for no warning.
  func doubted(_ doubt: @escaping (Wanted) -> String?) -> Shape {
    let (read, form) = (read, form)
    return Shape(expected: expected, form()) { node, subject, findings in
      guard let value = read(node, subject, findings) else { return nil }
      if let doubt = doubt(value) { findings.warning(node.location, "\(subject) is \(Wording.shown(node)): \(doubt)") }
      return value
    }
  }

  /// - Parameter convert: for free text, to see whether quotes would help.
  private static func hint(_ node: Node, _ names: [String], _ convert: ((Node) -> Wanted?)?) -> String {
    switch node.content {
    case .string(let text): return Suggestion.phrase(for: text, in: names)
    // YAML reads 1.0 as a number and true as a boolean.
    case .int, .double, .bool:
      return convert?(Node(.string(Wording.shown(node)), node.location)) == nil ? "" : "; put it in quotes"
    default: return ""
    }
  }
}

extension Shape {
  /// A list of `element`; every invalid entry is reported.
  static func list<Element>(of element: Shape<Element>) -> Shape where Wanted == [Element] {
    Shape(expected: "a list; each entry: \(element.expected)", .list(of: element.form())) { node, subject, findings in
      guard case .list(let nodes) = node.content else {
        findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected a list")
        return nil
      }
      let values = nodes.map { element.read($0, "an entry of \(subject)", findings) }
      return values.contains { $0 == nil } ? nil : values.compactMap(\.self)
    }
  }

  /// A list of `element`, or a single one.
  static func oneOrMore<Element>(of element: Shape<Element>) -> Shape where Wanted == [Element] {
    let many = Shape.list(of: element)
    return Shape(
      expected: "\(element.expected), or a list of such", .either(element.form(), .list(of: element.form()))
    ) { node, subject, findings in
      if case .list = node.content { return many.read(node, subject, findings) }
      return element.read(node, subject, findings).map { [$0] }
    }
  }

  /// One of `names`.
  static func choice(_ names: [(name: String, value: Wanted)]) -> Shape {
    Shape(Wording.alternatives(names.map(\.name)), names: names.map(\.name), .choice(names.map(\.name))) { node in
      guard case .string(let text) = node.content else { return nil }
      return names.first { $0.name.isSame(as: text) }?.value
    }
  }

  /// One of an enumeration's raw values.
  static func choice(of type: Wanted.Type) -> Shape where Wanted: CaseIterable & RawRepresentable<String> {
    choice(type.allCases.map { ($0.rawValue, $0) })
  }
}

extension Shape where Wanted == Bool {
  static var bool: Shape {
    Shape("true or false", .bool) { node in
      if case .bool(let value) = node.content { value } else { nil }
    }
  }
}

extension Shape where Wanted == String {
  /// Text that is not empty, of at most 4096 bytes.
  static var text: Shape { text("text", isFree: true) }

  /// PATH_MAX of linux/limits.h.
  private static let longest = 4096

  /// Text that is not empty.
  /// - Parameters:
  ///   - expected: the description for messages.
  ///   - most: the greatest length in bytes.
  ///   - isFree: whether a number would do if it were in quotes.
  static func text(_ expected: String, most: Int = longest, isFree: Bool = false) -> Shape {
    let any = Shape(expected, isFreeText: isFree, .text(least: 1, most: most)) { node in
      guard case .string(let text) = node.content, !text.isEmpty else { return nil }
      return text
    }
    return Shape(expected: expected, .text(least: 1, most: most)) { node, subject, findings in
      guard let text = any.read(node, subject, findings) else { return nil }
      guard text.utf8.count <= most else {
        findings.error(node.location, "\(subject) has \(text.utf8.count) bytes, expected at most \(most)")
        return nil
      }
      return text
    }
  }

  /// Text that is not empty, of at most `Name.longest` bytes.
  static var name: Shape { text("text", most: Name.longest, isFree: true) }

  /// Text of any length, including empty text.
  static var anyText: Shape {
    Shape("text", isFreeText: true, .text()) { node in
      if case .string(let text) = node.content { text } else { nil }
    }
  }
}

extension Shape where Wanted == Node {
  /// Any node, unchanged.
  static var anything: Shape {
    Shape("a value", .any) { $0 }
  }
}
