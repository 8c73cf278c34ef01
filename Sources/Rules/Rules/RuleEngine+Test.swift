import CEL
import Model

extension RuleEngine {
  /// A dry run of `event`: a verdict for every rule whose `on` matches, in the order of the files.
  package func test(_ event: Event) -> [RuleVerdict] {
    matching(event.type).map { number in
      let one = progress[number]
      scope.trace = []
      defer { scope.trace = nil }
      switch evaluate(one, event) {
      case .failure(let error):
        return verdict(one, false, "condition failed: \(describe(error, one.rule.declaration.condition?.text))")
      case .success(false): return verdict(one, false, "condition is false\(seen(one, event))")
      case .success(true):
        let holds = one.rule.condition == nil ? "no condition" : "condition is true\(seen(one, event))"
        if let obstacle = obstacle(one, lane(of: one, event)) { return verdict(one, false, "\(holds); \(obstacle)") }
        return verdict(one, true, holds + consequence(one))
      }
    }
  }

  private func verdict(_ one: RuleProgress, _ fires: Bool, _ reason: String) -> RuleVerdict {
    RuleVerdict(rule: one.rule.id, fires: fires, reason: reason)
  }

  /// The inputs of the condition: `: value = 29.5, sensor('light') = 80.0`.
  private func seen(_ one: RuleProgress, _ event: Event) -> String {
    scope.event = event
    var parts: [String] = []
    for name in one.rule.condition?.variables ?? [] where name != "event" && name != "now" {
      parts.append("\(name) = \(scope.variable(name).map { "\($0)" } ?? "missing")")
    }
    for (call, result) in scope.trace ?? [] {
      let part = "\(call) = \(result)"
      if !parts.contains(part) { parts.append(part) }
    }
    return parts.isEmpty ? "" : ": " + parts.prefix(8).joined(separator: ", ")
  }

  /// Why a rule whose condition is true does not fire immediately; nil when it does.
  private func obstacle(_ one: RuleProgress, _ lane: RuleLane) -> String? {
    let rule = one.rule.declaration
    let now = clock.now
    if let missing = missingAgent(of: one), safeActions(of: one).isEmpty { return missing }
    if let length = rule.hold {
      guard let since = lane.delays?.heldSince else { return "for: must hold for \(length.text), starting now" }
      if now - since < length || lane.delays?.held != nil {
        return "for: has held \((now - since).text) of \(length.text)"
      }
    }
    if let quiet = rule.debounce { return "debounce: fires once nothing has matched for \(quiet.text)" }
    if let end = one.lane.delays?.throttleEnd { return "throttle: folded into the firing in \((end - now).text)" }
    if let limit = limit(one, lane, at: now) { return limit }
    guard !one.atWork.isEmpty else { return nil }
    switch rule.mode {
    case .single: return "mode single: its last firing is still running"
    case .queued where (one.account?.queue.count ?? 0) >= Self.queueLimit:
      return "mode queued: the queue is full; folded into the last of \(Self.queueLimit) waiting"
    case .queued: return "mode queued: waits behind \((one.account?.queue.count ?? 0) + one.atWork.count)"
    case .restart, .parallel: return nil
    }
  }

  private func consequence(_ one: RuleProgress) -> String {
    let part = missingAgent(of: one).map { "; \($0), so only its actions that make outputs safe are carried out" } ?? ""
    return part + overlap(one)
  }

  private func overlap(_ one: RuleProgress) -> String {
    guard !one.atWork.isEmpty else { return "" }
    switch one.rule.declaration.mode {
    case .restart: return "; mode restart: ends the running firing"
    case .parallel: return "; mode parallel: \(one.atWork.count) already running"
    case .single, .queued: return ""
    }
  }
}
