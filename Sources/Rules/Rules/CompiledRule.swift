import CEL
import Model

/// A rule with compiled expressions and a parsed schedule.
final class CompiledRule: Sendable {
  let declaration: RuleDeclaration
  /// `if`.
  let condition: CELProgram?
  /// `action`.
  let actions: CompiledActions
  /// `else`.
  let otherwise: CompiledActions
  let cron: CronSchedule?
  /// `per`: what `for`, `debounce` and `cooldown` count for by itself; nil for the event's device or agent.
  let per: CELProgram?
  /// Whether `for`, `debounce` and `cooldown` may count for several subjects.
  let hasLanes: Bool
  /// Whether it has `for`, `debounce` or `throttle`.
  let hasDelays: Bool
  /// What a state rule waits for and keeps; nil for an event rule.
  let state: CompiledState?
  /// Whether it has `between` or `weekdays`.
  let hasHours: Bool
  /// The host calls of its expressions.
  let questions: [Question]

  /// A call of a function that asks the daemon. The name is nil when it is not a constant.
  struct Question: Sendable, Hashable {
    var function: String
    var name: String?
  }

  /// Whether an expression calls `function` with `name`, or may do so with a computed name.
  func asks(_ function: String, about name: String) -> Bool {
    questions.contains { $0.function == function && ($0.name ?? name) == name }
  }

  var id: RuleID { declaration.id }

  private static func hasLanes(_ declaration: RuleDeclaration) -> Bool {
    guard declaration.hold != nil || declaration.debounce != nil || declaration.cooldown != nil else { return false }
    if declaration.per != nil { return true }
    guard case .events(let patterns) = declaration.trigger else { return false }
    // One device only: there is one subject.
    guard patterns.count == 1, patterns[0].isExact else { return true }
    return !["sensor", "input", "gesture"].contains(EventPattern.builtInDomain(of: patterns[0].text))
  }

  /// Equal for rules that behave the same.
  var signature: String { RuleText.signature(declaration) }

  /// The agents that its actions name. The rule waits until all are there.
  var agents: [AgentID] {
    (declaration.actions + declaration.otherwise + (declaration.state?.endActions ?? [])).compactMap(\.agent)
  }

  /// The events that trigger the rule; a timer rule is triggered by its own `timer:<rule id>`, a state rule by none.
  var patterns: [EventPattern] {
    switch declaration.trigger {
    case .events(let patterns): patterns
    case .every, .cron, .at: [EventPattern(TimerEvents.name(of: id))]
    case .state: []
    }
  }

  /// Compiles a rule. Appends errors to `problems` and then returns nil.
  /// - Parameters:
  ///   - types: what is known of the types of variables and reports.
  ///   - isWhole: false for a rule whose invalid parts were already reported and left out; then missing parts are no
  ///     errors.
  ///   - complaint: the error for calling a function with a name, or for a variable of the rules (`vars`); nil when it is
  ///     valid.
  init?(
    _ declaration: RuleDeclaration, types: RuleTypes, isWhole: Bool = true, _ problems: inout [Diagnostic],
    complaint: @escaping (_ function: String, _ name: String) -> String?
  ) {
    var compiler = RuleCompiler(declaration.location, types: types, complaint: complaint)
    self.declaration = declaration
    let isState = declaration.state != nil
    let condition = declaration.condition.flatMap { compiler.condition($0, isForeseeable: isState) }
    self.condition = condition
    hasHours = !declaration.hours.isAlways
    hasLanes = Self.hasLanes(declaration)
    hasDelays = declaration.hold != nil || declaration.debounce != nil || declaration.throttle != nil
    per = declaration.per.flatMap { compiler.expression($0) }
    actions = compiler.actions(declaration.actions)
    otherwise = compiler.actions(declaration.otherwise)
    state = declaration.state.map { CompiledState($0, guardedBy: condition, in: declaration.hours, &compiler) }
    questions = compiler.questions
    cron = Self.schedule(declaration, &compiler.problems)
    if isWhole { Self.check(declaration, &compiler.problems) }
    problems += compiler.problems
    guard compiler.problems.isEmpty else { return nil }
  }

  private static func schedule(_ rule: RuleDeclaration, _ problems: inout [Diagnostic]) -> CronSchedule? {
    guard case .cron(let text) = rule.trigger else { return nil }
    do throws(CronSchedule.Problem) {
      return try CronSchedule(text)
    } catch {
      problems.append(Diagnostic(rule.location, "cron '\(text)': \(error.message)"))
      return nil
    }
  }

