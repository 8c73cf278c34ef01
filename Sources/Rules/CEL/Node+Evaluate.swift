extension Node {
  /// Evaluates the expression. `Syntax.greatestHeight` bounds the recursion.
  func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
    frame.steps -= 1
    switch self {
    case .constant(let value): return value
    case .variable(let name, let offset):
      guard let value = frame.scope.variable(name) else {
        throw .missing(frame.scope.absence(of: name) ?? "no such attribute '\(name)'", offset)
      }
      return value
    case .typeName(let name, let type): return frame.scope.variable(name) ?? .type(type)
    case .local(let local): return frame.locals[local]
    case .bound(let local):
      if let failure = frame.failures[local] { throw failure }
      return frame.locals[local]
    case .order(let order, let left, let right, let offset):
      return try Self.order(order, try left.evaluate(&frame), try right.evaluate(&frame), offset, &frame)
    case .equal(let left, let right, let negated, let offset):
      let (left, right) = (try left.evaluate(&frame), try right.evaluate(&frame))
      let same = CELValue.equal(left, right, &frame.steps)
      try frame.charge(0, offset)
      return .bool(same != negated)
    case .and(let parts, let offset): return try Self.logic(parts, absorbing: false, "&&", offset, &frame)
    case .or(let parts, let offset): return try Self.logic(parts, absorbing: true, "||", offset, &frame)
    case .not(let operand, let offset):
      let value = try operand.evaluate(&frame)
      guard case .bool(let bool) = value else { throw .noOverload("!", [value], offset) }
      return .bool(!bool)
    case .arithmetic(let operation, let left, let right, let offset):
      return try operation.apply(try left.evaluate(&frame), try right.evaluate(&frame), offset, &frame)
    case .negate(let operand, let offset): return try Self.negate(try operand.evaluate(&frame), offset)
    case .select(let operand, let field, let offset):
      return try Self.select(try operand.evaluate(&frame), field, offset, &frame)
    case .has(let operand, let field, let offset):
      return try Self.has(try operand.evaluate(&frame), field, offset, &frame)
    case .index(let operand, let index, let offset):
      return try Self.index(try operand.evaluate(&frame), try index.evaluate(&frame), offset, &frame)
    case .optionalSelect(let operand, let field, let offset):
      return .optional(try Self.find(field, in: try operand.evaluate(&frame), offset, &frame))
    case .optionalIndex(let operand, let index, let offset):
      return .optional(
        try Self.find(at: try operand.evaluate(&frame), try index.evaluate(&frame), offset, &frame))
    case .conditional(let condition, let whenTrue, let whenFalse, let offset):
      let value = try condition.evaluate(&frame)
      guard case .bool(let holds) = value else { throw .noOverload("? :", [value], offset) }
      return try (holds ? whenTrue : whenFalse).evaluate(&frame)
    case .member(let element, let collection, let offset):
      return try Self.member(try element.evaluate(&frame), try collection.evaluate(&frame), offset, &frame)
    case .list(let items): return .list(try Self.all(items, &frame))
    case .sparseList(let items, let offset): return try Self.list(items, offset, &frame)
    case .map(let entries, let offset): return try Self.map(entries, offset, &frame)
    case .call(let function, let arguments, let offset): return try function.call(arguments, offset, &frame)
    case .host(let name, let arguments, let offset):
      return try Self.host(name, try Self.all(arguments, &frame), offset, &frame)
    case .hostOfConstants(let name, let arguments, let offset): return try Self.host(name, arguments, offset, &frame)
    case .timed(let comparison, let offset): return try comparison.evaluate(offset, &frame)
    case .matches(let operand, let regex, let offset):
      let value = try operand.evaluate(&frame)
      guard case .string(let text) = value else { throw .noOverload("matches", [value, ""], offset) }
      try frame.charge(regex.cost(of: text), offset)
      return .bool(regex.isFound(in: text))
    case .comprehension(let comprehension, let offset): return try comprehension.evaluate(offset, &frame)
    case .optionalMap(let map, let offset): return try map.evaluate(offset, &frame)
    case .bind(let binding): return try binding.evaluate(&frame)
    }
  }

  static func all(_ nodes: [Node], _ frame: inout Frame) throws(CELError) -> [CELValue] {
    var values: [CELValue] = []
    values.reserveCapacity(nodes.count)
    for node in nodes { values.append(try node.evaluate(&frame)) }
    return values
  }

  /// `&&` and `||`: an operand that decides the result absorbs errors of the other operands, before or after it.
  private static func logic(
    _ parts: [Node], absorbing: Bool, _ name: String, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    var failure: CELError?
    for part in parts {
      do throws(CELError) {
        let value = try part.evaluate(&frame)
        guard case .bool(let bool) = value else { throw .noOverload(name, [value], offset) }
        if bool == absorbing { return .bool(absorbing) }
      } catch {
        if error.kind == .limit { throw error }
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return .bool(!absorbing)
  }

  static func order(
    _ order: Order, _ left: CELValue, _ right: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    if case .string(let left) = left, case .string(let right) = right {
      try frame.charge(min(left.utf8.count, right.utf8.count) >> 5, offset)
    }
    guard let ranking = CELValue.compare(left, right) else {
      throw .noOverload(order.rawValue, [left, right], offset)
    }
    return switch order {
    case .less: .bool(ranking == .less)
    case .lessOrEqual: .bool(ranking == .less || ranking == .equal)
    case .greater: .bool(ranking == .greater)
    case .greaterOrEqual: .bool(ranking == .greater || ranking == .equal)
    }
  }

  private static func negate(_ value: CELValue, _ offset: Int) throws(CELError) -> CELValue {
    switch value {
    case .double(let value): return .double(-value)
    case .int(let value):
      guard value != .min else { throw CELError(offset: offset, message: "integer overflow: -(\(value))") }
      return .int(-value)
    default: throw .noOverload("-", [value], offset)
    }
  }

  private static func select(
    _ value: CELValue, _ field: String, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    if case .optional = value { return .optional(try find(field, in: value, offset, &frame)) }
    guard let found = try find(field, in: value, offset, &frame) else {
      throw .missing("no such key: '\(field)'", offset)
    }
    return found
  }

  private static func index(
    _ value: CELValue, _ index: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    if case .optional = value { return .optional(try find(at: value, index, offset, &frame)) }
    guard let found = try find(at: value, index, offset, &frame) else {
      if case .list(let list) = value {
        throw .missing("index out of range: \(index), the list has \(list.count)", offset)
      }
      throw .missing("no such key: \(index)", offset)
    }
    return found
  }

  private static func member(
    _ element: CELValue, _ collection: CELValue, _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    switch collection {
    case .list(let list):
      for candidate in list {
        let same = CELValue.equal(candidate, element, &frame.steps)
        try frame.charge(0, offset)
        if same { return true }
      }
      return false
    case .map(let map):
      try frame.charge(map.count >> 5, offset)
      return .bool(map[element] != nil)
    default: throw .noOverload("in", [element, collection], offset)
    }
  }

  private static func map(
    _ entries: [Entry], _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    var pairs: [(key: CELValue, value: CELValue)] = []
    for entry in entries {
      let key = try entry.key.evaluate(&frame)
      guard key.isKey else {
        throw CELError(offset: offset, message: "map keys are strings, integers or booleans, not \(key.type)")
      }
      var value = try entry.value.evaluate(&frame)
      if entry.isOptional {
        guard let present = try held(in: value, "a value after '?'", offset) else { continue }
        value = present
      }
      pairs.append((key, value))
    }
    guard let map = CELMap(pairs) else { throw CELError(offset: offset, message: "the map has a key twice") }
    return .map(map)
  }

  private static func host(
    _ name: String, _ values: [CELValue], _ offset: Int, _ frame: inout Frame
  ) throws(CELError) -> CELValue {
    try frame.charge(16, offset)
    do throws(CELError) {
      if let value = try frame.scope.call(name, values) { return value }
    } catch {
      throw CELError(offset: offset, message: error.message, kind: error.kind)
    }
    throw CELError(offset: offset, message: "function '\(name)' does not exist")
  }
}
