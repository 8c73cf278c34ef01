import FaultKit
import Model
import Testing

@Suite struct StopRulesTests {
  @Test func changeByAnEventBeforeTheClearIsFound() {
    let board = Board(
      name: "b", backend: .simulated,
      devices: [Device(id: "fan", kind: .actuator(ActuatorSettings()), driver: "simulated")])
    let now = Instant(nanoseconds: 1)
    func violations(began: UInt64, state: Double) -> [String] {
      let invariants = Invariants(board, at: now)
      var rules = StopRules()
      rules.cleared(Event(id: ULID(high: 0, low: 10), type: "system:emergency_stop_cleared", source: "client/a"))
      let changed = Event(
        id: ULID(high: 0, low: 20), type: "device:changed", source: "fan", trace: ULID(high: 0, low: began),
        payload: ["device": "fan", "state": .double(state), "holder": "rule/late"])
      rules.changed(changed, board, invariants, at: now)
      return invariants.violations.map(\.rule)
    }
    #expect(violations(began: 5, state: 1) == ["moved by an event before a stop"])
    #expect(violations(began: 5, state: 0).isEmpty)
    #expect(violations(began: 15, state: 1).isEmpty)
  }
}