  private static func check(_ rule: RuleDeclaration, _ problems: inout [Diagnostic]) {
    func require(_ holds: Bool, _ message: @autoclosure () -> String) {
      if !holds { problems.append(Diagnostic(rule.location, "rule '\(rule.id)': \(message())")) }
    }
    switch rule.trigger {
    case .events(let patterns): require(!patterns.isEmpty, "'on' names no event")
    case .every(let period): require(period >= .milliseconds(10), "'every' must be at least 10ms")
    case .cron, .at: break
    case .state(let state):
      require(
        !rule.actions.isEmpty || !state.keep.isEmpty || !state.endActions.isEmpty,
        "it does nothing: it has no 'keep', no 'action' and no 'end'")
    }
    require(!rule.actions.isEmpty || rule.state != nil, "it has no action")
    for (name, time) in [
      ("for", rule.hold), ("cooldown", rule.cooldown), ("debounce", rule.debounce), ("throttle", rule.throttle),
    ] {
      require(time.map { $0 > .zero } ?? true, "'\(name)' must be longer than 0")
    }
    require(rule.maxPerHour.map { $0 >= 1 } ?? true, "'max_per_hour' must be at least 1")
  }
}

/// A list of actions with compiled expressions.
struct CompiledActions: Sendable {
  /// As declared.
  private(set) var actions: [RuleDeclaration.Action] = []
  /// For each action the compiled expressions of its payload; empty if no action has any.
  private var payloads: [Payload] = []
  /// For each action the compiled condition of a `wait_for`; empty if no action has one.
  private var conditions: [CELProgram?] = []

  /// The compiled fields of a payload.
  typealias Payload = [(name: String, program: CELProgram)]

  /// No actions.
  init() {}

  /// Actions without expressions.
  init(of actions: [RuleDeclaration.Action]) { self.actions = actions }

  /// - Parameters:
  ///   - payloads: the fields for each action.
  ///   - conditions: the condition for each action.
  init(_ actions: [RuleDeclaration.Action], payloads: [Payload], conditions: [CELProgram?]) {
    self.actions = actions
    if payloads.contains(where: { !$0.isEmpty }) { self.payloads = payloads }
    if conditions.contains(where: { $0 != nil }) { self.conditions = conditions }
  }

  /// Some of the actions, in their order.
  func filtered(_ isIncluded: (RuleDeclaration.Action) -> Bool) -> CompiledActions {
    let places = actions.indices.filter { isIncluded(actions[$0]) }
    return CompiledActions(places.map { actions[$0] }, payloads: places.map(payload), conditions: places.map(condition))
  }

  /// The compiled expressions of an action's payload.
  func payload(_ action: Int) -> Payload { payloads.isEmpty ? [] : payloads[action] }

  /// The compiled condition of a `wait_for`; nil for other actions.
  func condition(_ action: Int) -> CELProgram? { conditions.isEmpty ? nil : conditions[action] }

  /// Whether any action has a payload.
  var hasPayloads: Bool { !payloads.isEmpty }

  /// Every expression.
  var programs: [CELProgram] { payloads.flatMap { $0.map(\.program) } + conditions.compactMap(\.self) }
}

/// What a state rule waits for and keeps, compiled.
final class CompiledState: Sendable {
  /// `while` or `when`; nil if it has an error.
  let begins: CELProgram?
  /// `until`.
  let ends: CELProgram?
  /// For each output of `keep` its level, if it is an expression; empty if none is.
  let levels: [CELProgram?]
  /// `end`.
  let endActions: CompiledActions
  /// What its conditions, its guard and its levels name, without duplicates.
  let subjects: [RuleSubject]

  init(_ state: StateRule, guardedBy condition: CELProgram?, in hours: RuleHours, _ compiler: inout RuleCompiler) {
    begins = compiler.condition(state.begins, isForeseeable: true)
    ends = state.ends.flatMap { compiler.condition($0, isForeseeable: true) }
    var levels: [CELProgram?] = []
    for kept in state.keep {
      guard case .computed(let expression) = kept.level else {
        levels.append(nil)
        continue
      }
      levels.append(compiler.level(expression, of: kept.device))
    }
    self.levels = levels.contains { $0 != nil } ? levels : []
    var subjects: Set<RuleSubject> = []
    for program in [begins, ends, condition] + levels { subjects.formUnion(program.map(RuleCompiler.subjects) ?? []) }
    if !hours.isAlways || state.atMost.map({ $0.period != .run }) ?? false { subjects.insert(.clock) }
    self.subjects = Array(subjects)
    endActions = compiler.actions(state.endActions)
  }
}
