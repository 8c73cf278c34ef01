import Agent
import HAL
import Model
import Rules

/// Carries out what rules decide, and tells them what they ask about: the world around the pure rule engine.
public final class RuleRunner: RuleEnvironment, RuleControl {
  private let events: any EventSink
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private var engine: RuleEngine?
  private let load: () throws(Diagnostics) -> RuleSet
  private let offset: (Int64) -> Int
  private var sensors: [DeviceID: SubscriptionID] = [:]

  /// Makes a runner without rules.
  /// - Parameters:
  ///   - utcOffset: how far local time is ahead of UTC at a moment, both in seconds; for `cron`.
  ///   - load: reads and compiles the rule files; called by `reloadRules`.
  public init(
    clock: any Timekeeper, events: any EventSink, hardware: Hardware, agents: AgentSupervisor,
    utcOffset: @escaping (Int64) -> Int, load: @escaping () throws(Diagnostics) -> RuleSet
  ) {
    self.events = events
    self.hardware = hardware
    self.agents = agents
    self.load = load
    offset = utcOffset
    engine = RuleEngine(clock: clock, environment: self)
  }

  /// Looks what an event sets off.
  public func handle(_ event: Event) { engine?.handle(event) }

  // MARK: RuleControl

  public func listRules() -> [RuleStatus] { engine?.statuses() ?? [] }

  public func testRules(_ event: Event) -> [RuleVerdict] { engine?.test(event) ?? [] }

  public func reloadRules() throws(Diagnostics) -> Int { enforce(try load()) }

  /// Puts rules that were read and compiled in the place of those in force.
  /// - Returns: how many there are now.
  @discardableResult
  public func enforce(_ rules: RuleSet) -> Int {
    engine?.replace(with: rules)
    measureSensors(for: rules.patterns)
    let count = engine?.count ?? 0
    events.publish("rule:loaded", from: "system", ["rules": .int(Int64(count))])
    return count
  }

  /// Sensors are measured only while somebody asks: those that rules wait for, and no others any more.
  private func measureSensors(for patterns: [EventPattern]) {
    let previous = sensors
    sensors = [:]
    for device in hardware.board.devices {
      guard case .sensor = device.kind, patterns.contains(where: { $0.matches("sensor:\(device.id)") }) else {
        continue
      }
      measure(device.id)
    }
    for subscription in previous.values { hardware.unsubscribe(subscription) }
  }

  private func measure(_ id: DeviceID) {
    if sensors[id] == nil { sensors[id] = try? hardware.subscribe(id, every: nil, deadband: nil) }
  }

  // MARK: RuleEnvironment

  public func sensor(_ id: String) -> Value? {
    // A sensor that a condition asks about is measured from the first time on.
    measure(DeviceID(id))
    let everybody = Principal(name: "rules", permissions: .all)
    guard let reading = try? hardware.latestReading(DeviceID(id), as: everybody) else { return nil }
    return .double(reading.value)
  }

  public func state(_ agent: String) -> Value? { agents.lastSnapshot(AgentID(agent)) }

  public func utcOffset(at seconds: Int64) -> Int { offset(seconds) }

  public func timerDue(_ rule: RuleID) {
    events.publish("timer:\(rule)", from: "rule/\(rule)", ["rule": .string(rule.rawValue)])
  }

  public func conditionFailed(_ rule: RuleID, _ error: String, event: Event) {
    events.publish(
      "rule:error", from: "rule/\(rule)", cause: Cause(event),
      ["rule": .string(rule.rawValue), "error": .string(error)])
  }

  public func fire(_ firing: Firing) {
    let rule = firing.rule.rawValue
    var payload: Fields = ["rule": .string(rule), "event": .string(firing.event.type)]
    if firing.count > 1 { payload["count"] = .int(Int64(firing.count)) }
    let fired = events.publish(
      "rule:fired", from: "rule/\(rule)", cause: Cause(firing.event), priority: firing.event.priority, payload)
    if let replaced = firing.replaces { agents.endFiring(replaced) }
    var waiting = 1
    // The firing is at work as long as one of its activations is.
    let oneDone = { [weak self] in
      waiting -= 1
      if waiting == 0 { self?.engine?.finished(firing.id) }
    }
    for action in firing.actions {
      do throws(RuleActionFailure) {
        waiting += 1
        try carryOut(action, firing, Cause(fired), oneDone)
      } catch {
        oneDone()
        events.publish(
          "rule:error", from: "rule/\(rule)", cause: Cause(fired),
          ["rule": .string(rule), "action": .string("\(action)"), "error": .string(error.message)])
      }
    }
    oneDone()
  }

  private func carryOut(
    _ action: ResolvedAction, _ firing: Firing, _ cause: Cause, _ done: @escaping () -> Void
  ) throws(RuleActionFailure) {
    let name = "rule/\(firing.rule)"
    do {
      switch action {
      case .spawn(let agent), .wake(let agent):
        if case .spawn = action { agents.startResting(agent, cause: cause) }
        try agents.deliver(firing.event, to: agent, cause: cause, count: firing.count, firing: firing.id, done)
        return
      case .kill(let agent):
        try agents.killAgent(agent, now: false, cause: cause, done)
        return
      case .actuate(let device, let command, let lease):
        _ = try hardware.controlActuator(
          device, command, lease: lease, as: Principal(name: name, permissions: .all), cause: cause)
      case .emit(let type, let payload):
        events.publish(type, source: name, cause: cause, priority: firing.event.priority, payload: payload)
      }
    } catch let error as HALError {
      throw RuleActionFailure(message: error.description)
    } catch let error as AgentControlError {
      throw RuleActionFailure(message: error.description)
    } catch {
      throw RuleActionFailure(message: "\(error)")
    }
    done()
  }
}

/// Why an action of a rule was not carried out.
private struct RuleActionFailure: Error {
  var message: String
}
