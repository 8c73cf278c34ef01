import Agent
import HAL
import Model
import Rules

/// Carries out the actions of rules.
extension RuleRunner {
  package func fire(_ firing: Firing) {
    // Limit what rules and agents cause, because it may cause more of itself without end.
    let running = Running(firing)
    if firing.event.depth > 0, takeEmission(of: firing.rule) != nil {
      running.cause = Cause(firing.event)
      failed(EmissionLimit.sentence, "fire", running)
      engine?.finished(firing.id)
      return
    }
    running.isShadow = shadowRules.contains(firing.rule)
    // A state rule has said itself that it began or ended.
    let cause =
      firing.isState
      ? firing.event
      : running.isShadow
        ? imagined(firing)
        : events.publish(
          RuleEvents.fired(firing.rule, by: firing.event.type, firing.event.priority, count: firing.count),
          from: "rule/\(firing.rule)", cause: Cause(firing.event))
    running.cause = Cause(cause)
    if let replaced = firing.replaces {
      agents.endFiring(replaced)
      atWork[replaced] = nil
    }
    atWork[firing.id] = running
    carryOut(firing.actions, running)
  }

  package func goOn(_ firing: UInt64, _ actions: [Firing.Action]) {
    if let running = atWork[firing] { carryOut(actions, running) }
  }

  package func waitEnded(_ firing: UInt64, in action: String, within time: Duration) {
    guard let running = atWork[firing] else { return }
    failed("it did not become true within \(time.text)", action, running)
    carryOut(engine?.otherwise(of: firing) ?? [], running)
  }

  package func cut(_ firing: UInt64) {
    guard let running = atWork[firing] else { return }
    running.isCut = true
    if let retry = running.retry { clock.cancel(retry.timer) }
    running.retry = nil
    finishIfDone(running)
  }

  /// A firing under way. It is running while one of its activations is, or while it waits.
  final class Running {
    let firing: Firing
    var cause: Cause
    var activations = 0
    var waits = false
    var isCut = false
    /// Whether its rule is a shadow.
    var isShadow = false
    /// Whether its actions are being carried out now.
    var isTrying = false
    /// The refused command that is tried again.
    var retry: Retry?

    init(_ firing: Firing) {
      self.firing = firing
      cause = Cause(firing.event)
    }
  }

  /// A refused command that is tried again, until its time is over or another command goes to that output.
  struct Retry {
    let action: Firing.Action
    let device: DeviceID
    /// The actions after it.
    let rest: [Firing.Action]
    let deadline: Instant
    var timer: TimerID
  }

  /// The shortest and the longest time between two tries.
  private static let (soonestRetry, latestRetry) = (Duration.seconds(1), Duration.seconds(30))

  /// Has a refused command tried again, if its rule says so and there is time.
  private func tryLater(
    _ action: Firing.Action, _ rest: ArraySlice<Firing.Action>, after failure: RuleActionFailure, _ running: Running
  ) -> Bool {
    guard let length = running.firing.retry, case .actuate(let device, _, _) = action, failure.mayPass else {
      return false
    }
    let deadline = running.retry?.deadline ?? clock.now + length
    guard deadline > clock.now else { return false }
    let wait = min(
      max(failure.retryAfter ?? Self.latestRetry, Self.soonestRetry), Self.latestRetry, deadline - clock.now)
    let timer = clock.schedule(after: wait) { [weak self, weak running] in
      guard let self, let running, let retry = running.retry else { return }
      carryOut([retry.action] + retry.rest, running)
    }
    running.retry = Retry(action: action, device: device, rest: Array(rest), deadline: deadline, timer: timer)
    running.waits = true
    return true
  }

