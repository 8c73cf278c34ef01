import Config
import Model
import RuleTrial
import TestKit
import Testing

@Suite struct ReplayTests {
  private static let devices = """
    devices:
      temp: { kind: sensor, every: 5s, scale: 2, filter: { range: [0, 100] } }
      motion: { kind: input, debounce: 20ms }
      heater: { kind: actuator }
      light: { kind: actuator }
    """

  private static func rules(_ limit: Double, linger: String = "1m") -> String {
    """
    vars: { holiday: false }
    rules:
      - { id: heating, while: "sensor('temp') < \(limit) && !vars.holiday", keep: { heater: on } }
      - { id: hall, while: "input('motion')", linger: \(linger), keep: { light: 50% } }
      - { id: bell, on: "door:bell", action: "notify('it rings')" }
    """
  }

  /// An afternoon with a person, a fault, a restart and an emergency stop.
  private static let afternoon = """
    temp 12
    motion off
    wait 1m
    temp 9
    wait 1m
    motion on
    wait 30s
    motion off
    wait 2m
    emit door:bell
    set light on lease 30s
    wait 1m
    temp unplug
    wait 1m
    temp none
    wait 1m
    var holiday true
    wait 1m
    var holiday false
    wait 1m
    stop
    wait 1m
    temp 12
    wait 10s
    clear
    temp 9
    wait 1m
    restart
    wait 1m
    """

  private func recorded() throws -> (events: [Event], board: Board) {
    let situation = try Situation(Self.devices, Self.rules(20))
    situation.run(Self.afternoon)
    return (situation.trial.events, situation.trial.board)
  }

  private func replay(_ events: [Event], _ board: Board, _ rules: String) throws -> Replay.Outcome {
    let folder = try TemporaryFolder()
    return try Replay(events, on: board).run(
      try Situation.rules(rules, board), home: folder.path, utcOffset: { _ in 0 })
  }

  @Test func theSameRulesDoTheSame() throws {
    let (events, board) = try recorded()
    let outcome = try replay(events, board, Self.rules(20))
    #expect(outcome.differences.isEmpty, "\(outcome.differences)")
    #expect(outcome.same >= 15, "\(outcome.same)")
    #expect(outcome.problems.isEmpty, "\(outcome.problems)")
  }

  @Test func otherRulesShowWhatWouldDiffer() throws {
    let (events, board) = try recorded()
    let outcome = try replay(events, board, Self.rules(17, linger: "10s"))
    let lost = outcome.differences.filter(\.wasRecorded).map(\.deed.subject)
    #expect(lost.contains("heating") && lost.contains("heater"))
    // The light goes off 50 seconds earlier.
    let light = outcome.differences.filter { $0.deed.subject == "light" && $0.deed.what == "off" }
    #expect(light.contains { $0.wasRecorded } && light.contains { !$0.wasRecorded })
    let silent = try replay(events, board, "rules: []")
    #expect(silent.differences.allSatisfy(\.wasRecorded) && silent.differences.contains { $0.deed.subject == "bell" })
  }

  @Test func nothingRecordedIsNoDifference() throws {
    let (_, board) = try recorded()
    let outcome = try replay([], board, Self.rules(20))
    #expect(outcome.same == 0 && outcome.differences.isEmpty)
  }

  @Test func whatPeopleAskedOfARuleIsReplayed() throws {
    let situation = try Situation(Self.devices, Self.rules(20))
    let trial = situation.trial
    situation.run("temp 25\nwait 1m")
    #expect(trial.rules.setRule("heating", enabled: false) == true)
    trial.emit("system:command", ["method": "rules.enable", "client": "ada", "rule": "heating", "enabled": false])
    situation.run("temp 12\nwait 1m")
    #expect(trial.level(of: "heater") == 0)
    let outcome = try replay(trial.events, trial.board, Self.rules(20))
    #expect(outcome.differences.isEmpty, "\(outcome.differences)")
  }
}
