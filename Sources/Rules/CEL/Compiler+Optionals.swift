extension Compiler {
  /// `a.b`; on an optional an optional.
  func select(_ operand: Checked, _ field: String, _ offset: Int) throws(CELError) -> Checked {
    if case .optional = operand.type { return try optionalSelect(operand, field, offset) }
    try requireMap(operand.type, field, offset)
    return Checked(node: .select(operand.node, field, offset), type: operand.type.valueType)
  }

  /// `a.?b`
  func optionalSelect(_ operand: Checked, _ field: String, _ offset: Int) throws(CELError) -> Checked {
    let type = operand.type.unwrapped
    try requireMap(type, field, offset)
    return Checked(node: .optionalSelect(operand.node, field, offset), type: .optional(type.valueType))
  }

  /// `a[?b]`
  func optionalIndex(_ operand: Checked, _ index: Checked, _ offset: Int) throws(CELError) -> Checked {
    let type = try element(of: operand.type.unwrapped, at: index.type, offset)
    return fold(
      Checked(node: .optionalIndex(operand.node, index.node, offset), type: .optional(type)), [operand, index])
  }

  /// The type of the value in an optional, which `what` must be.
  func wrapped(_ type: CELType, _ what: String, _ offset: Int) throws(CELError) -> CELType {
    guard type.fits(.optional(.dyn)) else {
      throw typeError("\(what) is an optional, such as a.?b, not \(type)", offset)
    }
    return type.wrappedType
  }

  mutating func optionalMap(
    _ macro: OptionalMacro, _ variable: String, _ operand: Syntax, _ result: Syntax, _ offset: Int
  ) throws(CELError) -> Checked {
    let checked = try compile(operand)
    let local = open(variable, try wrapped(checked.type, "what \(macro.rawValue)() is called on", offset))
    defer { close() }
    let mapped = try compile(result)
    let type =
      macro == .optMap
      ? mapped.type : try wrapped(mapped.type, "the second argument of optFlatMap()", result.offset)
    let node = Node.OptionalMap(macro: macro, operand: checked.node, local: local, result: mapped.node)
    return Checked(node: .optionalMap(node, offset), type: .optional(type))
  }
}
