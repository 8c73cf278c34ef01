import Model

/// Decodes `Decodable` types from nodes. Errors name the location in the text and the path of keys to it.
///
/// Maps become structures and dictionaries, lists become arrays, base64 text becomes `[UInt8]`. A whole floating-point
/// number is accepted as an integer. `Value` accepts any node, and `Fields` any map. Unknown keys are ignored.
public struct NodeDecoder: Sendable {
  /// A decoder; it has no settings.
  public init() {}

  /// Decodes a `T` from `node`.
  /// - Throws: the first mismatch, at its location.
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

  /// Locates an error that a type's own `init(from:)` threw, by its coding path.
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

/// Decodes `Decodable` types from `Value`s, by the rules of ``NodeDecoder``.
public struct ValueDecoder: Sendable {
  /// A decoder; it has no settings.
  public init() {}

  /// Decodes a `T` from `value`.
  /// - Parameters:
  ///   - type: the type to decode.
  ///   - value: the value to decode from.
  ///   - source: the name of the value's origin for errors.
  /// - Throws: the first mismatch; its message begins with the path of keys.
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
