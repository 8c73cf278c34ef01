import Model
import Rules

/// A rule engine with a manual clock, and a record of all calls to its environment.
final class RuleBench: RuleEnvironment {
  let clock = ManualClock()
  private(set) var engine: RuleEngine?
  var sensors: [String: Value] = [:]
  var states: [String: Value] = [:]
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
    if let failure { engine?.failed(firing.id, failure) }
    if finishesAtOnce { engine?.finished(firing.id) }
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
