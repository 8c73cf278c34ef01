import Model

// For other decoders and encoders: those of this module treat `Value` and `Fields` as scalars (`TreeScalar`).

extension Value: Codable {
  /// Decodes any kind of value. Base64 text stays text: it cannot be told from bytes.
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

  /// Encodes the value; bytes become base64 text.
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

  /// Decodes all entries of a map; throws when the decoder has none.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    try self.init(container.allKeys.map { ($0.stringValue, try container.decode(Value.self, forKey: $0)) })
  }

  /// Encodes the entries in their order.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for field in self { try container.encode(field.value, forKey: Name(stringValue: field.key)) }
  }
}
