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
    let type: CELType
    switch operand.type {
    case .dyn: type = .dyn
    case .list(let element):
      guard index.type == .dyn || index.type.isNumber else {
        throw typeError("the index of a list is an int, not \(index.type)", offset)
      }
      type = element
    case .map(let key, let value):
      guard index.type.canEqual(key) else { throw typeError("a key of \(operand.type) is never \(index.type)", offset) }
      type = value
    default: throw typeError("'[ ]' needs a list or a map, not \(operand.type)", offset)
    }
    return fold(Checked(node: .index(operand.node, index.node, offset), type: type), [operand, index])
  }

  mutating func list(_ items: [Syntax]) throws(CELError) -> Checked {
    var checked: [Checked] = []
    for item in items { checked.append(try compile(item)) }
    let type = checked.dropFirst().reduce(checked.first?.type ?? .dyn) { $0.joined($1.type) }
    return fold(Checked(node: .list(checked.map(\.node)), type: .list(type)), checked)
  }

  mutating func map(_ entries: [Syntax.Entry], _ offset: Int) throws(CELError) -> Checked {
    var checked: [Checked] = []
    var nodes: [Node.Entry] = []
    for entry in entries {
      let (key, value) = (try compile(entry.key), try compile(entry.value))
      guard [.dyn, .bool, .int, .uint, .string].contains(key.type) else {
        throw typeError("map keys are strings, integers or booleans, not \(key.type)", entry.key.offset)
      }
      checked += [key, value]
      nodes.append(Node.Entry(key: key.node, value: value.node))
    }
    let keys = stride(from: 0, to: checked.count, by: 2).map { checked[$0].type }
    let values = stride(from: 1, to: checked.count, by: 2).map { checked[$0].type }
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
    case .null, .type, .list, .map: false
    }
  }
}
