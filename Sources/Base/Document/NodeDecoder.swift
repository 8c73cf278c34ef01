import Model

/// Makes values of `Decodable` types from nodes; errors name the place in the text and the path of keys to it.
///
/// Maps give structures and dictionaries, lists give arrays, whole floating-point numbers may stand for integers,
/// base64 text gives `[UInt8]`. `Value` and `Fields` take whatever is there. Keys that the type does not ask for are
/// left alone.
public struct NodeDecoder: Sendable {
  /// A decoder without settings.
  public init() {}

  /// Makes a `T` from `node`.
  /// - Throws: the first thing that does not fit, at its place.
  public func decode<T: Decodable>(_ type: T.Type = T.self, from node: Node) throws(Diagnostic) -> T {
    do {
      return try TreeDecoder(node: node, codingPath: []).decode(type)
    } catch let diagnostic as Diagnostic {
      throw diagnostic
    } catch let error as DecodingError {
      throw Self.diagnostic(error, node)
    } catch {
      throw Diagnostic(node.location, "cannot be read as \(T.self): \(error)")
    }
  }

  /// An error that a type's own `init(from:)` raised: its path says where.
  private static func diagnostic(_ error: DecodingError, _ root: Node) -> Diagnostic {
    let context: DecodingError.Context? =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context
      case .keyNotFound(_, let context): context
      @unknown default: nil
      }
    guard let context else { return Diagnostic(root.location, "\(error)") }
    var node = root
    for key in context.codingPath {
      switch node.content {
      case .list(let nodes): if let index = key.intValue, nodes.indices.contains(index) { node = nodes[index] }
      default: node = node[key.stringValue] ?? node
      }
    }
    return node.diagnostic(context.debugDescription, path: context.codingPath)
  }
}

/// Makes values of `Decodable` types from `Value`s, by the rules of ``NodeDecoder``.
public struct ValueDecoder: Sendable {
  /// A decoder without settings.
  public init() {}

  /// Makes a `T` from `value`.
  /// - Parameters:
  ///   - type: what to make.
  ///   - value: what to make it from.
  ///   - source: what to call the value's origin in errors.
  /// - Throws: the first thing that does not fit; the path in the message says where it stands.
  public func decode<T: Decodable>(
    _ type: T.Type = T.self, from value: Value, source: String = "<message>"
  ) throws(Diagnostic) -> T {
    try NodeDecoder().decode(type, from: Node(value, at: Location(file: source)))
  }
}

extension Node {
  /// A diagnostic at this node that begins with the path of keys to it.
  func diagnostic(_ message: String, path: [any CodingKey]) -> Diagnostic {
    var name = ""
    for key in path {
      if let index = key.intValue { name += "[\(index)]" } else { name += (name.isEmpty ? "" : ".") + key.stringValue }
    }
    return Diagnostic(location, name.isEmpty ? message : "\(name): \(message)")
  }
}
