import Model

/// Checks an expression and prepares it for evaluation: resolves names, checks types, folds constants.
///
/// Variables have type `dyn`; other types follow from operators and functions. A type error is reported only when no
/// value of the variables could avoid it.
struct Compiler {
  struct Checked {
    var node: Node
    var type: CELType

    var constant: CELValue? { if case .constant(let value) = node { value } else { nil } }
  }

  let functions: CELFunctions
  let known: [String]?
  private(set) var variables: [String] = []
  var hostCalls: [CELProgram.HostCall] = []
  private(set) var selections: [CELProgram.Selection] = []
  var timeZones: [CELProgram.TimeZoneName] = []
  /// The maximum number of macro variables in scope at once.
  private(set) var greatestDepth = 0
  /// `elements` are those of a constant list that the variable ranges over.
  private(set) var locals: [(name: String, checked: Checked, elements: CELList?)] = []

  private let types: [String: CELType]

  init(functions: CELFunctions, known: [String]?, types: [String: CELType] = [:]) {
    self.functions = functions
    self.known = known
    self.types = types
  }

  mutating func compile(_ syntax: Syntax) throws(CELError) -> Checked {
    let offset = syntax.offset
    switch syntax.kind {
    case .literal(let value): return Checked(node: .constant(value), type: value.type)
    case .identifier(let name):
      if let local = local(name) { return local }
      return try outermost(name, offset)
    case .outermost(let name): return try outermost(name, offset)
    case .select(let operand, let field):
      if let type = CELType.named[qualifiedName(of: syntax) ?? ""] {
        return Checked(node: .constant(.type(type)), type: .type)
      }
      if case .identifier(let name) = operand.kind, local(name) == nil {
        selections.append(CELProgram.Selection(variable: name, field: field, offset: offset))
        if let type = types["\(name).\(field)"] {
          return Checked(node: try select(try compile(operand), field, offset).node, type: type)
        }
      }
      if case .call(let name, nil, _) = operand.kind, let fields = functions.fields[name] {
        guard let type = fields[field] else {
          throw typeError(
            "\(name)() has no field '\(field)'" + Suggestion.phrase(for: field, in: fields.keys.sorted()), offset)
        }
        return Checked(node: try select(try compile(operand), field, offset).node, type: type)
      }
      if let type = try declared(field, of: operand, offset) {
        return Checked(node: try select(try compile(operand), field, offset).node, type: type)
      }
      return try select(try compile(operand), field, offset)
    case .optionalSelect(let operand, let field): return try optionalSelect(try compile(operand), field, offset)
    case .has(let operand, let field):
      let operand = try compile(operand)
      try requireMap(operand.type.unwrapped, field, offset)
      return Checked(node: .has(operand.node, field, offset), type: .bool)
    case .index(let operand, let index): return try self.index(try compile(operand), try compile(index), offset)
    case .optionalIndex(let operand, let index):
      return try optionalIndex(try compile(operand), try compile(index), offset)
    case .call(let name, nil, let arguments): return try function(name, arguments, offset)
    case .call(let name, let target?, let arguments): return try method(name, target, arguments, offset)
    case .list(let items): return list(items, try elements(items), offset)
    case .map(let entries): return try map(entries, offset)
    case .not(let operand):
      let operand = try compile(operand)
      try require(operand.type, .bool, "'!'", offset)
      return fold(Checked(node: .not(operand.node, offset), type: .bool), [operand])
    case .negate(let operand):
      let operand = try compile(operand)
      guard operand.type == .dyn || operand.type == .int || operand.type == .double else {
        throw typeError("'-' needs an int or a double, not \(operand.type)", offset)
      }
      return fold(Checked(node: .negate(operand.node, offset), type: operand.type), [operand])
    case .arithmetic(let operation, let left, let right):
      return try arithmetic(operation, try compile(left), try compile(right), offset)
    case .equal(let one, let other, let negated):
      let (left, right) = (try compile(one), try compile(other))
      guard left.type.canEqual(right.type) else {
        throw typeError("\(left.type) and \(right.type) are never equal", offset)
      }
      let checked = fold(
        Checked(node: .equal(left.node, right.node, negated: negated, offset), type: .bool), [left, right])
      return try timed(.equal(negated: negated), one, other, checked, [left, right], offset)
    case .order(let order, let one, let other):
      let (left, right) = (try compile(one), try compile(other))
      let checked = try self.order(order, left, right, offset)
      return try timed(.order(order), one, other, checked, [left, right], offset)
    case .member(let element, let collection):
      return try member(try compile(element), try compile(collection), offset)
    case .and(let parts): return Checked(node: .and(try booleans(parts, "'&&'"), offset), type: .bool)
    case .or(let parts): return Checked(node: .or(try booleans(parts, "'||'"), offset), type: .bool)
    case .conditional(let condition, let whenTrue, let whenFalse):
      let (condition, whenTrue, whenFalse) = (try compile(condition), try compile(whenTrue), try compile(whenFalse))
      try require(condition.type, .bool, "the condition of '?'", offset)
      return Checked(
        node: .conditional(condition.node, whenTrue.node, whenFalse.node, offset),
        type: whenTrue.type.joined(whenFalse.type))
    case .comprehension(let macro, let variables, let range, let condition, let result):
      return try comprehension(macro, variables, range, condition, result, offset)
    case .bind(let variable, let value, let body): return try bind(variable, value, body)
    case .optionalMap(let macro, let variable, let operand, let result):
      return try optionalMap(macro, variable, operand, result, offset)
    }
  }

