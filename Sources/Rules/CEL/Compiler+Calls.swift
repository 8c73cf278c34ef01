import Model

extension Compiler {
  mutating func function(_ name: String, _ arguments: [Syntax], _ offset: Int) throws(CELError) -> Checked {
    let checked = try all(arguments)
    if let overloads = functions.host[name] { return try host(name, overloads, checked, arguments, offset) }
    if let function = Function.functions[name] { return try call(function, checked, offset) }
    if Self.methodNames.contains(name) {
      throw typeError("\(name)() is called on a value: x.\(name)(…)", offset)
    }
    let names = Array(Function.functions.keys) + Array(functions.host.keys) + ["has", "cel.bind"]
    throw typeError("unknown function '\(name)'" + Suggestion.phrase(for: name, in: names + Self.methodNames), offset)
  }

  private mutating func host(
    _ name: String, _ overloads: [CELFunctions.Declaration], _ checked: [Checked], _ arguments: [Syntax], _ offset: Int
  ) throws(CELError) -> Checked {
    let ofCount = overloads.filter { $0.parameters.count == checked.count }
    guard !ofCount.isEmpty else { throw arity(name, overloads.map(\.parameters.count), checked.count, offset) }
    guard let declaration = ofCount.first(where: { fits(checked, $0.parameters) }) else {
      throw noOverload(name, ofCount.map { Function.Overload($0.parameters, $0.result) }, checked, offset)
    }
    let place = arguments.first?.offset ?? offset
    let constants = checked.map { if case .string(let text)? = $0.constant { text } else { String?.none } }
    for text in names(checked.first) {
      hostCalls.append(CELProgram.HostCall(function: name, text: text, arguments: constants, offset: place))
    }
    let values = checked.compactMap(\.constant)
    let node: Node =
      values.count == checked.count
      ? .hostOfConstants(name, values, offset) : .host(name, checked.map(\.node), offset)
    return Checked(node: node, type: declaration.result)
  }

  /// The texts that the first argument of a call may have: a constant, or the elements of a constant list; otherwise
  /// one that is not known.
  private func names(_ argument: Checked?) -> [String?] {
    if case .string(let constant)? = argument?.constant { return [constant] }
    guard case .local(let local)? = argument?.node, let elements = locals[local].elements, !elements.isEmpty else {
      return [nil]
    }
    return elements.map { element in if case .string(let text) = element { text } else { nil } }
  }

  mutating func method(
    _ name: String, _ target: Syntax, _ arguments: [Syntax], _ offset: Int
  ) throws(CELError) -> Checked {
    if let fullName = fullName(of: name, in: target), let function = Function.functions[fullName] {
      return try call(function, try all(arguments), offset)
    }
    guard let function = Function.methods[name] else {
      if Function.functions[name] != nil || functions.host[name] != nil || name == "has" {
        throw typeError("\(name)() is not called on a value: \(name)(x)", offset)
      }
      throw unknown(name, fullName(of: name, in: target), offset)
    }
    if name == "format", arguments.count == 1 { return try format(function, target, arguments[0], offset) }
    let checked = try all(arguments)
    if name.hasPrefix("get"), let zone = arguments.first, case .string(let text)? = checked.first?.constant {
      timeZones.append(CELProgram.TimeZoneName(text: text, offset: zone.offset))
    }
    return try call(function, [try compile(target)] + checked, offset)
  }

  /// `optional.of`, for a name after what may be the namespace `optional`; otherwise nil.
  private func fullName(of name: String, in target: Syntax) -> String? {
    switch target.kind {
    case .identifier(let namespace), .outermost(let namespace): "\(namespace).\(name)"
    default: nil
    }
  }

  private func unknown(_ name: String, _ fullName: String?, _ offset: Int) -> CELError {
    if let fullName {
      let namespace = fullName.prefix { $0 != "." } + "."
      let relatives = Function.functions.keys.filter { $0.hasPrefix(namespace) }
      if !relatives.isEmpty {
        return typeError("unknown function '\(fullName)'" + Suggestion.phrase(for: fullName, in: relatives), offset)
      }
    }
    return typeError("unknown function '\(name)'" + Suggestion.phrase(for: name, in: Self.methodNames), offset)
  }

  private static var methodNames: [String] {
    Array(Function.methods.keys) + Macro.allCases.map(\.rawValue) + OptionalMacro.allCases.map(\.rawValue)
  }

  private mutating func all(_ arguments: [Syntax]) throws(CELError) -> [Checked] {
    var checked: [Checked] = []
    for argument in arguments { checked.append(try compile(argument)) }
    return checked
  }

  func call(_ function: Function, _ arguments: [Checked], _ offset: Int) throws(CELError) -> Checked {
    guard function.overloads.contains(where: { $0.accepts(count: arguments.count) }) else {
      let counts = Set(function.overloads.map(\.parameters.count)).sorted()
      let own = function.isMethod ? 1 : 0
      throw arity(function.name, counts.map { $0 - own }, arguments.count - own, offset)
    }
    let results = function.overloads.compactMap { $0.result(of: arguments.map(\.type)) }
    guard let first = results.first else {
      throw noOverload(function.name, function.overloads, arguments, offset)
    }
    let type = results.dropFirst().reduce(first) { $0.joined($1) }
    let isConstant = arguments.allSatisfy { $0.constant != nil }
    if function.name == "matches", let pattern = arguments.last?.constant, case .string(let text) = pattern {
      return fold(
        Checked(node: .matches(arguments[0].node, try compileRegex(text, offset), offset), type: .bool), arguments)
    }
    let checked = Checked(node: .call(function, arguments.map(\.node), offset), type: type)
    if isConstant && function.isStrict {
      var frame = Frame(scope: CELVariables(), locals: [], steps: 1000)
      do throws(CELError) {
        _ = try checked.node.evaluate(&frame)
      } catch {
        if error.kind != .limit { throw typeError(error.message, offset) }
      }
    }
    return fold(checked, arguments)
  }

  private func compileRegex(_ pattern: String, _ offset: Int) throws(CELError) -> Regex {
    do throws(CELError) { return try Regex(pattern) } catch { throw typeError(error.message, offset) }
  }

  private func fits(_ arguments: [Checked], _ parameters: [CELType]) -> Bool {
    arguments.count == parameters.count && zip(arguments, parameters).allSatisfy { $0.type.fits($1) }
  }

  private func arity(_ name: String, _ wanted: [Int], _ given: Int, _ offset: Int) -> CELError {
    let counts = wanted.map(String.init).joined(separator: " or ")
    return typeError("\(name)() takes \(counts) argument\(wanted == [1] ? "" : "s"), not \(given)", offset)
  }

  private func noOverload(
    _ name: String, _ overloads: [Function.Overload], _ arguments: [Checked], _ offset: Int
  ) -> CELError {
    let given = arguments.map { "\($0.type)" }.joined(separator: ", ")
    let forms = overloads.filter { $0.accepts(count: arguments.count) }.map { "(\($0.description))" }
      .joined(separator: ", ")
    return typeError("no such overload: \(name) for (\(given)); it takes \(forms)", offset)
  }
}
