import HAL
import Model
import Rules

// Rules with `shadow`: they are evaluated and fire as others do, and what they would do is recorded.
extension RuleRunner {
  private var shadows: Shadows { agents.shadows }

  /// The outputs as shadow rules imagine them tell of their changes as the gate does.
  func connectShadows() {
    let board = shadows.rules
    board.heir = { [weak self] in self?.shadowClaims.heir(of: $0) }
    // Later, as after an event: a claim must not be settled within a command.
    board.onChange = { [weak self] in
      self?.clock.schedule(after: .zero) { [weak self] in self?.shadowClaims.outputsChanged() }
    }
    board.onCommand = { [weak self] in self?.giveUpRetries(on: $0, isShadow: true) }
    shadowClaims.onChange = { [weak self] rule, isHeld in self?.engine?.claimChanged(of: rule, isHeld: isHeld) }
  }

  /// Call it before rules come into force.
  func takeShadows(of rules: RuleSet) {
    let found = rules.shadows
    shadowRules = Set(found.keys)
    shadows.keepRules(found)
  }

  /// Publishes an event about a rule. Of a shadow nobody gets it who could act on it.
  @discardableResult
  func tell(_ event: DaemonEvent, of rule: RuleID, cause: Cause?) -> Event {
    let source = "rule/\(rule)"
    guard shadowRules.contains(rule) else { return events.publish(event, from: source, cause: cause) }
    return events.address(.nobody) { events.publish(event, from: source, cause: cause) }
  }

  /// Records that a shadow rule fires.
  func imagined(_ firing: Firing) -> Event {
    shadows.note("fire", "fire on \(firing.event.type)", by: "rule/\(firing.rule)", cause: Cause(firing.event))
  }

  /// Records that a shadow state rule begins or ends.
  func imagined(_ change: StateChange, of rule: RuleID, cause: Cause?) -> Event {
    let (kind, text) =
      switch change {
      case .began: ("begin", "begin")
      case .resumed: ("begin", "begin again after a restart")
      case .ended(let why): ("end", "end: \(why)")
      }
    return shadows.note(kind, text, by: "rule/\(rule)", cause: cause)
  }

  /// Records an action that a shadow rule would have carried out.
  func imagine(_ kind: String, _ text: String, _ running: Running) {
    shadows.note(kind, text, by: name(running), cause: running.cause)
  }

  /// Imagines an action of a shadow rule.
  /// - Returns: false for an action that moves nothing, and is carried out.
  func imagine(_ action: Firing.Action, _ running: Running) throws -> Bool {
    switch action {
    case .actuate(let device, let command, let lease):
      _ = try shadows.rules.carryOut(device, command, lease: lease, as: principal(running), cause: running.cause)
      if hardware.isSafe(command, for: device) { shadowClaims.suspend(device, by: name(running), for: nil) }
    case .release(let device):
      let holder = shadows.rules.output(device)?.holder
      _ = try shadows.rules.release(
        device, holder: holder ?? name(running), reason: "released", cause: running.cause)
      shadowClaims.suspend(device, by: name(running), for: nil)
    case .spawn: imagine("spawn", action.text, running)
    case .wake: imagine("wake", action.text, running)
    case .kill: imagine("kill", action.text, running)
    case .emit(_, .failure(let error)): throw RuleActionFailure(message: error.message)
    case .emit(_, .success(let payload)):
      if let complaint = PayloadLimit.complaint(payload) { throw RuleActionFailure(message: complaint) }
      try limitEmissions(running)
      imagine("emit", action.text, running)
    case .notify(let payload, _, _):
      _ = try Self.text(payload)
      try limitEmissions(running)
      imagine("notify", action.text, running)
    case .log, .set, .wait, .waitFor: return false
    }
    return true
  }
}
