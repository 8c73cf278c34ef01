import Document
import Model

/// What a value in a file must look like, and how it becomes a Swift value.
///
/// A shape reports what is wrong itself, at the node where it is wrong, and then answers nil.
struct Shape<Wanted> {
  /// Ends the sentence "… expected ".
  let expected: String
  /// Reads a node; the text names it in messages, e.g. `'every'`.
  let read: (Node, String, Findings) -> Wanted?

  /// A shape that decides alone from the node.
  /// - Parameters:
  ///   - names: what a misspelt text was probably meant to be.
  ///   - convert: nil when the node is not that.
  init(_ expected: String, names: [String] = [], _ convert: @escaping (Node) -> Wanted?) {
    self.expected = expected
    read = { node, subject, findings in
      if let value = convert(node) { return value }
      findings.error(
        node.location, "\(subject) is \(Wording.shown(node)), expected \(expected)\(Self.hint(node, expected, names))")
      return nil
    }
  }

  /// A shape that reports by itself.
  init(expected: String, reading read: @escaping (Node, String, Findings) -> Wanted?) {
    self.expected = expected
    self.read = read
  }

  /// The same, with what was read turned into something else.
  func map<Other>(_ transform: @escaping (Wanted) -> Other) -> Shape<Other> {
    let read = read
    return Shape<Other>(expected: expected) { node, subject, findings in
      read(node, subject, findings).map(transform)
    }
  }

  /// The same, with a warning about what can be read and hardly be meant.
  /// - Parameter doubt: what would follow from it; nil where nothing speaks against it.
  func doubted(_ doubt: @escaping (Wanted) -> String?) -> Shape {
    let read = read
    return Shape(expected: expected) { node, subject, findings in
      guard let value = read(node, subject, findings) else { return nil }
      if let doubt = doubt(value) { findings.warning(node.location, "\(subject) is \(Wording.shown(node)): \(doubt)") }
      return value
    }
  }

  private static func hint(_ node: Node, _ expected: String, _ names: [String]) -> String {
    switch node.content {
    case .string(let text): Suggestion.phrase(for: text, in: names)
    // YAML takes 1.0 for a number and true for a boolean; the cure is always the same.
    case .int, .double, .bool: expected.hasPrefix("text") ? "; put it in quotes" : ""
    default: ""
    }
  }
}

extension Shape {
  /// A list of `element`; every bad one is reported.
  static func list<Element>(of element: Shape<Element>) -> Shape where Wanted == [Element] {
    Shape(expected: "a list; each entry: \(element.expected)") { node, subject, findings in
      guard case .list(let nodes) = node.content else {
        findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected a list")
        return nil
      }
      let values = nodes.map { element.read($0, "an entry of \(subject)", findings) }
      return values.contains { $0 == nil } ? nil : values.compactMap(\.self)
    }
  }

  /// A list of `element`, or one alone.
  static func oneOrMore<Element>(of element: Shape<Element>) -> Shape where Wanted == [Element] {
    let many = Shape.list(of: element)
    return Shape(expected: "\(element.expected), or a list of such") { node, subject, findings in
      if case .list = node.content { return many.read(node, subject, findings) }
      return element.read(node, subject, findings).map { [$0] }
    }
  }

  /// One of `names`.
  static func choice(_ names: [(name: String, value: Wanted)]) -> Shape {
    Shape(Wording.alternatives(names.map(\.name)), names: names.map(\.name)) { node in
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
    Shape("true or false") { node in
      if case .bool(let value) = node.content { value } else { nil }
    }
  }
}

extension Shape where Wanted == String {
  /// Text that is not empty.
  static var text: Shape { text("text") }

  /// The most bytes of a text that is no expression: PATH_MAX of linux/limits.h.
  private static let longest = 4096

  /// Text that is not empty; `expected` says which.
  /// - Parameter most: bytes that it may have.
  static func text(_ expected: String, most: Int = longest) -> Shape {
    let any = Shape(expected) { node in
      guard case .string(let text) = node.content, !text.isEmpty else { return nil }
      return text
    }
    return Shape(expected: expected) { node, subject, findings in
      guard let text = any.read(node, subject, findings) else { return nil }
      guard text.utf8.count <= most else {
        findings.error(node.location, "\(subject) has \(text.utf8.count) bytes, expected at most \(most)")
        return nil
      }
      return text
    }
  }

  /// A name that is not empty.
  static var name: Shape { text("text", most: Name.longest) }

  /// Text, also empty.
  static var anyText: Shape {
    Shape("text") { node in
      if case .string(let text) = node.content { text } else { nil }
    }
  }
}

extension Shape where Wanted == Node {
  /// Anything at all.
  static var anything: Shape {
    Shape("a value") { $0 }
  }
}