  /// Another command has gone to an output: what rules still try there is out of date.
  /// - Parameter isShadow: whether it was the command of a shadow, which matters to shadows only.
  func giveUpRetries(on device: DeviceID, isShadow: Bool = false) {
    for running in atWork.values
    where running.retry?.device == device && !running.isTrying && running.isShadow == isShadow {
      guard let retry = running.retry else { continue }
      clock.cancel(retry.timer)
      running.retry = nil
      running.waits = false
      failed("another command went to '\(device)' meanwhile", retry.action.text, running)
      carryOut(engine?.otherwise(of: running.firing.id) ?? [], running)
    }
  }

  /// Carries out one part of a list. Later actions depend on a failed one, so the list ends there, and `else` follows.
  private func carryOut(_ actions: [Firing.Action], _ running: Running) {
    running.waits = false
    running.isTrying = true
    defer { running.isTrying = false }
    var sets: [(String, Value)] = []
    // What a list sets shows together, at its end or when it waits.
    defer { finishIfDone(running) }
    for (place, action) in actions.enumerated() {
      do throws(RuleActionFailure) {
        if case .set(let name, let payload) = action {
          sets.append((name, try Self.value(payload)))
        } else if action.waits {
          running.waits = true
        } else {
          try carryOut(action, running)
        }
      } catch {
        show(sets, running)
        if tryLater(action, actions[(place + 1)...], after: error, running) { return }
        failed(error.message, action.text, running)
        let otherwise = engine?.otherwise(of: running.firing.id) ?? []
        if !otherwise.isEmpty { carryOut(otherwise, running) }
        return
      }
    }
    show(sets, running)
    running.retry = nil
    if running.waits { engine?.wait(running.firing.id) }
  }

  private func show(_ sets: [(String, Value)], _ running: Running) {
    for (name, value) in sets {
      if running.isShadow {
        imagine("set", "set(\(name), \(value.text(limit: 60)))", running)
        continue
      }
      do throws(NoAnswer) {
        try setVariable(name, value, by: "rule/\(running.firing.rule)", cause: running.cause)
      } catch { failed(error.message, "set(\(name))", running) }
    }
  }

  private func finishIfDone(_ running: Running) {
    guard running.activations == 0, !running.waits || running.isCut, atWork[running.firing.id] === running else {
      return
    }
    atWork[running.firing.id] = nil
    engine?.finished(running.firing.id)
  }

  private static func value(_ payload: Firing.Payload) throws(RuleActionFailure) -> Value {
    switch payload {
    case .success(let fields): return fields["value"] ?? .null
    case .failure(let error): throw RuleActionFailure(message: error.message)
    }
  }

  static func text(_ payload: Firing.Payload) throws(RuleActionFailure) -> String {
    switch payload {
    case .success(let fields): return fields["text"]?.string ?? fields["text"]?.text(limit: 1000) ?? ""
    case .failure(let error): throw RuleActionFailure(message: error.message)
    }
  }

  /// Counts a failed action, and reports it unless the same failure was reported recently.
  private func failed(_ why: String, _ action: String, _ running: Running) {
    let rule = running.firing.rule
    let reason = "\(action): \(why)"
    engine?.failed(running.firing.id, reason)
    guard let count = reported[rule, default: Fold(.seconds(600))].add(reason, at: clock.now) else { return }
    tell(RuleEvents.error(rule, action: action, why, count: count), of: rule, cause: running.cause)
  }

  private func carryOut(_ action: Firing.Action, _ running: Running) throws(RuleActionFailure) {
    do {
      if running.isShadow, try imagine(action, running) { return }
      switch action {
      case .spawn(let agent), .wake(let agent): try hand(running, to: agent, starts: action.starts)
      case .kill(let agent): try kill(agent, running)
      case .actuate(let device, let command, let lease): try actuate(device, command, lease, running)
      case .release(let device): try release(device, running)
      case .emit(_, .failure(let error)): throw RuleActionFailure(message: error.message)
      case .emit(let type, .success(let payload)): try emit(type, payload, running)
      case .notify(let payload, let to, let picture):
        let text = try Self.text(payload)
        try limitEmissions(running)
        messageLog.add(
          events.publish(
            RuleEvents.notify(running.firing.rule, text, to: to, picture: picture), from: name(running),
            cause: running.cause))
      case .log(let payload):
        let text = try Self.text(payload)
        try limitEmissions(running)
        tell(RuleEvents.log(running.firing.rule, text), of: running.firing.rule, cause: running.cause)
      case .set, .wait, .waitFor: break
      }
    } catch let error as HALError {
      throw RuleActionFailure(error, at: clock.now)
    } catch let error as AgentControlError {
      throw RuleActionFailure(message: error.description)
    } catch let error as RuleActionFailure {
      throw error
    } catch {
      throw RuleActionFailure(message: "\(error)")
    }
  }

