import CEL
import Model

/// Why a rule is as it is.
package struct RuleExplanation: Sendable, Hashable {
  /// A condition or another key of the rule, or a part of one.
  package struct Part: Sendable, Hashable {
    /// `while`, `until`, `if`, `between`, …; empty for a part of the key before it.
    package var key: String
    /// The depth below its key, from 0.
    package var depth: Int
    /// The text, as in the file.
    package var text: String
    /// `true`, `false` or `unknown`.
    package var result: String
    /// The values of what it names, or why it is unknown; empty for none.
    package var values: String

    /// A part.
    package init(key: String, depth: Int, text: String, result: String, values: String) {
      self.key = key
      self.depth = depth
      self.text = text
      self.result = result
      self.values = values
    }
  }

  /// The rule's status.
  package var status: RuleStatus
  /// Every part of its conditions.
  package var parts: [Part]
  /// What would have to change so that it begins, or ends; one sentence each.
  package var changes: [String]

  /// An explanation.
  package init(status: RuleStatus, parts: [Part], changes: [String]) {
    self.status = status
    self.parts = parts
    self.changes = changes
  }
}

extension RuleEngine {
  /// Explains a rule. Evaluates its conditions, and changes nothing.
  /// - Returns: nil if there is no such rule.
  package func explain(_ rule: RuleID) -> RuleExplanation? {
    guard let one = progress.first(where: { $0.rule.id == rule }),
      let status = statuses().first(where: { $0.id == rule })
    else { return nil }
    let noted = scope.nextChange
    defer { if let noted { scope.resultChanges(after: noted) } }
    scope.event = RuleScope.noEvent
    var explainer = RuleExplainer(scope: scope)
    let declaration = one.rule.declaration
    let lasts = one.state?.life.lasts ?? false
    if let state = declaration.state {
      // 'when' only begins a rule: it does not matter for the end.
      let begins: Bool? = state.ends == nil ? !lasts : lasts ? nil : true
      explainer.add(state.ends == nil ? "while" : "when", state.begins.text, wanted: begins)
      if let ends = state.ends { explainer.add("until", ends.text, wanted: lasts) }
    }
    if let condition = declaration.condition { explainer.add("if", condition.text, wanted: !lasts) }
    if let window = declaration.hours.window {
      explainer.add(
        "between", "\(window.opens.text) and \(window.closes.text)",
        scope.isOpen(RuleHours(window: window)), wanted: !lasts)
    }
    if declaration.hours.weekdays != .all {
      explainer.add(
        "weekdays", declaration.hours.weekdays.text, scope.isOpen(RuleHours(weekdays: declaration.hours.weekdays)),
        wanted: !lasts)
    }
    if let state = one.state, let allowance = declaration.state?.atMost, let rest = rest(of: one, state) {
      explainer.add(allowance, left: max(rest, .zero), wanted: !lasts)
    }
    if case .failure(let why) = levels(of: one) {
      explainer.add("keep", "its levels", .unknown(why.message), wanted: true)
    }
    if let rest = one.state?.run?.restsUntil.map({ $0 - clock.now }), rest > .zero {
      explainer.changes.append("it began too often, and rests for \(rest.spoken)")
    }
    // One that lasts without its outputs waits for something else than its conditions.
    let waits = lasts && status.claim.map { $0 != .held } ?? false
    return RuleExplanation(
      status: status, parts: explainer.parts,
      changes: Self.wayOut(of: status, rule) ?? (waits ? [] : explainer.changes))
  }
}

extension RuleEngine {
  /// What people can do about a rule that does not act whatever its conditions say; nil for others.
  private static func wayOut(of status: RuleStatus, _ rule: RuleID) -> [String]? {
    if !status.isEnabled { return ["it is disabled: 'openstarry rules enable \(rule)'"] }
    if status.state == .stopped {
      return [
        "an emergency stop has ended it: its condition has to be false once, or 'openstarry rules resume \(rule)'"
      ]
    }
    if case .suspended(let holder, _)? = status.claim {
      return [
        "\(holder) has made its output safe: its condition has to end once, or 'openstarry rules resume \(rule)'"
      ]
    }
    if case .overruled(let holder)? = status.claim { return ["\(holder) has its output: it waits until that is free"] }
    return nil
  }
}

