import Model

extension KnownNames {
  /// The warning for an event of the daemon's own domains that it never publishes; nil for other events, and when the
  /// board is unknown. An exact `sensor:<id>`, `input:<id>` or `gesture:<id>` is an error instead: see `complaint(about:)`.
  func doubt(about event: EventPattern) -> String? {
    guard let domain = EventPattern.builtInDomain(of: event.text) else { return nil }
    if ShadowEvents.isName(event.text) {
      return "\(Wording.quoted(event.text)) is for people: no rule and no agent gets it"
    }
    let names: [String]
    switch domain {
    case "timer": return nil
    case "sensor", "input", "gesture":
      guard !event.isExact, let devices = domain == "gesture" ? inputsWithGestures : devices(of: domain) else {
        return nil
      }
      names = devices.map { "\(domain):\($0)" }
    default: names = EventCatalogue.names(of: domain)
    }
    guard !names.contains(where: { event.matches($0) }) else { return nil }
    // `sensor:*` is deliberate even on a board without sensors.
    if event.text.isSame(as: "\(domain):*") { return nil }
    return Self.never(event, names)
  }

  private static func never(_ event: EventPattern, _ names: [String]) -> String {
    let hint = event.isExact ? Suggestion.phrase(for: event.text, in: names) : ""
    let matching = event.isExact ? "" : "that matches "
    return "the daemon publishes no event \(matching)\(Wording.quoted(event.text))\(hint)"
  }

  /// Warns of rules that wait for a timer that no rule has.
  /// - Parameter rules: all rules that are in force together.
  package static func timerWarnings(_ rules: [RuleDeclaration]) -> [Diagnostic] {
    let timers = rules.compactMap { rule -> String? in
      switch rule.trigger {
      case .events, .state: return nil
      case .every, .cron, .at: break
      }
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
          "rule '\(rule.id)' waits for \(Wording.quoted(pattern.text)), but no rule in force has such a timer\(hint)",
          severity: .warning)
      }
    }
  }
}
