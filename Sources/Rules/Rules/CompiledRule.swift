import CEL
import Model

/// A rule with compiled expressions and a parsed schedule.
final class CompiledRule: Sendable {
  let declaration: RuleDeclaration
  let condition: CELProgram?
  /// The payloads of the `emit` actions, in their order.
  let payloads: [Payload]
  /// Those of `else`.
  let otherwisePayloads: [Payload]
  let cron: CronSchedule?
  /// The host calls of its expressions.
  let questions: [Question]

  /// The compiled fields of an `emit`.
  typealias Payload = [(name: String, program: CELProgram)]

  /// A call of `sensor` or `state`. The name is nil when it is not a constant.
  struct Question: Sendable, Hashable {
    var function: String
    var name: String?
  }

  /// Whether an expression calls `function` with `name`, or may do so with a computed name.
  func asks(_ function: String, about name: String) -> Bool {
    questions.contains { $0.function == function && ($0.name ?? name) == name }
  }

  var id: RuleID { declaration.id }

  /// Equal for rules that behave the same.
  var signature: String { RuleText.signature(declaration) }

  /// The agents that its actions name, also those of `else`. The rule waits until all are there.
  var agents: [AgentID] { (declaration.actions + declaration.otherwise).compactMap(\.agent) }

  /// The events that trigger the rule; a timer rule is triggered by its own `timer:<rule id>`.
  var patterns: [EventPattern] {
    guard case .events(let patterns) = declaration.trigger else { return [EventPattern(TimerEvents.name(of: id))] }
    return patterns
  }

  /// Compiles a rule. Appends errors to `problems` and then returns nil.
  /// - Parameters:
  ///   - isWhole: false for a rule whose invalid parts were already reported and left out; then missing parts are no
  ///     errors.
  ///   - complaint: the error for calling a function with a name; nil when the call is valid.
  init?(
    _ declaration: RuleDeclaration, isWhole: Bool = true, _ problems: inout [Diagnostic],
    complaint: (_ function: String, _ name: String) -> String?
  ) {
    let before = problems.count
    var questions: [Question] = []
    func note(_ program: CELProgram?, at place: Location) {
      for call in program?.hostCalls ?? [] {
        questions.append(Question(function: call.function, name: call.text))
        guard let program, let name = call.text, let complaint = complaint(call.function, name) else { continue }
        problems.append(Self.diagnostic(CELError(offset: call.offset, message: complaint), in: program.text, at: place))
      }
    }
    func payload(_ action: RuleDeclaration.Action) -> Payload? {
      guard case .emit(_, let fields) = action else { return nil }
      return fields.compactMap { field in
        // A location without a line is unknown: use the rule's.
        let place = field.location.line > 0 ? field.location : declaration.location
        let program = Self.compile(field.expression, at: place, &problems)
        note(program, at: place)
        return program.map { (field.name, $0) }
      }
    }
    self.declaration = declaration
    condition = declaration.condition.flatMap {
      let program = Self.compile($0.text, at: $0.location, &problems)
      note(program, at: $0.location)
      if let program, !Self.mayBeBoolean(program.type) {
        problems.append(
          Diagnostic($0.location, "the condition has type \(program.type), but must be bool: \($0.text)"))
      }
      return program
    }
    payloads = declaration.actions.compactMap(payload)
    otherwisePayloads = declaration.otherwise.compactMap(payload)
    self.questions = questions
    cron = Self.schedule(declaration, &problems)
    if isWhole { Self.check(declaration, &problems) }
    guard problems.count == before else { return nil }
  }

  private static func mayBeBoolean(_ type: CELType) -> Bool { type == .bool || type == .dyn }

  private static func compile(
    _ text: String, at location: Location, _ problems: inout [Diagnostic]
  ) -> CELProgram? {
    do throws(CELError) {
      return try CELProgram(text, functions: .rules)
    } catch {
      problems.append(diagnostic(error, in: text, at: location))
      return nil
    }
  }

  /// A diagnostic for an error in an expression that begins at `start`.
  static func diagnostic(_ error: CELError, in text: String, at start: Location) -> Diagnostic {
    let before = String(decoding: text.utf8.prefix(error.offset), as: UTF8.self)
    let shown = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    guard text.contains(where: \.isNewline) else {
      var place = start
      if place.line > 0 { place.column += before.count }
      return Diagnostic(place, "\(error.message) (in \(shown.prefix(80)))")
    }
    // The indentation of a multi-line expression is not known here: give the position relative to the expression.
    let lines = before.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let column = (lines.last?.count ?? 0) + 1
    return Diagnostic(start, "\(error.message) (line \(max(lines.count, 1)), column \(column) of the expression)")
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
    require(!rule.actions.isEmpty, "it has no action")
    switch rule.trigger {
    case .events(let patterns): require(!patterns.isEmpty, "'on' names no event")
    case .every(let period): require(period >= .milliseconds(10), "'every' must be at least 10ms")
    case .cron: break
    }
    for (name, time) in [
      ("for", rule.hold), ("cooldown", rule.cooldown), ("debounce", rule.debounce), ("throttle", rule.throttle),
    ] {
      require(time.map { $0 > .zero } ?? true, "'\(name)' must be longer than 0")
    }
    require(rule.maxPerHour.map { $0 >= 1 } ?? true, "'max_per_hour' must be at least 1")
  }
}
