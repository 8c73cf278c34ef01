/// Finds comparisons with time, so that a host can know when their results will change.
///
/// `now - T > D`, `reading('x').age > D` change once, when the sides are equal. `now.getHours('local') >= 22` changes at
/// an hour.
extension Compiler {
  /// How a value changes as time passes.
  enum Pace {
    /// Not at all.
    case still
    /// By this many seconds a second.
    case steady(Int)
    /// At each new minute, hour or day; `zone` is the argument of the getter, if any.
    case calendar(TimedComparison.Unit, zone: Syntax?)
    /// In another way.
    case irregular
  }

  func pace(of syntax: Syntax) -> Pace {
    guard let clock = functions.clock else { return .still }
    switch syntax.kind {
    case .literal: return .still
    case .identifier(let name), .outermost(let name): return name == clock.variable ? .steady(1) : .still
    case .select(let operand, let field):
      if case .call(let name, nil, _) = operand.kind, clock.ages[name] == field { return .steady(1) }
    case .negate(let operand):
      if case .steady(let rate) = pace(of: operand) { return .steady(-rate) }
    case .arithmetic(let operation, let left, let right) where operation == .add || operation == .subtract:
      switch (pace(of: left), pace(of: right)) {
      case (.still, .still): return .still
      case (.steady(let one), .still): return .steady(one)
      case (.still, .steady(let other)): return .steady(operation == .add ? other : -other)
      case (.steady(let one), .steady(let other)): return .steady(operation == .add ? one + other : one - other)
      default: return .irregular
      }
    case .call(let name, let target?, let arguments):
      if let unit = TimedComparison.Unit(getter: name), case .steady(1) = pace(of: target),
        arguments.allSatisfy({ !mentionsClock($0) })
      {
        return .calendar(unit, zone: arguments.first)
      }
    default: break
    }
    return mentionsClock(syntax) ? .irregular : .still
  }

  /// The pace of a difference; nil when it is not understood.
  func pace(_ left: Syntax, _ right: Syntax) -> Pace? {
    switch (pace(of: left), pace(of: right)) {
    case (.still, .still): .still
    case (.steady(let rate), .still): .steady(rate)
    case (.still, .steady(let rate)): .steady(-rate)
    case (.steady(let one), .steady(let other)): .steady(one - other)
    case (.calendar(let unit, let zone), .still), (.still, .calendar(let unit, let zone)): .calendar(unit, zone: zone)
    default: nil
    }
  }

  /// A comparison, timed if its sides change with time.
  mutating func timed(
    _ comparison: TimedComparison.Kind, _ left: Syntax, _ right: Syntax, _ checked: Checked, _ parts: [Checked],
    _ offset: Int
  ) throws(CELError) -> Checked {
    guard functions.clock != nil else { return checked }
    let change: TimedComparison.Change
    switch pace(left, right) {
    case .still?, .steady(0)?, .irregular?, nil: return checked
    case .steady(let rate)?: change = .crossing(rate: rate)
    case .calendar(let unit, let zone)?:
      var node: Node?
      if let zone { node = try compile(zone).node }
      change = .calendar(unit, zone: node)
    }
    let timed = TimedComparison(kind: comparison, left: parts[0].node, right: parts[1].node, change: change)
    return Checked(node: .timed(timed, offset), type: .bool)
  }

  private func mentionsClock(_ syntax: Syntax) -> Bool {
    guard let clock = functions.clock else { return false }
    switch syntax.kind {
    case .identifier(clock.variable), .outermost(clock.variable): return true
    case .select(let operand, let field):
      if case .call(let name, nil, _) = operand.kind, clock.ages[name] == field { return true }
    default: break
    }
    return syntax.parts.contains(where: mentionsClock)
  }

  /// Where time is used in a way whose changes cannot be foreseen; nil when there is no such place.
  func unforeseeable(_ syntax: Syntax) -> Int? {
    guard let clock = functions.clock else { return nil }
    switch syntax.kind {
    case .order(_, let left, let right), .equal(let left, let right, _):
      if let pace = pace(left, right), !pace.isIrregular { return nil }
    case .identifier(clock.variable), .outermost(clock.variable): return syntax.offset
    case .select(let operand, let field):
      if case .call(let name, nil, _) = operand.kind, clock.ages[name] == field { return syntax.offset }
    default: break
    }
    for part in syntax.parts { if let found = unforeseeable(part) { return found } }
    return nil
  }
}

extension Compiler.Pace {
  fileprivate var isIrregular: Bool { if case .irregular = self { true } else { false } }
}

extension Syntax {
  /// The expressions directly below this one.
  var parts: [Syntax] {
    switch kind {
    case .literal, .identifier, .outermost: []
    case .select(let one, _), .optionalSelect(let one, _), .has(let one, _), .not(let one), .negate(let one): [one]
    case .index(let one, let other), .optionalIndex(let one, let other), .arithmetic(_, let one, let other),
      .equal(let one, let other, _),
      .order(_, let one, let other), .member(let one, let other):
      [one, other]
    case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
    case .list(let items): items.map(\.value)
    case .and(let items), .or(let items): items
    case .bind(_, let value, let body): [value, body]
    case .optionalMap(_, _, let operand, let result): [operand, result]
    case .map(let entries): entries.flatMap { [$0.key, $0.value] }
    case .conditional(let condition, let one, let other): [condition, one, other]
    case .comprehension(_, _, let range, let condition, let result): [range] + [condition, result].compactMap(\.self)
    }
  }
}