/// Collects the parts of a rule's conditions with their values.
private struct RuleExplainer {
  let scope: RuleScope
  var parts: [RuleExplanation.Part] = []
  var changes: [String] = []

  init(scope: RuleScope) { self.scope = scope }

  /// - Parameter wanted: what the condition would have to be for the rule to begin, or to end if it lasts; nil if that
  ///   does not matter.
  mutating func add(_ key: String, _ text: String, wanted: Bool?) {
    let part = ConditionPart(text)
    let truth = add(key, part, depth: 0)
    if let wanted, truth != Truth(wanted), let change = change(of: part, to: wanted) { changes.append(change) }
  }

  mutating func add(_ key: String, _ text: String, _ truth: Truth, wanted: Bool) {
    note(key, 0, text, truth, "")
    guard truth != Truth(wanted) else { return }
    switch key {
    case "keep": if case .unknown(let why) = truth { changes.append(why) }
    case "weekdays": changes.append(wanted ? "the day has to be one of \(text)" : "the day ends")
    default: changes.append(wanted ? "the time has to be between \(text)" : "it is no longer between \(text)")
    }
  }

  mutating func add(_ allowance: StateRule.Allowance, left: Duration, wanted: Bool) {
    note("at_most", 0, "\(allowance.text), \(left.spoken) left", Truth(left > .zero), "")
    guard wanted, left == .zero else { return }
    let refill =
      switch allowance.period {
      case .day: "there is more at midnight"
      case .hour: "there is more at the next full hour"
      case .run: "the condition has to be false once"
      }
    changes.append("'at_most' is used up: \(refill)")
  }

  /// What would have to change for a part to get another result; nil if it has it.
  private func change(of part: ConditionPart, to wanted: Bool) -> String? {
    let (truth, values) = evaluate(part.text)
    if truth == Truth(wanted) { return nil }
    switch part {
    case .leaf(let text):
      return "\(text) would have to be \(wanted)\(values.isEmpty ? "" : ": now \(values)")"
    case .not(let inner): return change(of: inner, to: !wanted)
    case .all(let parts):
      return parts.compactMap { change(of: $0, to: wanted) }.joined(separator: wanted ? ", and " : ", or ")
    case .any(let parts):
      return parts.compactMap { change(of: $0, to: wanted) }.joined(separator: wanted ? ", or " : ", and ")
    }
  }

  @discardableResult
  private mutating func add(_ key: String, _ part: ConditionPart, depth: Int) -> Truth {
    let (truth, values) = evaluate(part.text)
    let isLeaf = if case .leaf = part { true } else { false }
    note(key, depth, part.text, truth, isLeaf ? values : "")
    let children: [ConditionPart] =
      switch part {
      case .leaf: []
      case .not(let part): [part]
      case .all(let parts), .any(let parts): parts
      }
    for child in children { add("", child, depth: depth + 1) }
    return truth
  }

  private mutating func note(_ key: String, _ depth: Int, _ text: String, _ truth: Truth, _ values: String) {
    let (result, why) =
      switch truth {
      case .yes: ("true", "")
      case .no: ("false", "")
      case .unknown(let why): ("unknown", why)
      }
    parts.append(
      RuleExplanation.Part(key: key, depth: depth, text: text, result: result, values: values.isEmpty ? why : values))
  }

  /// The result of an expression, and the values of its sides or of what it asks for.
  private func evaluate(_ text: String) -> (Truth, values: String) {
    guard let program = try? CELProgram(text, functions: .rules) else {
      return (.unknown("it is not an expression"), "")
    }
    scope.trace = []
    defer { scope.trace = nil }
    let truth: Truth
    do throws(CELError) {
      let value = try program.evaluate(scope)
      if case .bool(let holds) = value { truth = Truth(holds) } else { truth = .unknown("it is \(value)") }
    } catch { return (.unknown(error.message), error.message) }
    var values: [String] = []
    for (call, result) in scope.trace ?? [] {
      let value = "\(call) = \(result)"
      if !values.contains(value) { values.append(value) }
    }
    for field in program.selections where field.variable == "vars" {
      if let value = scope.variable("vars"), case .map(let map) = value, let one = map[field.field] {
        values.append("vars.\(field.field) = \(one)")
      }
    }
    return (truth, values.prefix(6).joined(separator: ", "))
  }
}
