import Model

extension Node {
  /// Turns a value into nodes that all have the same location. Bytes become base64 text, as in JSON.
  /// - Parameters:
  ///   - value: the value to convert.
  ///   - location: the location for every part of it.
  public init(_ value: Value, at location: Location) {
    let content: Content =
      switch value {
      case .null: .null
      case .bool(let value): .bool(value)
      case .int(let value): .int(value)
      case .double(let value): .double(value)
      case .string(let value): .string(value)
      case .bytes(let value): .string(Base64.text(value))
      case .list(let values): .list(values.map { Node($0, at: location) })
      case .map(let fields):
        .map(fields.map { Entry(key: $0.key, keyLocation: location, value: Node($0.value, at: location)) })
      }
    self.init(content, location)
  }
}
