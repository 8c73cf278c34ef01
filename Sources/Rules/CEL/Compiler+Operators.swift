extension Compiler {
  func arithmetic(
    _ operation: Arithmetic, _ left: Checked, _ right: Checked, _ offset: Int
  ) throws(CELError) -> Checked {
    guard let type = Self.type(of: operation, left.type, right.type) else {
      var message = "'\(operation.rawValue)' cannot be applied to \(left.type) and \(right.type)"
      if left.type.isNumber && right.type.isNumber { message += "; convert one side, e.g. double(…)" }
      if operation == .add && (left.type == .string || right.type == .string) { message += "; use string(…)" }
      throw typeError(message, offset)
    }
    return fold(
      Checked(node: .arithmetic(operation, left.node, right.node, offset), type: type), [left, right])
  }

  /// The result type of an operator; nil when the operator does not accept these types.
  static func type(of operation: Arithmetic, _ left: CELType, _ right: CELType) -> CELType? {
    switch (left, right) {
    case (.dyn, .dyn): return .dyn
    case (.dyn, let other), (let other, .dyn):
      // One side is known: join the results of all types that the other side may have.
      let partners: [CELType] = [.int, .uint, .double, .string, .bytes, .list(.dyn), .duration, .timestamp]
      let isLeft = right == .dyn
      let results = partners.compactMap {
        isLeft ? type(of: operation, other, $0) : type(of: operation, $0, other)
      }
      guard let first = results.first else { return nil }
      return results.reduce(first) { $0.joined($1) }
    case (.int, .int), (.uint, .uint): return left
    case (.double, .double): return operation == .modulo ? nil : .double
    case (.string, .string), (.bytes, .bytes): return operation == .add ? left : nil
    case (.list(let one), .list(let other)): return operation == .add ? .list(one.joined(other)) : nil
    case (.duration, .duration): return operation == .add || operation == .subtract ? .duration : nil
    case (.timestamp, .duration): return operation == .add || operation == .subtract ? .timestamp : nil
    case (.duration, .timestamp): return operation == .add ? .timestamp : nil
    case (.timestamp, .timestamp): return operation == .subtract ? .duration : nil
    default: return nil
    }
  }

  func order(_ order: Order, _ left: Checked, _ right: Checked, _ offset: Int) throws(CELError) -> Checked {
    let areComparable =
      left.type.fits(right.type) || (left.type.isNumber && right.type.isNumber)
    guard areComparable, left.type.isOrdered, right.type.isOrdered else {
      throw typeError("'\(order.rawValue)' cannot be applied to \(left.type) and \(right.type)", offset)
    }
    return fold(Checked(node: .order(order, left.node, right.node, offset), type: .bool), [left, right])
  }

  func member(_ element: Checked, _ collection: Checked, _ offset: Int) throws(CELError) -> Checked {
    switch collection.type {
    case .dyn: break
    case .list(let type), .map(let type, _):
      guard element.type.canEqual(type) else {
        throw typeError("\(element.type) is never in \(collection.type)", offset)
      }
    case .string: throw typeError("'in' needs a list or a map; for strings use text.contains(part)", offset)
    default: throw typeError("'in' needs a list or a map, not \(collection.type)", offset)
    }
    return fold(Checked(node: .member(element.node, of: collection.node, offset), type: .bool), [element, collection])
  }

  func index(_ operand: Checked, _ index: Checked, _ offset: Int) throws(CELError) -> Checked {
    var type = try element(of: operand.type.unwrapped, at: index.type, offset)
    if case .optional = operand.type { type = .optional(type) }
    return fold(Checked(node: .index(operand.node, index.node, offset), type: type), [operand, index])
  }

  /// The type of `a[i]`, for the types of `a` and `i`.
  func element(of operand: CELType, at index: CELType, _ offset: Int) throws(CELError) -> CELType {
    switch operand {
    case .dyn: return .dyn
    case .list(let element):
      guard index == .dyn || index.isNumber else {
        throw typeError("the index of a list is an int, not \(index)", offset)
      }
      return element
    case .map(let key, let value):
      guard index.canEqual(key) else { throw typeError("a key of \(operand) is never \(index)", offset) }
      return value
    default: throw typeError("'[ ]' needs a list or a map, not \(operand)", offset)
    }
  }

  /// The elements of a list literal, and the types that they have in the list.
  mutating func elements(_ items: [Syntax.Item]) throws(CELError) -> (checked: [Checked], types: [CELType]) {
    var checked: [Checked] = []
    var types: [CELType] = []
    for item in items {
      let value = try compile(item.value)
      checked.append(value)
      types.append(item.isOptional ? try wrapped(value.type, "an element after '?'", item.value.offset) : value.type)
    }
    return (checked, types)
  }

  func list(_ items: [Syntax.Item], _ elements: (checked: [Checked], types: [CELType]), _ offset: Int) -> Checked {
    let (checked, types) = elements
    let type = CELType.list(types.dropFirst().reduce(types.first ?? .dyn) { $0.joined($1) })
    guard items.contains(where: \.isOptional) else {
      return fold(Checked(node: .list(checked.map(\.node)), type: type), checked)
    }
    let nodes = zip(checked, items).map { Node.Item(value: $0.node, isOptional: $1.isOptional) }
    return fold(Checked(node: .sparseList(nodes, offset), type: type), checked)
  }

  mutating func map(_ entries: [Syntax.Entry], _ offset: Int) throws(CELError) -> Checked {
    var checked: [Checked] = []
    var nodes: [Node.Entry] = []
    var keys: [CELType] = []
    var values: [CELType] = []
    for entry in entries {
      let (key, value) = (try compile(entry.key), try compile(entry.value))
      guard [.dyn, .bool, .int, .uint, .string].contains(key.type) else {
        throw typeError("map keys are strings, integers or booleans, not \(key.type)", entry.key.offset)
      }
      checked += [key, value]
      keys.append(key.type)
      values.append(entry.isOptional ? try wrapped(value.type, "a value after '?'", entry.value.offset) : value.type)
      nodes.append(Node.Entry(key: key.node, value: value.node, isOptional: entry.isOptional))
    }
    let type = CELType.map(
      keys.dropFirst().reduce(keys.first ?? .dyn) { $0.joined($1) },
      values.dropFirst().reduce(values.first ?? .dyn) { $0.joined($1) })
    return fold(Checked(node: .map(nodes, offset), type: type), checked)
  }
}

extension CELType {
  /// Whether `<`, `<=`, `>` and `>=` accept the type.
  var isOrdered: Bool {
    switch self {
    case .dyn, .bool, .int, .uint, .double, .string, .bytes, .duration, .timestamp: true
    case .null, .type, .list, .map, .optional: false
    }
  }
}
