import Model

/// How large a text may be before it is refused, so that no input can take the board's memory.
public struct DocumentLimits: Sendable, Hashable {
  /// The longest text, in bytes.
  public var bytes: Int
  /// How many lists and maps may stand within each other; a list of scalars is 1 deep.
  public var depth: Int
  /// How many values a text may have, lists and maps included; a YAML alias counts as all it stands for.
  public var nodes: Int

  /// Puts limits together.
  /// - Parameters:
  ///   - bytes: the longest text, in bytes.
  ///   - depth: the deepest nesting; above about 1000 the parsers' own limits come first.
  ///   - nodes: the most values.
  public init(bytes: Int, depth: Int, nodes: Int) {
    self.bytes = bytes
    self.depth = depth
    self.nodes = nodes
  }

  /// For files: 16 MiB, 64 deep, 262,144 values.
  public static let standard = DocumentLimits(bytes: 16 << 20, depth: 64, nodes: 1 << 18)

  /// For protocol messages: 1 MiB, 64 deep, 131,072 values.
  public static let message = DocumentLimits(bytes: 1 << 20, depth: 64, nodes: 1 << 17)
}

extension DocumentLimits {
  /// Refuses a text of `count` bytes that is too long.
  func checkSize(_ count: Int, file: String) throws(Diagnostic) {
    if count > bytes {
      throw Diagnostic(Location(file: file), "is \(count) bytes long; at most \(bytes) bytes are read")
    }
  }

  /// What is said where nesting goes too deep.
  var depthMessage: String { "lists and maps are nested more than \(depth) deep" }

  /// What is said where there are too many values.
  var nodesMessage: String { "this is more than the \(nodes) values that are read at most" }
}
