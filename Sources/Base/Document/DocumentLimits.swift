import Model

/// Size limits of a text. A text beyond them is refused, so that no input can exhaust the board's memory.
package struct DocumentLimits: Sendable, Hashable {
  /// The longest text, in bytes.
  package var bytes: Int
  /// The deepest nesting of lists and maps; a list of scalars is 1 deep.
  package var depth: Int
  /// The most values, lists and maps included. A YAML alias counts as every value it expands to.
  package var nodes: Int

  /// Limits for one kind of text; see ``defaultValue`` and ``message`` for the two in use.
  /// - Parameters:
  ///   - bytes: the longest text, in bytes.
  ///   - depth: the deepest nesting; above about 1000 the parsers' own limits apply first.
  ///   - nodes: the most values.
  package init(bytes: Int, depth: Int, nodes: Int) {
    self.bytes = bytes
    self.depth = depth
    self.nodes = nodes
  }

  /// For files: 16 MiB, 64 deep, 262,144 values.
  package static let defaultValue = DocumentLimits(bytes: 16 << 20, depth: 64, nodes: 1 << 18)

  /// For protocol messages: 1 MiB, 64 deep, 131,072 values.
  package static let message = DocumentLimits(bytes: 1 << 20, depth: 64, nodes: 1 << 17)
}

extension DocumentLimits {
  /// Throws when `count` bytes are too many.
  func checkSize(_ count: Int, file: String) throws(Diagnostic) {
    if count > bytes {
      throw Diagnostic(Location(file: file), "is \(count) bytes long; the limit is \(bytes) bytes")
    }
  }

  /// The message for nesting beyond the limit.
  var depthMessage: String { "lists and maps are nested more than \(depth) deep" }

  /// The message for values beyond the limit.
  var nodesMessage: String { "there are more than \(nodes) values" }
}