  func name(_ running: Running) -> String { "rule/\(running.firing.rule)" }

  func principal(_ running: Running) -> Principal {
    Principal(name: name(running), permissions: .all, mayMakeSafe: true, needsNoApproval: true)
  }

  private func hand(_ running: Running, to agent: AgentID, starts: Bool) throws(AgentControlError) {
    let firing = running.firing
    if starts { agents.startResting(agent, cause: running.cause) }
    running.activations += 1
    let end = ended(running)
    do throws(AgentControlError) {
      try agents.deliver(
        firing.event, to: agent, cause: running.cause, count: firing.count, firing: firing.id
      ) { _ in end() }
    } catch {
      running.activations -= 1
      throw error
    }
  }

  private func kill(_ agent: AgentID, _ running: Running) throws(AgentControlError) {
    running.activations += 1
    do throws(AgentControlError) {
      try agents.killAgent(agent, now: false, cause: running.cause, ended(running))
    } catch {
      running.activations -= 1
      // The agent is not running: nothing to do.
      if case .notRunning = error { return }
      throw error
    }
  }

  private func ended(_ running: Running) -> () -> Void {
    { [weak self] in
      running.activations -= 1
      self?.finishIfDone(running)
    }
  }

  private func actuate(
    _ device: DeviceID, _ command: ActuatorCommand, _ lease: Duration?, _ running: Running
  ) throws(HALError) {
    let receipt = try hardware.controlActuator(
      device, command, lease: lease, as: principal(running), cause: running.cause)
    if hardware.output(device)?.safe == receipt.state { claims.suspend(device, by: name(running), for: nil) }
  }

  private func release(_ device: DeviceID, _ running: Running) throws(HALError) {
    let holder = hardware.output(device)?.holder
    let ours = holder.flatMap { Party(of: $0) == .rules ? $0 : nil }
    try hardware.release(device, holder: ours ?? name(running), reason: "released", cause: running.cause)
    claims.suspend(device, by: name(running), for: nil)
  }

  private func emit(_ type: String, _ payload: Fields, _ running: Running) throws(RuleActionFailure) {
    if let complaint = PayloadLimit.complaint(payload) { throw RuleActionFailure(message: complaint) }
    try limitEmissions(running)
    events.publish(
      type, source: name(running), cause: running.cause, priority: running.firing.event.priority, payload: payload)
  }

  func limitEmissions(_ running: Running) throws(RuleActionFailure) {
    if takeEmission(of: running.firing.rule) != nil { throw RuleActionFailure(message: EmissionLimit.sentence) }
  }
}

/// Why an action of a rule was not carried out.
struct RuleActionFailure: Error {
  var message: String
  /// Whether it may succeed later.
  var mayPass = false
  /// How long to wait before trying again; nil when unknown.
  var retryAfter: Duration?

  init(message: String) { self.message = message }

  init(_ error: HALError, at now: Instant) {
    message = error.sentence
    switch error {
    case .busy(_, _, let until): (mayPass, retryAfter) = (true, until.map { $0 - now })
    case .limited(_, _, _, let time): (mayPass, retryAfter) = (true, time)
    case .unavailable, .failed, .waits: mayPass = true
    case .notFound, .denied, .invalid: break
    }
  }
}

extension RuleAction {
  /// Whether it starts an agent that is not running.
  fileprivate var starts: Bool { if case .spawn = self { true } else { false } }
}
