import Model
import Rules

/// A rule engine with a manual clock, and a record of all calls to its environment.
final class RuleBench: RuleEnvironment {
  let clock = ManualClock()
  private(set) var engine: RuleEngine?
  var sensors: [String: Value] = [:]
  var states: [String: Value] = [:]
  var inputs: [String: Bool] = [:]
  /// Sensors that are declared, with what `reading()` says.
  var readings: [String: SensorAnswer] = [:]
  var outputs: [String: OutputAnswer] = [:]
  var variables: Fields = [:]
  var place: Board.Place?
  var isStopped = false
  /// The claims in force, as the environment has been told.
  private(set) var claims: [RuleID: OutputClaim] = [:]
  /// What has happened to state rules: `light began`, `light ended: its condition has ended`.
  private(set) var changes: [String] = []
  private(set) var settlements = 0
  private(set) var memories: [RuleID: RuleMemory] = [:]
  /// Parts of firings that went on, and what was given up.
  private(set) var parts: [[Firing.Action]] = []
  private(set) var waitErrors: [String] = []
  private(set) var cuts: [UInt64] = []
  var silence = Duration.seconds(4)
  var offset: (Int64) -> Int = { _ in 0 }
  var zoneFiles: [String: [UInt8]] = [:]
  var clockIsTrusted = true
  private(set) var missed: [MissedEntry] = []
  private(set) var firings: [Firing] = []
  private(set) var due: [RuleID] = []
  private(set) var errors: [String] = []
  /// The cooldown last stored for each rule; nil when it was deleted.
  private(set) var cooldowns: [RuleID: RuleCooldown?] = [:]
  private var events: UInt64 = 0
  /// Whether firings end within `fire`.
  var finishesAtOnce = true
  /// The error of a firing; nil when it succeeds.
  var failure: String?

  init(_ rules: RuleDeclaration...) throws {
    let engine = RuleEngine(clock: clock, environment: self)
    self.engine = engine
    engine.replace(with: try RuleSet(compiling: rules))
    settle()
  }

  var rules: RuleEngine { engine! }

