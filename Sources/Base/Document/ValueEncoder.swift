import Model

/// Encodes `Encodable` types as `Value`s: structures and dictionaries become maps, arrays become lists, `[UInt8]`
/// becomes bytes. Properties that are nil are left out of maps, as `Codable` does.
public struct ValueEncoder: Sendable {
  /// An encoder; it has no settings.
  public init() {}

  /// Encodes `value`.
  /// - Returns: the value; `.null` when the type encodes nothing.
  /// - Throws: an integer beyond `Int64`, or what the type's own `encode(to:)` throws.
  public func encode<T: Encodable>(_ value: T) throws -> Value {
    let slot = TreeSlot()
    try TreeEncoder(slot: slot, codingPath: []).encode(value)
    return slot.value
  }
}

/// The value under construction; containers of the same value share it.
private final class TreeSlot {
  private enum Content {
    case scalar(Value)
    case list([TreeSlot])
    case map([(key: String, slot: TreeSlot)])
  }

  private var content = Content.scalar(.null)

  var value: Value {
    switch content {
    case .scalar(let value): value
    case .list(let slots): .list(slots.map(\.value))
    case .map(let entries): .map(Fields(entries.map { ($0.key, $0.slot.value) }))
    }
  }

  var count: Int { if case .list(let slots) = content { slots.count } else { 0 } }

  func set(_ value: Value) { content = .scalar(value) }
  func beList() { if case .list = content {} else { content = .list([]) } }
  func beMap() { if case .map = content {} else { content = .map([]) } }

  func append() -> TreeSlot {
    let slot = TreeSlot()
    if case .list(var slots) = content {
      content = .list([])  // Drop the second reference, or each append would copy the array.
      slots.append(slot)
      content = .list(slots)
    }
    return slot
  }

  func append(_ key: String) -> TreeSlot {
    let slot = TreeSlot()
    if case .map(var entries) = content {
      content = .map([])
      entries.append((key, slot))
      content = .map(entries)
    }
    return slot
  }
}

private struct TreeEncoder: Encoder {
  let slot: TreeSlot
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func encode<T: Encodable>(_ value: T) throws {
    guard let scalar = value as? any TreeScalar else { return try value.encode(to: self) }
    do {
      slot.set(try scalar.tree())
    } catch {
      throw EncodingError.invalidValue(value, .init(codingPath: codingPath, debugDescription: error.message))
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    slot.beMap()
    return KeyedEncodingContainer(TreeMapWriter<Key>(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    slot.beList()
    return TreeListWriter(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { TreeSingleWriter(encoder: self) }
}

private struct TreeSingleWriter: SingleValueEncodingContainer {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  mutating func encodeNil() { encoder.slot.set(.null) }
  mutating func encode<T: Encodable>(_ value: T) throws { try encoder.encode(value) }
}

private struct TreeMapWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  private func child(_ key: some CodingKey) -> TreeEncoder {
    TreeEncoder(slot: encoder.slot.append(key.stringValue), codingPath: codingPath + [key])
  }

  mutating func encodeNil(forKey key: Key) { child(key).slot.set(.null) }
  mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try child(key).encode(value) }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    child(key).container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    child(key).unkeyedContainer()
  }

  mutating func superEncoder() -> any Encoder { child(TreeSuper.super) }
  mutating func superEncoder(forKey key: Key) -> any Encoder { child(key) }
}

private struct TreeListWriter: UnkeyedEncodingContainer {
  let encoder: TreeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.slot.count }

  private func child() -> TreeEncoder {
    TreeEncoder(slot: encoder.slot.append(), codingPath: codingPath + [TreeIndex(intValue: count)])
  }

  mutating func encodeNil() { child().slot.set(.null) }
  mutating func encode<T: Encodable>(_ value: T) throws { try child().encode(value) }

  mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    child().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
  mutating func superEncoder() -> any Encoder { child() }
}
