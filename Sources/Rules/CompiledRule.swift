import CEL
import Model

/// A rule whose expressions are compiled and whose times are read.
final class CompiledRule: Sendable {
  let declaration: RuleDeclaration
  let condition: CELProgram?
  /// For each action that is an `emit`, its payload; empty for the others.
  let payloads: [[(name: String, program: CELProgram)]]
  let cron: CronSchedule?
  /// Equal for rules that behave the same.
  let signature: String

  var id: RuleID { declaration.id }

  /// The events that set it off.
  var patterns: [EventPattern] {
    guard case .events(let patterns) = declaration.trigger else { return [EventPattern("timer:\(id)")] }
    return patterns
  }

  /// Compiles a rule; what is wrong is added to `problems`, and then there is no rule.
  init?(_ declaration: RuleDeclaration, _ problems: inout [Diagnostic]) {
    let before = problems.count
    self.declaration = declaration
    signature = RuleText.signature(declaration)
    condition = declaration.condition.flatMap {
      let program = Self.compile($0.text, at: $0.location, &problems)
      if let program, !Self.mayBeBoolean(program.type) {
        problems.append(
          Diagnostic($0.location, "the condition gives \(program.type), but must give bool: \($0.text)"))
      }
      return program
    }
    payloads = declaration.actions.map { action in
      guard case .emit(_, let fields) = action else { return [] }
      return fields.compactMap { field in
        // A place without a line says nothing; the rule's does.
        let place = field.location.line > 0 ? field.location : declaration.location
        return Self.compile(field.expression, at: place, &problems).map { (field.name, $0) }
      }
    }
    cron = Self.schedule(declaration, &problems)
    Self.check(declaration, &problems)
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

  /// The place of an error in an expression that begins at `start`.
  static func diagnostic(_ error: CELError, in text: String, at start: Location) -> Diagnostic {
    let before = String(decoding: text.utf8.prefix(error.offset), as: UTF8.self)
    let shown = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    guard text.contains(where: \.isNewline) else {
      var place = start
      if place.line > 0 { place.column += before.count }
      return Diagnostic(place, "\(error.message) (in \(shown.prefix(80)))")
    }
    // How far a block of several lines is indented is not known here.
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
    func require(_ holds: Bool, _ message: String) {
      if !holds { problems.append(Diagnostic(rule.location, "rule '\(rule.id)': \(message)")) }
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
      require(time.map { $0 > .zero } ?? true, "'\(name)' must be longer than nothing")
    }
    require(rule.maxPerHour.map { $0 >= 1 } ?? true, "'max_per_hour' must be at least 1")
  }
}
