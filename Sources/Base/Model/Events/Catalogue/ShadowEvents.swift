/// Events of shadows: agents and rules that decide, and move nothing. Nobody is woken by them.
package enum ShadowEvents {
  /// What a shadow would have done.
  package enum Deed: Sendable, Hashable {
    /// It would have changed the level of an output, for a reason as in `device:changed`.
    case changed(DeviceID, level: Double, reason: String)
    /// It would have had to wait for the holder of an output; it goes on as if it had the lease.
    case waited(DeviceID, holder: String)
    /// The board would have refused a command, for this reason.
    case refused(DeviceID, reason: String)
    /// It would have done something else: `emit(climate:hot, over: 2.5)`, `wake(climate)`.
    case done(String)

    fileprivate func fill(_ payload: inout Fields) {
      switch self {
      case .changed(let device, let level, let reason):
        payload["would"] = "changed"
        payload["device"] = .string(device.rawValue)
        payload["level"] = .double(level)
        payload["reason"] = .string(reason)
      case .waited(let device, let holder):
        payload["would"] = "waited"
        payload["device"] = .string(device.rawValue)
        payload["reason"] = .string(holder)
      case .refused(let device, let reason):
        payload["would"] = "refused"
        payload["device"] = .string(device.rawValue)
        payload["reason"] = .string(reason)
      case .done(let action):
        payload["would"] = "done"
        payload["action"] = .string(action)
      }
    }
  }

  /// Whether `type` is the name of an event of shadows.
  package static func isName(_ type: String) -> Bool {
    agentDeclaration.name.isSame(as: type) || ruleDeclaration.name.isSame(as: type)
  }

  private static var fields: [EventField] {
    [
      .text(
        "would",
        "`changed` an output, `waited` for its holder, `refused` by the board, or `done` something else"),
      .text("device", "the output").sometimes, .level("level", "its level").sometimes,
      .text(
        "reason", "of a change, as in `device:changed`; of a refusal, in words; the holder it would have waited for"
      ).sometimes,
      .text("action", "what else it would have done, as in a rule file").sometimes,
    ]
  }

  private static func sentence(_ event: Event) -> String? {
    let device = event.text("device")
    switch event["would"]?.string {
    case "changed":
      guard let level = event["level"]?.double else { return nil }
      return "would have turned \(device) \(EventSentence.level(level)) "
        + "(\(EventSentence.words(event.text("reason", "command"))))"
    case "waited": return "would have had to wait for \(event.text("reason")), who holds \(device)"
    case "refused": return "would have been refused\(event.because)"
    case "done": return "as a shadow: \(event.text("action"))"
    default: return nil
    }
  }

  // Examples with every field, which no deed has.
  private static func addExample(to payload: inout Fields) {
    Deed.done("emit(climate:hot)").fill(&payload)
    Deed.changed("fan", level: 1, reason: "command").fill(&payload)
  }

  private static var agentExample: DaemonEvent {
    var payload = Fields(uniquePairs: [AgentEvents.text("climate-next")])
    addExample(to: &payload)
    return DaemonEvent(agentDeclaration, payload)
  }

  private static var ruleExample: DaemonEvent {
    var payload: Fields = ["rule": "hot-next"]
    addExample(to: &payload)
    return DaemonEvent(ruleDeclaration, payload)
  }

  static var agentDeclaration: EventDeclaration {
    EventDeclaration(
      "agent:shadowed", .low,
      "an agent that is a shadow would have done something; rules and agents do not get it",
      [.agent] + fields, example: agentExample
    ) { event in sentence(event).map { "\(AgentEvents.named(event)) \($0)" } }
  }

  /// An agent would have done something.
  package static func agent(_ agent: AgentID, _ deed: Deed) -> DaemonEvent {
    var payload = Fields(uniquePairs: [AgentEvents.text(agent)])
    deed.fill(&payload)
    return DaemonEvent(agentDeclaration, payload)
  }

  static var ruleDeclaration: EventDeclaration {
    EventDeclaration(
      "rule:shadowed", .low,
      "a rule that is a shadow would have done something; rules and agents do not get it",
      [.rule] + fields, example: ruleExample
    ) { event in sentence(event).map { "rule \(event.subject("rule")) \($0)" } }
  }

  /// A rule would have done something. That it fires, begins or ends is one, too.
  package static func rule(_ rule: RuleID, _ deed: Deed) -> DaemonEvent {
    var payload = Fields(uniquePairs: [("rule", .string(rule.rawValue))])
    deed.fill(&payload)
    return DaemonEvent(ruleDeclaration, payload)
  }
}
