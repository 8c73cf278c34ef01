import Model

/// A type that is decoded from one value as a whole, not from its parts.
protocol TreeScalar {
  /// Decodes it; throws a `Diagnostic` when the node is of another kind.
  static func read(_ decoder: TreeDecoder) throws -> Self
  /// Encodes it; throws when `Value` cannot represent it.
  func tree() throws(TreeRefusal) -> Value
}

/// Why something cannot be represented as a value; a sentence without a full stop.
struct TreeRefusal: Error { var message: String }

extension Bool: TreeScalar {
  static func read(_ decoder: TreeDecoder) throws -> Bool {
    guard case .bool(let value) = decoder.node.content else { throw decoder.mismatch("true or false") }
    return value
  }

  func tree() -> Value { .bool(self) }
}

extension String: TreeScalar {
  static func read(_ decoder: TreeDecoder) throws -> String {
    guard case .string(let value) = decoder.node.content else { throw decoder.mismatch("text") }
    return value
  }

  func tree() -> Value { .string(self) }
}

extension TreeScalar where Self: FixedWidthInteger {
  static func read(_ decoder: TreeDecoder) throws -> Self {
    let whole: Int64? =
      switch decoder.node.content {
      case .int(let value): value
      case .double(let value): Int64(exactly: value)
      default: nil
      }
    guard let whole else { throw decoder.mismatch("an integer") }
    guard let value = Self(exactly: whole) else {
      let message = "expected an integer from \(Self.min) to \(Self.max), found \(whole)"
      throw decoder.node.diagnostic(message, path: decoder.codingPath)
    }
    return value
  }

  func tree() throws(TreeRefusal) -> Value {
    guard let value = Int64(exactly: self) else { throw TreeRefusal(message: "\(self) does not fit in 64 bits") }
    return .int(value)
  }
}

extension Int: TreeScalar {}
extension Int8: TreeScalar {}
extension Int16: TreeScalar {}
extension Int32: TreeScalar {}
extension Int64: TreeScalar {}
extension UInt: TreeScalar {}
extension UInt8: TreeScalar {}
extension UInt16: TreeScalar {}
extension UInt32: TreeScalar {}
extension UInt64: TreeScalar {}

extension TreeScalar where Self: BinaryFloatingPoint {
  static func read(_ decoder: TreeDecoder) throws -> Self {
    switch decoder.node.content {
    case .int(let value): return Self(value)
    case .double(let value): return Self(value)
    default: throw decoder.mismatch("a number")
    }
  }

  func tree() -> Value { .double(Double(self)) }
}

extension Double: TreeScalar {}
extension Float: TreeScalar {}

extension Array: TreeScalar where Element == UInt8 {
  static func read(_ decoder: TreeDecoder) throws -> [UInt8] {
    switch decoder.node.content {
    case .string(let text):
      guard let bytes = Base64.bytes(text) else {
        throw decoder.node.diagnostic("expected base64 with padding (RFC 4648)", path: decoder.codingPath)
      }
      return bytes
    case .list(let nodes):
      return try nodes.enumerated().map { index, node in
        try UInt8.read(TreeDecoder(node: node, codingPath: decoder.codingPath + [TreeIndex(intValue: index)]))
      }
    default: throw decoder.mismatch("base64 text or a list of bytes")
    }
  }

  func tree() -> Value { .bytes(self) }
}

extension Value: TreeScalar {
  static func read(_ decoder: TreeDecoder) -> Value { decoder.node.value }
  func tree() -> Value { self }
}

extension Fields: TreeScalar {
  static func read(_ decoder: TreeDecoder) throws -> Fields {
    guard case .map(let fields) = decoder.node.value else { throw decoder.mismatch("a map") }
    return fields
  }

  func tree() -> Value { .map(self) }
}
