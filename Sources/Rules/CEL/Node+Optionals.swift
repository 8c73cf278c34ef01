extension Node {
  /// The value of a field; nil when there is none, or when `value` is an optional without a value.
  static func find(
    _ field: String, in value: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue? {
    switch value {
    case .map(let map):
      try frame.charge(map.count >> 5, offset)
      return map[field]
    case .optional(nil): return nil
    case .optional(.map(let map)?):
      try frame.charge(map.count >> 5, offset)
      return map[field]
    case .optional(let value?):
      throw CELError(offset: offset, message: "'.\(field)' needs a map, not an optional of \(value.type)")
    default: throw CELError(offset: offset, message: "'.\(field)' needs a map, not \(value.type)")
    }
  }

  /// An element of a list or a value of a map; nil when there is none, or when `value` is an optional without a value.
  static func find(
    at value: CELValue, _ index: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue? {
    var collection = value
    if case .optional(let held) = value {
      guard let held else { return nil }
      collection = held
    }
    switch collection {
    case .list(let list):
      let position: Int? =
        switch index {
        case .int(let index): Int(index)
        case .uint(let index): Int(clamping: index)
        case .double(let index): Int(exactly: index)
        default: nil
        }
      guard let position else { throw .noOverload("[ ]", [value, index], offset) }
      guard list.indices.contains(position) else { return nil }
      return list[position]
    case .map(let map):
      try frame.charge(map.count >> 5, offset)
      return map[index]
    default: throw .noOverload("[ ]", [value, index], offset)
    }
  }

  /// `has(a.b)`; false when `a` is an optional without a value.
  static func has(
    _ value: CELValue, _ field: String, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    switch value {
    case .map, .optional(nil), .optional(.map?): .bool(try find(field, in: value, offset, &frame) != nil)
    default: throw .noOverload("has(….\(field))", [value], offset)
    }
  }

  /// A list literal with optional elements.
  static func list(_ items: [Item], _ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    var values: [CELValue] = []
    for item in items {
      let value = try item.value.evaluate(&frame)
      if !item.isOptional {
        values.append(value)
      } else if let present = try held(in: value, "an element after '?'", offset) {
        values.append(present)
      }
    }
    return .list(values)
  }

  /// The value in an optional, which `what` must be; nil when it has none.
  static func held(in value: CELValue, _ what: String, _ offset: Int) throws(CELError) -> CELValue? {
    guard case .optional(let held) = value else {
      throw CELError(offset: offset, message: "\(what) must be an optional, not \(value.type)")
    }
    return held
  }
}

extension Node.OptionalMap {
  func evaluate(_ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    let value = try operand.evaluate(&frame)
    guard let held = try Node.held(in: value, "what \(macro.rawValue)() is called on", offset) else { return value }
    frame.locals[local] = held
    let mapped = try result.evaluate(&frame)
    switch macro {
    case .optMap: return .optional(mapped)
    case .optFlatMap:
      return .optional(try Node.held(in: mapped, "the second argument of optFlatMap()", offset))
    }
  }
}
