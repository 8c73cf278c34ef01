import Agent
import HAL
import HALTestKit
import Model
import Store
import TestKit
import Testing

@testable import Orchestrator

/// Outputs with `at_start`, after the power was cut.
@Suite struct TakeUpTests {
  private let folder: TemporaryFolder
  private let ada = Principal(name: "client/ada", permissions: .all, mayMakeSafe: true)

  init() throws { folder = try TemporaryFolder() }

  /// The daemon in one boot. It ends without any notice.
  private func run(
    _ boot: String, _ settings: ActuatorSettings, _ rules: [RuleDeclaration] = [], agents: [Manifest] = [],
    safeMode: String? = nil, _ body: (CoreStation) throws -> Void
  ) throws {
    let station = try CoreStation(
      rules, agents: agents, in: folder, safeMode: safeMode, boot: boot, devices: [.actuator("well", settings)])
    try body(station)
  }

  private func last(_ change: (inout ActuatorSettings) -> Void = { _ in }) -> ActuatorSettings {
    var settings = ActuatorSettings(lease: .seconds(600), atStart: .last)
    change(&settings)
    return settings
  }

  private func hold(
    _ station: CoreStation, _ command: ActuatorCommand = .on, lease: Duration? = nil, by holder: String = "client/ada",
    for time: Duration = .seconds(2)
  ) throws {
    try station.hardware.controlActuator(
      "well", command, lease: lease, as: Principal(name: holder, permissions: .all, mayMakeSafe: true))
    station.wait(time)
  }

  /// The lines about outputs in the history.
  private func lines(_ station: CoreStation) -> [String] {
    var lines: [String] = []
    station.core.registry.history(nil, last: 100) { answer in
      lines = ((try? answer.get()) ?? []).filter { $0.reason.hasSuffix("taken-up") }.map {
        "\($0.reason) \($0.message)"
      }
    }
    station.wait(.seconds(1))
    return lines
  }

  private func holder(_ station: CoreStation) -> String? { station.hardware.output("well")?.holder }

