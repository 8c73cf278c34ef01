import Model

/// Decodes one node, for `NodeDecoder`.
struct TreeDecoder: Decoder {
  let node: Node
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    // Decode scalars here: their own `init(from:)` would ask this decoder again, without end.
    if let scalar = type as? any TreeScalar.Type, let value = try scalar.read(self) as? T { return value }
    return try T(from: self)
  }

  func mismatch(_ expected: String) -> Diagnostic {
    node.diagnostic("expected \(expected), found \(node.kindName)", path: codingPath)
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard case .map(let entries) = node.content else { throw mismatch("a map") }
    return KeyedDecodingContainer(TreeMap<Key>(decoder: self, entries: entries))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let nodes) = node.content else { throw mismatch("a list") }
    return TreeList(decoder: self, nodes: nodes)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { TreeSingle(decoder: self) }
}

/// The index of a list's element as a coding key.
struct TreeIndex: CodingKey {
  let intValue: Int?
  var stringValue: String { "\(intValue ?? 0)" }

  init(intValue: Int) { self.intValue = intValue }
  init?(stringValue: String) { nil }
}

private struct TreeSingle: SingleValueDecodingContainer {
  let decoder: TreeDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { if case .null = decoder.node.content { true } else { false } }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }
}

private struct TreeMap<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: TreeDecoder
  let entries: [Node.Entry]
  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { entries.compactMap { Key(stringValue: $0.key) } }

  private func find(_ key: some CodingKey) -> Node? { entries.first { $0.key.isSame(as: key.stringValue) }?.value }

  private func child(_ key: some CodingKey) throws -> TreeDecoder {
    guard let node = find(key) else {
      throw decoder.node.diagnostic("the key '\(key.stringValue)' is missing", path: codingPath)
    }
    return TreeDecoder(node: node, codingPath: codingPath + [key])
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { if case .null = try child(key).node.content { true } else { false } }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try child(key).decode(type) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> {
    try child(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try child(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try child(TreeSuper.super) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

/// The key of a superclass's values, by the convention of `Codable`.
enum TreeSuper: String, CodingKey { case `super` }

private struct TreeList: UnkeyedDecodingContainer {
  let decoder: TreeDecoder
  let nodes: [Node]
  var currentIndex = 0

  init(decoder: TreeDecoder, nodes: [Node]) {
    self.decoder = decoder
    self.nodes = nodes
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { nodes.count }
  var isAtEnd: Bool { currentIndex == nodes.count }

  private func child() throws -> TreeDecoder {
    guard !isAtEnd else {
      let message = "expected more than \(nodes.count) element\(nodes.count == 1 ? "" : "s")"
      throw decoder.node.diagnostic(message, path: codingPath)
    }
    return TreeDecoder(node: nodes[currentIndex], codingPath: codingPath + [TreeIndex(intValue: currentIndex)])
  }

  private mutating func next<T>(_ read: (TreeDecoder) throws -> T) throws -> T {
    let value = try read(child())
    currentIndex += 1
    return value
  }

  mutating func decodeNil() throws -> Bool {
    guard case .null = try child().node.content else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next { try $0.decode(type) } }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try next { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try next { $0 } }
}
