extension Parser {
  /// A function call or, when `name` is that of a macro, the macro's node.
  func call(_ name: String, _ offset: Int, target: Syntax?, _ arguments: [Syntax]) throws(CELError) -> Syntax {
    guard let target else {
      if name == "has" { return try presence(offset, arguments) }
      return try Syntax(.call(name, target: nil, arguments: arguments), offset, over: arguments)
    }
    if let macro = Macro(rawValue: name == "existsOne" ? "exists_one" : name) {
      return try comprehension(macro, offset, range: target, arguments)
    }
    if name == "bind", case .identifier("cel") = target.kind { return try bind(offset, arguments) }
    if let macro = OptionalMacro(rawValue: name) { return try optionalMap(macro, offset, target, arguments) }
    return try Syntax(.call(name, target: target, arguments: arguments), offset, over: [target] + arguments)
  }

  private func presence(_ offset: Int, _ arguments: [Syntax]) throws(CELError) -> Syntax {
    guard arguments.count == 1, case .select(let operand, let field) = arguments[0].kind else {
      throw error("has() takes one field, such as has(event.payload.value)", at: offset)
    }
    return try Syntax(.has(operand, field), offset, over: arguments)
  }

  private func comprehension(
    _ macro: Macro, _ offset: Int, range: Syntax, _ arguments: [Syntax]
  ) throws(CELError) -> Syntax {
    guard let form = macro.form(arguments: arguments.count) else {
      throw error("\(macro.rawValue)() takes \(macro.arguments)", at: offset)
    }
    var variables: [String] = []
    for argument in arguments.prefix(form.variables) {
      let variable = try plainName(argument, "of \(macro.rawValue)()", isFirst: variables.isEmpty)
      guard !variables.contains(variable) else {
        throw error("the two names of \(macro.rawValue)() must differ", at: argument.offset)
      }
      variables.append(variable)
    }
    return try Syntax(
      .comprehension(
        macro, variables: variables, range: range, condition: form.hasCondition ? arguments[form.variables] : nil,
        result: form.hasResult ? arguments.last : nil),
      offset, over: [range] + arguments)
  }

  private func plainName(_ argument: Syntax, _ what: String, isFirst: Bool = true) throws(CELError) -> String {
    guard case .identifier(let name) = argument.kind else {
      throw error("the \(isFirst ? "first" : "second") argument \(what) must be a plain name", at: argument.offset)
    }
    return name
  }

  private func bind(_ offset: Int, _ arguments: [Syntax]) throws(CELError) -> Syntax {
    guard arguments.count == 3 else {
      throw error(
        "cel.bind() takes a name, its value and an expression, such as cel.bind(x, a + b, x * x)", at: offset)
    }
    return try Syntax(
      .bind(variable: plainName(arguments[0], "of cel.bind()"), value: arguments[1], body: arguments[2]), offset,
      over: arguments)
  }

  private func optionalMap(
    _ macro: OptionalMacro, _ offset: Int, _ operand: Syntax, _ arguments: [Syntax]
  ) throws(CELError) -> Syntax {
    guard arguments.count == 2 else {
      throw error(
        "\(macro.rawValue)() takes a name and an expression, such as a.?b.\(macro.rawValue)(x, "
          + (macro == .optMap ? "x * 2)" : "x.?c)"), at: offset)
    }
    let variable = try plainName(arguments[0], "of \(macro.rawValue)()")
    return try Syntax(
      .optionalMap(macro, variable: variable, operand: operand, result: arguments[1]), offset,
      over: [operand] + arguments)
  }
}