  @Test func itIsTakenUpForTheSameHolder() throws {
    try run("one", last()) { try hold($0, .level(0.4), lease: .seconds(300)) }
    try run("two", last()) { station in
      #expect(station.level("well") == 0, "it is safe first")
      station.wait(.seconds(2))
      #expect(station.level("well") == 0.4 && holder(station) == "client/ada")
      #expect(
        lines(station) == [
          "taken-up well: held at 40% by client/ada when the power went; taken up again for 5m"
        ])
      let change = try #require(station.of("device:changed").last)
      #expect(station.of("system:started").map(\.id) == [change.cause])
      station.wait(.seconds(300))
      #expect(station.level("well") == 0, "the lease ends")
      #expect(lines(station).count == 1)
    }
    try run("three", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).count == 1, "it was safe when the power went")
    }
  }

  @Test func whoGivesItUpMeanwhileHasDecided() throws {
    let settings = last { $0.minOff = .seconds(30) }
    try run("one", settings) { station in
      station.wait(.seconds(30))
      try hold(station)
    }
    try run("two", settings) { station in
      station.wait(.seconds(5))
      #expect(lines(station).last?.contains("not taken up yet") == true)
      _ = try station.hardware.release("well", holder: "client/bob", reason: "released")
      station.wait(.seconds(60))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: client/bob has commanded it") == true)
    }
  }

  @Test func shadowsHaveNothingAgain() throws {
    try run("one", last(), agents: [doer("keeper")]) { try hold($0, by: "agent/keeper") }
    try run("two", last(), agents: [doer("keeper") { $0.shadow = true }]) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).last?.hasSuffix("agent/keeper is a shadow now") == true)
    }
  }

  @Test func nobodyIsAskedToApproveIt() throws {
    let settings = last { $0.approval = ApprovalSettings(.required) }
    try run("one", settings) { station in
      try station.hardware.controlActuator(
        "well", .on, as: Principal(name: "client/ada", permissions: .all, mayMakeSafe: true, needsNoApproval: true))
      station.wait(.seconds(2))
    }
    try run("two", settings) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && station.of("approval:waiting").isEmpty)
      #expect(lines(station).last?.contains("a person has to approve it") == true)
    }
  }

  @Test func aDaemonThatRestartsTakesNothingUp() throws {
    try run("one", last()) { try hold($0) }
    try run("one", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).isEmpty)
    }
    // Nor does the boot after it, for the output was safe meanwhile.
    try run("two", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).isEmpty)
    }
  }

  @Test func nobodyKnowsWhichBootItIs() throws {
    try run("", last()) { try hold($0) }
    try run("", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).isEmpty)
    }
  }

  @Test func safeIsRecordedAndNotTakenUp() throws {
    let safe = ActuatorSettings(lease: .seconds(600), atStart: .safe)
    try run("one", safe) { try hold($0) }
    try run("two", safe) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0)
      #expect(
        lines(station) == [
          "not-taken-up well: held at 100% by client/ada when the power went; not taken up: at_start is safe"
        ])
    }
    try run("three", safe) { #expect(lines($0).count == 1, "it is told once") }
  }

  @Test func anOutputWithoutTheKeyIsNotRecorded() throws {
    let plain = ActuatorSettings(lease: .seconds(600))
    try run("one", plain) { try hold($0) }
    try run("two", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).isEmpty)
    }
    // And one whose file has lost the key is forgotten.
    try run("three", last()) { try hold($0) }
    try run("four", plain) { $0.wait(.seconds(5)) }
    try run("five", last()) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).isEmpty)
    }
  }

  @Test func safeModeTakesNothingUp() throws {
    try run("one", last()) { try hold($0) }
    try run("two", last(), safeMode: "it has ended five times") { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0)
      #expect(lines(station).first?.hasSuffix("not taken up: the daemon is in safe mode") == true)
      station.core.leaveSafeMode()
      station.wait(.seconds(5))
      #expect(station.level("well") == 0 && lines(station).count == 1)
    }
  }

  @Test func minOffIsWaitedForWithinTheLease() throws {
    let resting = last { $0.minOff = .seconds(30) }
    try run("one", resting) { station in
      station.wait(.seconds(31))
      try hold(station, lease: .seconds(300))
    }
    try run("two", resting) { station in
      station.wait(.seconds(5))
      #expect(station.level("well") == 0)
      #expect(
        lines(station) == [
          "not-taken-up well: held at 100% by client/ada when the power went; not taken up yet: 'well' is limited by "
            + "min_off: it has to rest for 30s"
        ])
      station.wait(.seconds(26))
      #expect(station.level("well") == 1)
      #expect(
        lines(station).last == "taken-up well: taken up again for 271s, as client/ada had held it when the power went")
      station.wait(.seconds(260))
      #expect(station.level("well") == 1)
      station.wait(.seconds(10))
      #expect(station.level("well") == 0)
    }
    // A lease that is shorter than the rest is not worth a try.
    try run("three", resting) { station in
      station.wait(.seconds(31))
      try hold(station, lease: .seconds(20))
    }
    try run("four", resting) { station in
      station.wait(.seconds(60))
      #expect(station.level("well") == 0)
      #expect(
        lines(station).last?.hasSuffix("not taken up: 'well' is limited by min_off: it has to rest for 30s") == true)
    }
  }

  @Test func whoeverCommandsItMeanwhileHasIt() throws {
    let resting = last { $0.minOff = .seconds(30) }
    try run("one", resting) { station in
      station.wait(.seconds(31))
      try hold(station)
    }
    try run("two", resting) { station in
      station.wait(.seconds(5))
      try hold(station, .off, by: "client/bob")
      station.wait(.seconds(60))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: client/bob has commanded it") == true)
    }
  }

  @Test func anEmergencyStopEndsTheWaiting() throws {
    let resting = last { $0.minOff = .seconds(30) }
    try run("one", resting) { station in
      station.wait(.seconds(31))
      try hold(station)
    }
    try run("two", resting) { station in
      station.wait(.seconds(5))
      station.stop()
      try station.clear()
      station.wait(.seconds(60))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: everything is stopped") == true)
    }
    try run("three", last()) { station in
      try hold(station)
      station.stop()
      station.wait(.seconds(1))
    }
    try run("four", last()) { #expect(lines($0).count == 2, "it was safe when the power went") }
  }

  @Test func theTimeBeforeThePowerCutCounts() throws {
    let limited = last { $0.maxOn = .seconds(100) }
    try run("one", limited) { try hold($0, lease: .seconds(90), for: .seconds(30)) }
    try run("two", limited) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 1)
      // On for 26 s when that was stored last, and for 25 s more at most.
      #expect(lines(station).last?.hasSuffix("taken up again for 49s") == true, "\(lines(station))")
      // No renewal is longer than what is left.
      try hold(station, lease: .seconds(90), for: .seconds(1))
      station.wait(.seconds(49))
      #expect(station.level("well") == 0 && station.of("device:limited").count == 1)
    }
    try run("three", limited) { try hold($0, lease: .seconds(100), for: .seconds(90)) }
    try run("four", limited) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.contains("not taken up: 'well' is limited by max_on") == true, "\(lines(station))")
    }
  }

  @Test func aLeaseIsAtMostThatOfTheBoardFile() throws {
    try run("one", last()) { try hold($0, lease: .seconds(36_000)) }
    try run("two", last()) { station in
      station.wait(.seconds(2))
      #expect(lines(station).last?.hasSuffix("taken up again for 10m") == true)
    }
  }

  @Test func aLoadThatCutsThePowerIsNotTakenUpForEver() throws {
    try run("one", last()) { try hold($0) }
    try run("two", last()) { station in
      station.wait(.seconds(10))
      #expect(station.level("well") == 1)
    }
    try run("three", last()) { station in
      station.wait(.seconds(10))
      #expect(station.level("well") == 0)
      #expect(
        lines(station).last?.hasSuffix("the power went again within a minute after it had been taken up") == true)
    }
    try run("four", last()) { try hold($0) }
    try run("five", last()) { $0.wait(.seconds(75)) }
    try run("six", last()) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 1, "it was held for more than a minute")
    }
  }

  @Test func aPulseIsNotGivenTwice() throws {
    try run("one", last()) { try hold($0, .pulse(.seconds(20))) }
    try run("two", last()) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: a pulse is not given twice") == true)
    }
  }

  @Test func aLeaseOfAConnectionHasEnded() throws {
    try run("one", last()) { station in
      try hold(station, for: .zero)
      station.hardware.noteLease("well", endsWithConnection: true)
      station.wait(.seconds(2))
    }
    try run("two", last()) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: its lease was to end with a connection") == true)
    }
  }

  @Test func onlyHoldersThatAreThereHaveItAgain() throws {
    let agents = [doer("climate")]
    try run("one", last(), agents: agents) { try hold($0, by: "agent/climate") }
    try run("two", last(), agents: agents) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 1 && holder(station) == "agent/climate")
      station.wait(.seconds(75))
    }
    try run("three", last()) { station in
      station.wait(.seconds(2))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.hasSuffix("not taken up: agent/climate is not registered any more") == true)
    }
    // One that may not command it any more is refused by the gate.
    try run("four", last(), agents: agents) { try hold($0, by: "agent/climate") }
    try run("five", last(), agents: [doer("climate") { $0.permissions = Permissions() }]) { station in
      station.wait(.seconds(2))
      #expect(lines(station).last?.contains("agent/climate may not control 'well'") == true, "\(lines(station))")
    }
    try run("six", last(), agents: agents) { station in
      try hold(station, by: "agent/climate")
      try station.agents.setEnabled("climate", false, cause: nil)
      try hold(station, by: "agent/climate")
    }
    try run("seven", last(), agents: agents) { station in
      station.wait(.seconds(2))
      #expect(lines(station).last?.hasSuffix("not taken up: agent/climate is disabled") == true)
    }
    try run("eight", last()) { try hold($0, by: "mcp/ada/17") }
    try run("nine", last()) { station in
      station.wait(.seconds(2))
      #expect(lines(station).last?.hasSuffix("not taken up: the session of mcp/ada/17 has ended") == true)
    }
  }

  @Test func rulesDecideThemselves() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    let events = rule("wet", on: [EventPattern("a:b")], .actuate("well", .on, lease: .seconds(300)))
    let state = RuleDeclaration(
      id: "watering",
      trigger: .state(
        StateRule(begins: .init(text: "!input('door')", location: place), keep: [.init("well", .fixed(1))])),
      actions: [], location: place)
    try run("one", last(), [events]) { station in
      station.emit("a:b")
      station.wait(.seconds(2))
      #expect(holder(station) == "rule/wet")
    }
    try run("two", last(), [events]) { station in
      station.wait(.seconds(2))
      #expect(holder(station) == "rule/wet")
      station.wait(.seconds(75))
    }
    try run("three", last()) { station in
      station.wait(.seconds(2))
      #expect(lines(station).last?.hasSuffix("not taken up: rule/wet is not in force any more") == true)
    }
    try run("four", last(), [state]) { station in
      station.wait(.seconds(2))
      #expect(holder(station) == "rule/watering")
    }
    try run("five", last(), [state]) { station in
      station.wait(.seconds(2))
      #expect(holder(station) == "rule/watering" && station.level("well") == 1)
      #expect(lines(station).last?.hasSuffix("not taken up: rule/watering has commanded it by itself") == true)
    }
  }

  @Test func anInterlockIsHeld() throws {
    let place = Location(file: "board.yaml", line: 1, column: 1)
    let locked = last { $0.onlyWhile = .init(text: "!input('door')", location: place) }
    try run("one", locked) { try hold($0, lease: .seconds(60)) }
    try run("two", locked) { station in
      try station.simulate("door", ["active": true])
      station.wait(.seconds(10))
      #expect(station.level("well") == 0)
      #expect(lines(station).last?.contains("not taken up yet: 'well' is limited by only_while") == true)
      try station.simulate("door", ["active": false])
      station.wait(.seconds(2))
      #expect(station.level("well") == 1)
      #expect(lines(station).last?.contains("taken up again for 49s") == true, "\(lines(station))")
    }
  }

  /// How often the registry was written for the output.
  @Test func fewThingsAreWritten() throws {
    try run("one", last()) { station in
      let store = Counter()
      station.hardware.recordHeld([:], undecided: [], store: store)
      // Renewals.
      for _ in 0..<100 { try hold(station, for: .milliseconds(500)) }
      #expect(store.kept.map { $0?.level } == [1])
      // Levels.
      for step in 0..<100 { try hold(station, .level(Double(step + 1) / 200), for: .milliseconds(200)) }
      #expect(store.kept.count <= 4, "\(store.kept.count)")
      try hold(station, .off)
      #expect(store.kept.last == .some(nil))
      // Shorter than a second.
      let before = store.kept.count
      for _ in 0..<10 {
        try hold(station, for: .milliseconds(500))
        try hold(station, .off, for: .milliseconds(500))
      }
      #expect(store.kept.count == before)
    }
  }

  private final class Counter: HeldStore {
    private(set) var kept: [HeldOutput?] = []
    func keep(_ held: HeldOutput?, of device: DeviceID) { kept.append(held) }
  }
}
