/// A type that a field of a `WireShape` may have.
package protocol WireField {
  /// The value as it crosses.
  var wireValue: Value { get }
  /// The value as it crosses in CBOR, where it may be more compact. By default the same.
  var binaryValue: Value { get }
  /// Reads a value in either form; nil if it is of the wrong kind.
  init?(wireValue value: Value)
  /// Reads the CBOR item that comes next; nil if it is of the wrong kind. By default through a `Value`.
  /// - Throws: `invalid` for bytes that are not CBOR.
  static func read(_ reader: inout CBORReader) throws(AgentError) -> Self?
}

extension WireField {
  package var binaryValue: Value { wireValue }
  package static func read(_ reader: inout CBORReader) throws(AgentError) -> Self? {
    Self(wireValue: try reader.value())
  }
}

extension String: WireField {
  package var wireValue: Value { .string(self) }
  package init?(wireValue value: Value) {
    guard let text = value.string else { return nil }
    self = text
  }
}

extension Bool: WireField {
  package var wireValue: Value { .bool(self) }
  package init?(wireValue value: Value) {
    guard let flag = value.bool else { return nil }
    self = flag
  }
}

extension Double: WireField {
  package var wireValue: Value { .double(self) }
  package init?(wireValue value: Value) {
    guard let number = value.double else { return nil }
    self = number
  }
}

extension Int: WireField {
  package var wireValue: Value { .int(Int64(self)) }
  package init?(wireValue value: Value) {
    guard let number = value.int else { return nil }
    self.init(clamping: number)
  }
}

// Integers have 63 bits on the wire: enough for nanoseconds until the year 2262.
extension UInt64: WireField {
  package var wireValue: Value { .int(Int64(clamping: self)) }
  package init?(wireValue value: Value) {
    guard let number = value.int else { return nil }
    self.init(clamping: number)
  }
}

extension Fields: WireField {
  package var wireValue: Value { .map(self) }
  package init?(wireValue value: Value) {
    guard let fields = value.map else { return nil }
    self = fields
  }
}

/// `null` stands for nil.
extension Optional: WireField where Wrapped: WireField {
  package var wireValue: Value { self?.wireValue ?? .null }
  package var binaryValue: Value { self?.binaryValue ?? .null }
  package init?(wireValue value: Value) {
    if case .null = value {
      self = .none
    } else {
      guard let wrapped = Wrapped(wireValue: value) else { return nil }
      self = wrapped
    }
  }
  package static func read(_ reader: inout CBORReader) throws(AgentError) -> Self? {
    if reader.takeNull() { return .some(.none) }
    guard let wrapped = try Wrapped.read(&reader) else { return nil }
    return .some(wrapped)
  }
}