  // MARK: Names

  /// The variable `name` of an enclosing macro; nil when there is none.
  private func local(_ name: String) -> Checked? {
    locals.last { $0.name == name }?.checked
  }

  /// The name `a.b.c` when the syntax consists only of names and does not begin with a macro variable; otherwise nil.
  private func qualifiedName(of syntax: Syntax) -> String? {
    switch syntax.kind {
    case .identifier(let name): local(name) == nil ? name : nil
    case .outermost(let name): name
    case .select(let operand, let field): qualifiedName(of: operand).map { $0 + "." + field }
    default: nil
    }
  }

  /// The type of `call('name').field`, where `types` has the fields of that call: `call('name')` and `call('name').field`.
  /// - Returns: nil where it has none.
  private func declared(_ field: String, of operand: Syntax, _ offset: Int) throws(CELError) -> CELType? {
    guard case .call(let name, nil, let arguments) = operand.kind, arguments.count == 1,
      case .literal(.string(let text)) = arguments[0].kind
    else { return nil }
    let call = "\(name)('\(text)')"
    guard types[call] != nil else { return nil }
    if let type = types["\(call).\(field)"] { return type }
    let known = types.keys.filter { $0.hasPrefix("\(call).") }.map { String($0.dropFirst(call.count + 1)) }
    throw typeError("\(call) has no field '\(field)'" + Suggestion.phrase(for: field, in: known.sorted()), offset)
  }

  private mutating func outermost(_ name: String, _ offset: Int) throws(CELError) -> Checked {
    if let type = CELType.named[name], known?.contains(name) != true {
      return Checked(node: .typeName(name, type), type: .dyn)
    }
    if let known, !known.contains(name) {
      throw typeError("unknown variable '\(name)'" + Suggestion.phrase(for: name, in: known), offset)
    }
    if !variables.contains(name) { variables.append(name) }
    return Checked(node: .variable(name, offset), type: types[name] ?? .dyn)
  }

  /// Brings a macro variable into scope.
  /// - Parameters:
  ///   - node: nil for the variable itself.
  ///   - range: what it ranges over; nil for a variable that ranges over nothing.
  /// - Returns: its index in `Frame.locals`.
  mutating func open(_ variable: String, _ type: CELType, as node: Node? = nil, over range: Checked? = nil) -> Int {
    let index = locals.count
    var elements: CELList?
    if case .list(let list)? = range?.constant { elements = list }
    locals.append((variable, Checked(node: node ?? .local(index), type: type), elements))
    greatestDepth = max(greatestDepth, locals.count)
    return index
  }

  /// Removes the macro variables that came into scope last.
  mutating func close(_ count: Int = 1) { locals.removeLast(count) }

  /// The index in `Frame.locals` of the next macro variable.
  var nextLocal: Int { locals.count }

  // MARK: Parts

  func typeError(_ message: String, _ offset: Int) -> CELError {
    CELError(offset: offset, message: message, kind: .type)
  }

  func require(_ type: CELType, _ wanted: CELType, _ what: String, _ offset: Int) throws(CELError) {
    guard type.fits(wanted) else { throw typeError("\(what) needs \(wanted), not \(type)", offset) }
  }

  func requireMap(_ type: CELType, _ field: String, _ offset: Int) throws(CELError) {
    guard type.fits(.map(.dyn, .dyn)), type.fits(.map(.string, .dyn)) else {
      throw typeError("'.\(field)' needs a map with string keys, not \(type)", offset)
    }
  }

  private mutating func booleans(_ parts: [Syntax], _ what: String) throws(CELError) -> [Node] {
    var nodes: [Node] = []
    for part in parts {
      let checked = try compile(part)
      try require(checked.type, .bool, what, part.offset)
      nodes.append(checked.node)
    }
    return nodes
  }

  /// Replaces an expression whose parts are all constant with its value.
  ///
  /// An expression that fails is kept, because it may never be evaluated: `false && 1 / 0 > 0` is valid.
  func fold(_ checked: Checked, _ parts: [Checked]) -> Checked {
    guard parts.allSatisfy({ $0.constant != nil }) else { return checked }
    var frame = Frame(scope: CELVariables(), locals: [], steps: 1000)
    guard let value = try? checked.node.evaluate(&frame), frame.steps >= 0 else { return checked }
    return Checked(node: .constant(value), type: checked.type)
  }
}
