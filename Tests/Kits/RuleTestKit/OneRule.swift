import Model
import Rules

/// Rules as the control plane sees them: one rule, `hot`, and one variable, `armed`. A test can make the reload and the
/// disk fail.
package final class OneRule: RuleControl {
  package var refusal: String?
  /// Whether the rule files have an error.
  package var isBroken: Bool {
    get { refusal != nil }
    set { refusal = newValue ? "orchestration.yaml:7:2: no such action" : nil }
  }
  /// Why nothing can be stored; nil while it can.
  package var diskProblem: String?
  package private(set) var variables: Fields = ["armed": false]
  /// The rules that a person has disabled.
  package private(set) var disabled: Set<RuleID> = []

  /// The rule, enabled.
  package init() {}

  package var safeMode: String?

  package func rules(naming agent: AgentID) -> [RuleID] { agent == "climate" ? ["hot"] : [] }

  package var count: Int { listRules().count }

  package func listRules() -> [RuleStatus] {
    [
      RuleStatus(
        id: "hot", trigger: "sensor:temperature", condition: "value > 30.0", actions: ["wake(climate)"],
        location: Location(file: "orchestration.yaml", line: 3, column: 5), fired: 2, lastFired: nil, lastError: nil)
    ]
  }

  package func testRules(_ event: Event) -> [RuleVerdict] {
    [RuleVerdict(rule: "hot", fires: (event["value"]?.double ?? 0) > 30, reason: event.type)]
  }

  package func explain(_ rule: RuleID) -> RuleExplanation? {
    guard let status = listRules().first(where: { $0.id == rule }) else { return nil }
    return RuleExplanation(
      status: status,
      parts: [.init(key: "if", depth: 0, text: "value > 30.0", result: "false", values: "value = 29.0")],
      changes: ["value > 30.0 would have to be true"])
  }

  package func setRule(_ rule: RuleID, enabled: Bool) -> Bool {
    guard rule == "hot" else { return false }
    if enabled { disabled.remove(rule) } else { disabled.insert(rule) }
    return true
  }

  package func resumeRule(_ rule: RuleID) -> Bool { false }

  package func setVariable(
    _ name: String, _ value: Value, by holder: String, cause: Cause?
  ) throws(NoAnswer) {
    guard variables[name] != nil else { throw NoAnswer("no variable '\(name)' is declared under 'vars:'") }
    guard case .bool = value else { throw NoAnswer("'\(name)' is a bool") }
    variables[name] = value
  }

  package private(set) var messages: [Fields] = [["id": "01JZ0000000000000000000000", "rule": "hot", "text": "30 °C"]]

  package func removeMessages(through last: ULID?) -> Int {
    defer { messages = [] }
    return messages.count
  }

  package func whenStored(_ done: @escaping (String?) -> Void) { done(diskProblem) }

  /// The outputs that somebody has kept rules off, in order.
  package private(set) var suspended: [DeviceID] = []

  package func suspendClaims(on device: DeviceID, by holder: String, for time: Duration) { suspended.append(device) }

  package func isSuspended(_ device: DeviceID) -> Bool { false }

  /// Whether outputs are given back to rules.
  package var givesBack = false

  package func giveBack(_ device: DeviceID) -> Bool { givesBack }

  package func reloadRules() throws(Diagnostics) -> Int {
    guard !isBroken else {
      throw Diagnostics([Diagnostic(Location(file: "orchestration.yaml", line: 7, column: 2), "no such action")])
    }
    return 1
  }
}
