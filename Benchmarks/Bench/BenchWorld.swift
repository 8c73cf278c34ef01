import Model
import Rules

/// What rules see and do in a benchmark: sensors with values, and firings that finish at once.
final class BenchWorld: RuleEnvironment {
  var engine: RuleEngine?
  var fired = 0
  /// State rules that have begun.
  var begun = 0
  var sensors: [String: Double] = [:]
  private let event = Event(id: ULID(high: 0, low: 1), type: "rule:began")

  func sensor(_ id: String) throws(NoAnswer) -> Value {
    guard let value = sensors[id] else { throw NoAnswer("it is silent") }
    return .double(value)
  }
  func state(_ agent: String) throws(NoAnswer) -> Value { throw NoAnswer("it is silent") }
  func input(_ id: String) throws(NoAnswer) -> Bool { throw NoAnswer("it is silent") }
  func reading(_ id: String) throws(NoAnswer) -> SensorAnswer { throw NoAnswer("it is silent") }
  func output(_ id: String) throws(NoAnswer) -> OutputAnswer { throw NoAnswer("it is silent") }
  func agent(_ id: String) throws(NoAnswer) -> AgentAnswer { throw NoAnswer("it is silent") }
  func event(of subject: RuleSubject) -> Event? { nil }
  func published(_ change: StateChange, of rule: RuleID, cause: Event?) -> Event {
    begun += 1
    return event
  }
  func claim(_ claim: OutputClaim) {}
  func dropClaim(of rule: RuleID, ended: Event?, isRemoved: Bool) {}
  func settleClaims() {}
  func claimState(of rule: RuleID) -> OutputClaim.State? { nil }
  func longestSilence(of devices: [DeviceID]) -> Duration { .zero }
  func remember(_ rule: RuleID, _ memory: RuleMemory?) {}
  func fire(_ firing: Firing) {
    fired += 1
    engine?.finished(firing.id)
  }
  func goOn(_ firing: UInt64, _ actions: [Firing.Action]) { engine?.finished(firing) }
  func waitEnded(_ firing: UInt64, in action: String, within time: Duration) { engine?.finished(firing) }
  func cut(_ firing: UInt64) { engine?.finished(firing) }
  func timerDue(_ rule: RuleID) {}
  func conditionFailed(_ rule: RuleID, _ error: String, event: Event) {}
}
