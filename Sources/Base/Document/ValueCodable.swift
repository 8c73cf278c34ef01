import Model

// The decoders and encoders of this module take values whole; what follows is for any other.

extension Value: Codable {
  /// Takes whatever stands there. Bytes are not told from text.
  public init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .null
    } else if let value = try? single.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? single.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? single.decode(Double.self) {
      self = .double(value)
    } else if let value = try? single.decode(String.self) {
      self = .string(value)
    } else if let value = try? single.decode([Value].self) {
      self = .list(value)
    } else {
      self = try .map(single.decode(Fields.self))
    }
  }

  /// Gives the value as it is; bytes as base64 text.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .null: try single.encodeNil()
    case .bool(let value): try single.encode(value)
    case .int(let value): try single.encode(value)
    case .double(let value): try single.encode(value)
    case .string(let value): try single.encode(value)
    case .bytes(let value): try single.encode(Base64.text(value))
    case .list(let value): try single.encode(value)
    case .map(let value): try single.encode(value)
    }
  }
}

extension Fields: Codable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Takes the entries of a map.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    try self.init(container.allKeys.map { ($0.stringValue, try container.decode(Value.self, forKey: $0)) })
  }

  /// Gives the entries in order.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for field in self { try container.encode(field.value, forKey: Name(stringValue: field.key)) }
  }
}