  func sensor(_ id: String) throws(NoAnswer) -> Value {
    guard let value = sensors[id] else { throw NoAnswer("it has not been measured yet") }
    return value
  }
  func state(_ agent: String) throws(NoAnswer) -> Value {
    guard let value = states[agent] else { throw NoAnswer("there is no such agent") }
    return value
  }
  func utcOffset(at: Int64) -> Int { offset(at) }
  func timeZoneFile(_ zone: String) -> [UInt8]? { zoneFiles[zone] }
  func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?) { cooldowns[rule] = .some(cooldown) }
  func timerDue(_ rule: RuleID) { due.append(rule) }
  func entriesMissed(_ entries: [MissedEntry]) { missed += entries }
  func conditionFailed(_ rule: RuleID, _ error: String, event: Event) { errors.append("\(rule): \(error)") }

  func fire(_ firing: Firing) {
    firings.append(firing)
    goOn(firing.id, firing.actions, isFirst: true)
  }

  func goOn(_ firing: UInt64, _ actions: [Firing.Action]) { goOn(firing, actions, isFirst: false) }

  private func goOn(_ firing: UInt64, _ actions: [Firing.Action], isFirst: Bool) {
    if !isFirst { parts.append(actions) }
    for case .set(let name, .success(let payload)) in actions {
      variables[name] = payload["value"]
      engine?.changed(.variable(name))
    }
    if let failure {
      engine?.failed(firing, failure)
      if let rest = engine?.otherwise(of: firing), !rest.isEmpty { parts.append(rest) }
    } else if engine?.hasMore(firing) ?? false {
      engine?.wait(firing)
      return
    }
    if finishesAtOnce { engine?.finished(firing) }
  }

  func waitEnded(_ firing: UInt64, in action: String, within time: Duration) {
    waitErrors.append("\(action) within \(time.text)")
    engine?.failed(firing, "\(action): timed out")
    if let rest = engine?.otherwise(of: firing), !rest.isEmpty { parts.append(rest) }
    engine?.finished(firing)
  }

  func cut(_ firing: UInt64) {
    cuts.append(firing)
    engine?.finished(firing)
  }

  // MARK: State rules

  func input(_ id: String) throws(NoAnswer) -> Bool {
    guard let value = inputs[id] else { throw NoAnswer("it is lost") }
    return value
  }
  func reading(_ id: String) throws(NoAnswer) -> SensorAnswer {
    guard let answer = readings[id] else { throw NoAnswer("there is no such sensor") }
    return answer
  }
  func output(_ id: String) throws(NoAnswer) -> OutputAnswer {
    guard let answer = outputs[id] else { throw NoAnswer("there is no such output") }
    return answer
  }
  func agent(_ id: String) throws(NoAnswer) -> AgentAnswer { throw NoAnswer("there is no such agent") }
  func event(of subject: RuleSubject) -> Event? { subject == .clock ? nil : event("change:\(subject.text)") }
  func published(_ change: StateChange, of rule: RuleID, cause: Event?) -> Event {
    let because = cause.map { " by \($0.type)" } ?? ""
    switch change {
    case .began: changes.append("\(rule) began\(because)")
    case .resumed: changes.append("\(rule) resumed")
    case .ended(let why): changes.append("\(rule) ended: \(why)")
    }
    return event("rule:state", ["rule": .string(rule.rawValue)])
  }
  func claim(_ claim: OutputClaim) { claims[claim.rule] = claim }
  func dropClaim(of rule: RuleID, ended: Event?, isRemoved: Bool) { claims[rule] = nil }
  func settleClaims() { settlements += 1 }
  func claimState(of rule: RuleID) -> OutputClaim.State? { claims[rule].map { _ in .held } }
  func longestSilence(of devices: [DeviceID]) -> Duration { devices.isEmpty ? .zero : silence }
  func remember(_ rule: RuleID, _ memory: RuleMemory?) { memories[rule] = memory }

  /// Gives a sensor a value, and lets rules see it.
  func measure(_ sensor: String, _ value: Double?) {
    sensors[sensor] = value.map { .double($0) }
    engine?.changed(.device(DeviceID(sensor)))
    settle()
  }

  /// Gives an input a level; nil loses it.
  func press(_ input: String, _ isActive: Bool?) {
    inputs[input] = isActive
    engine?.changed(.device(DeviceID(input)))
    settle()
  }

  /// Lets what is due now happen.
  func settle() { for _ in 0..<8 { clock.advance(by: .zero) } }

  /// The outputs that are claimed, with their levels: `fan 1.0, light 0.6`.
  var kept: String {
    claims.values.sorted { $0.rank < $1.rank }.flatMap(\.outputs).map { "\($0.device) \($0.level)" }
      .joined(separator: ", ")
  }

  func event(_ type: String, _ payload: Fields = [:]) -> Event {
    events += 1
    return Event(
      id: ULID(high: 0, low: events), type: type, time: clock.wallMilliseconds, source: "test", payload: payload)
  }

  /// Publishes a temperature.
  func measure(_ value: Double) { rules.handle(event("sensor:temperature", ["value": .double(value)])) }

  func emit(_ type: String, _ payload: Fields = [:]) { rules.handle(event(type, payload)) }

  func reason(_ type: String, _ payload: Fields = [:]) -> String {
    rules.test(event(type, payload)).map { "\($0.fires ? "fires" : "no"): \($0.reason)" }.joined(separator: "\n")
  }

  /// The firings, as the value of the newest event and the number of folded events.
  var story: [String] { firings.map { "\($0.event["value"]?.double ?? -1)×\($0.count)" } }
}

/// A rule on `sensor:temperature` that wakes `climate` above 30.
func hot(_ change: (inout RuleDeclaration) -> Void = { _ in }) -> RuleDeclaration {
  var rule = RuleDeclaration(
    id: "hot", trigger: .events([EventPattern("sensor:temperature")]), condition: condition("value > 30.0"),
    actions: [.wake("climate")], location: Location(file: "rules.yaml", line: 3, column: 5))
  change(&rule)
  return rule
}

func condition(_ text: String) -> RuleDeclaration.Condition {
  RuleDeclaration.Condition(text: text, location: Location(file: "rules.yaml", line: 4, column: 10))
}
