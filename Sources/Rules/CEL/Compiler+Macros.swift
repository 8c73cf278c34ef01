extension Compiler {
  mutating func comprehension(
    _ macro: Macro, _ variables: [String], _ range: Syntax, _ condition: Syntax?, _ result: Syntax?, _ offset: Int
  ) throws(CELError) -> Checked {
    let range = try compile(range)
    let (index, element) = try iterated(range.type, macro, offset)
    // The variable of a macro with one is the element of a list or the key of a map.
    let isMap = if case .map = range.type { true } else { false }
    let isPair = variables.count == 2
    let local = open(variables[0], isPair || isMap ? index : element, over: isPair ? nil : range)
    let second = isPair ? open(variables[1], element, over: range) : nil
    defer { close(variables.count) }
    var test: Checked?
    if let condition {
      let checked = try compile(condition)
      try require(checked.type, .bool, "the condition of \(macro.rawValue)()", condition.offset)
      test = checked
    }
    var mapped: Checked?
    if let result {
      let checked = try compile(result)
      try check(checked.type, of: macro, result.offset)
      mapped = checked
    }
    let collected = mapped?.type ?? .dyn
    let type: CELType =
      switch macro {
      case .all, .exists, .existsOne: .bool
      case .filter, .sortBy: .list(isMap ? index : element)
      case .map, .transformList: .list(collected)
      case .transformMap: .map(index, collected)
      case .transformMapEntry: collected == .dyn ? .map(.dyn, .dyn) : collected
      }
    return Checked(
      node: .comprehension(
        Node.Comprehension(
          macro: macro, range: range.node, local: local, second: second, condition: test?.node, result: mapped?.node),
        offset),
      type: type)
  }

  /// The types of index and element of a list, of key and value of a map.
  private func iterated(_ range: CELType, _ macro: Macro, _ offset: Int) throws(CELError) -> (CELType, CELType) {
    switch range {
    case .dyn: return (.dyn, .dyn)
    case .list(let element): return (.int, element)
    case .map(let key, let value): return (key, value)
    default: throw typeError("\(macro.rawValue)() needs a list or a map, not \(range)", offset)
    }
  }

  private func check(_ result: CELType, of macro: Macro, _ offset: Int) throws(CELError) {
    if macro == .sortBy, result != .dyn, !CELType.sortable.contains(result) {
      throw typeError("sortBy(): values of type \(result) have no order", offset)
    }
    if macro == .transformMapEntry { try require(result, .map(.dyn, .dyn), "transformMapEntry()", offset) }
  }

  mutating func bind(_ variable: String, _ value: Syntax, _ body: Syntax) throws(CELError) -> Checked {
    let value = try compile(value)
    let isConstant = value.constant != nil
    let local = open(variable, value.type, as: isConstant ? value.node : .bound(nextLocal))
    defer { close() }
    let result = try compile(body)
    if isConstant { return result }
    return Checked(
      node: .bind(Node.Binding(local: local, value: value.node, body: result.node)), type: result.type)
  }
}
