import Model

extension KnownNames {
  /// What is doubtful about waiting for an event of the daemon's own domains that it never publishes; nil when nothing is, or
  /// nothing is known. An exact `sensor:<id>` or `input:<id>` is another matter: see `complaint(about:)`.
  func doubt(about event: EventPattern) -> String? {
    guard let domain = EventPattern.builtInDomain(of: event.text) else { return nil }
    let names: [String]
    switch domain {
    case "timer": return nil
    case "sensor", "input":
      guard !event.isExact, let devices = devices(of: domain) else { return nil }
      names = devices.map { "\(domain):\($0)" }
    default: names = EventCatalogue.names(of: domain)
    }
    guard !names.contains(where: { event.matches($0) }) else { return nil }
    // `sensor:*` of a board that has none yet is no slip of the pen.
    if event.text.isSame(as: "\(domain):*") { return nil }
    return Self.never(event, names)
  }

  private static func never(_ event: EventPattern, _ names: [String]) -> String {
    let hint = event.isExact ? Suggestion.phrase(for: event.text, in: names) : ""
    let what = event.isExact ? "there is no event" : "no event fits"
    return "\(what) \(Wording.quoted(event.text)): the daemon publishes none of that name\(hint)"
  }

  /// Warns of rules that wait for the timer of a rule that has none.
  /// - Parameter rules: all that are in force together.
  public static func timerWarnings(_ rules: [RuleDeclaration]) -> [Diagnostic] {
    let timers = rules.compactMap { rule -> String? in
      if case .events = rule.trigger { return nil }
      return TimerEvents.name(of: rule.id)
    }
    return rules.flatMap { rule -> [Diagnostic] in
      guard case .events(let patterns) = rule.trigger else { return [] }
      return patterns.compactMap { pattern -> Diagnostic? in
        guard EventPattern.builtInDomain(of: pattern.text) == "timer", !pattern.text.isSame(as: "timer:*"),
          !timers.contains(where: { pattern.matches($0) })
        else { return nil }
        let hint = pattern.isExact ? Suggestion.phrase(for: pattern.text, in: timers) : ""
        return Diagnostic(
          rule.location,
          "rule '\(rule.id)' waits for \(Wording.quoted(pattern.text)), and no rule that is in force has such a timer\(hint)",
          severity: .warning)
      }
    }
  }
}
