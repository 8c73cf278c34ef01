import Agent
import HAL
import Linux
import Model
import OpenStarryAgent
import Rules
import TestKit
import Testing

@testable import Orchestrator

/// After an emergency stop nothing moves by itself, and the stop is kept.
@Suite(.serialized) struct StopTests {
  private let heat = RuleDeclaration.Action.actuate("heater", .on, lease: .seconds(60))

  @Test func whatWaitedBeforeAStopMovesNothingAfterIt() throws {
    let station = try CoreStation([
      rule("debounce", on: [EventPattern("eyes:a")], heat) { $0.debounce = .seconds(5) },
      rule("hold", on: [EventPattern("eyes:a")], .actuate("fan", .on, lease: .seconds(60))) { $0.hold = .seconds(5) },
      rule("throttle", on: [EventPattern("eyes:b")], .actuate("pump", .on, lease: .seconds(1))) {
        $0.throttle = .seconds(5)
      },
    ])
    station.emit("eyes:a")
    station.emit("eyes:b")
    station.emit("eyes:b")
    #expect(station.level("pump") == 1)
    try station.simulate("stop", ["press": "500ms"])
    station.wait(.seconds(1))
    // Nor does what came while it was in force.
    station.emit("eyes:a")
    station.emit("eyes:b")
    try station.clear()
    station.wait(.seconds(20))
    #expect(station.level("heater") == 0 && station.level("fan") == 0 && station.level("pump") == 0)
    #expect(station.status("debounce")?.fired == 0 && station.status("hold")?.fired == 0)
    // Who asks anew is heard.
    station.emit("eyes:a")
    station.wait(.seconds(6))
    #expect(station.level("heater") == 1 && station.level("fan") == 1)
  }

  @Test func whatIsQueuedBehindAnAgentIsForgotten() throws {
    let station = try CoreStation(
      [
        rule("queue", on: [EventPattern("eyes:a")], .wake("slow"), heat) {
          $0.mode = .queued
          $0.maxPerHour = 2
        }
      ], agents: [slowAgent("slow")])
    station.emit("eyes:a")
    station.emit("eyes:a")
    #expect(station.slow.instances.first?.isBusy == true && station.status("queue")?.fired == 1)
    station.stop()
    station.slow.instances.first?.finish()
    station.loop.settle()
    try station.clear()
    station.wait(.seconds(5))
    #expect(station.status("queue")?.fired == 1 && station.level("heater") == 0)
    // What did not come about is not counted.
    station.emit("eyes:a")
    #expect(station.status("queue")?.fired == 2 && station.level("heater") == 1)
  }

  /// In safe mode no rules are there when the stop begins and ends.
  @Test func aStopInSafeModeEndsRulesThatLasted() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    func lasting(_ id: RuleID, keep: [StateRule.Kept]) -> RuleDeclaration {
      RuleDeclaration(
        id: id, trigger: .state(StateRule(begins: .init(text: "!input('door')", location: place), keep: keep)),
        actions: keep.isEmpty ? [.log([])] : [], location: place)
    }
    let rules = [lasting("heating", keep: [.init("heater", .fixed(1))]), lasting("telling", keep: [])]
    let folder = try TemporaryFolder()
    do {
      let station = try CoreStation(rules, in: folder)
      station.wait(.seconds(2))
      #expect(station.level("heater") == 1 && station.status("telling")?.state == .lasting)
      // It crashes.
    }
    for isStopped in [true, false] {
      let station = try CoreStation(rules, in: folder, safeMode: "it has ended five times")
      #expect(station.rules.safeMode != nil && station.status("heating") == nil)
      if isStopped {
        station.stop()
        try station.clear()
        station.wait(.seconds(1))
        // Once more, before anybody leaves safe mode.
        continue
      }
      station.core.leaveSafeMode()
      station.wait(.seconds(2))
      #expect(station.rules.safeMode == nil)
      #expect(station.status("heating")?.state == .stopped && station.level("heater") != 1)
      #expect(station.status("telling")?.state == .lasting)
    }
  }

  /// `end` is done by whoever reads the rules again, but for what moves.
  @Test func whatAStopInSafeModeEndsDoesItsEnd() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    var heating = StateRule(
      begins: .init(text: "!input('door')", location: place), keep: [.init("heater", .fixed(1))])
    heating.endActions = [.emit("heating:over", []), .actuate("fan", .on, lease: .seconds(60))]
    let rules = [RuleDeclaration(id: "heating", trigger: .state(heating), actions: [], location: place)]
    let folder = try TemporaryFolder()
    do {
      let station = try CoreStation(rules, in: folder)
      station.wait(.seconds(2))
      #expect(station.level("heater") == 1)
      // It crashes.
    }
    let station = try CoreStation(rules, in: folder, safeMode: "it has ended five times")
    station.stop()
    try station.clear()
    station.wait(.seconds(1))
    #expect(station.of("heating:over").isEmpty)
    station.core.leaveSafeMode()
    station.wait(.seconds(2))
    #expect(station.of("heating:over").count == 1)
    #expect(station.status("heating")?.state == .stopped)
    #expect(station.level("heater") != 1 && station.level("fan") != 1)
  }

  /// What a person has kept off would stay off for an hour after the rule begins again.
  @Test func aStopInSafeModeEndsSuspensions() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    let heating = StateRule(
      begins: .init(text: "!input('door')", location: place), keep: [.init("heater", .fixed(1))])
    let rules = [RuleDeclaration(id: "heating", trigger: .state(heating), actions: [], location: place)]
    let folder = try TemporaryFolder()
    do {
      let station = try CoreStation(rules, in: folder)
      station.wait(.seconds(2))
      _ = try station.hardware.controlActuator(
        "heater", .off, lease: nil, as: Principal(name: "client/ada", permissions: .all, mayMakeSafe: true))
      station.wait(.seconds(1))
      #expect(station.level("heater") == 0)
      // It crashes.
    }
    let station = try CoreStation(rules, in: folder, safeMode: "it has ended five times")
    station.stop()
    try station.clear()
    station.wait(.seconds(1))
    station.core.leaveSafeMode()
    station.wait(.seconds(2))
    #expect(station.status("heating")?.state == .stopped)
    #expect(station.rules.resumeRule("heating") == true)
    station.wait(.seconds(2))
    #expect(station.level("heater") == 1)
  }

  /// An alarm that moves nothing is heard during a stop, and after it once its time has passed again.
  @Test func alarmsGoOn() throws {
    let station = try CoreStation([
      rule("alarm", on: [EventPattern("eyes:a")], .emit("alarm:a", [])) { $0.hold = .seconds(10) }
    ])
    station.emit("eyes:a")
    station.wait(.seconds(5))
    station.stop()
    station.wait(.seconds(6))
    #expect(station.of("alarm:a").count == 1)
    try station.reload(rule("alarm", on: [EventPattern("eyes:a")], .emit("alarm:b", [])) { $0.hold = .seconds(10) })
    station.emit("eyes:a")
    station.wait(.seconds(6))
    try station.clear()
    station.wait(.seconds(9))
    #expect(station.of("alarm:b").isEmpty)
    station.wait(.seconds(2))
    #expect(station.of("alarm:b").count == 1)
  }

  @Test func aBeatBeginsAnewAfterAStop() throws {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    let station = try CoreStation([
      RuleDeclaration(id: "beat", trigger: .every(.seconds(10)), actions: [heat], location: place)
    ])
    station.wait(.seconds(9))
    station.stop()
    try station.clear()
    station.wait(.seconds(9))
    #expect(station.level("heater") == 0)
    station.wait(.seconds(2))
    #expect(station.level("heater") == 1)
  }

  /// An agent that has waited, say for a model, through the stop.
  @Test func anActivationOfBeforeTheStopMovesNothingAfterIt() throws {
    let station = try CoreStation(agents: [slowAgent("slow") { $0.subscribe = [EventPattern("eyes:a")] }])
    station.emit("eyes:a")
    let instance = try #require(station.slow.instances.first)
    #expect(instance.isBusy)
    station.stop()
    try station.clear()
    #expect(throws: AgentError.self) { try instance.host.control("heater", .on, lease: .seconds(60)) }
    #expect(throws: AgentError.self) { try instance.host.emit("do:on", [:]) }
    #expect(station.level("heater") == 0)
    // What is safe is always allowed.
    _ = try instance.host.control("heater", .off, lease: nil)
    instance.finish()
    station.loop.settle()
    station.emit("eyes:a")
    _ = try instance.host.control("heater", .on, lease: .seconds(60))
    #expect(station.level("heater") == 1)
  }

  /// A storm that waits to be handed on is of before the clear, too.
  @Test func whatWaitsToBeHandedOnIsOfBefore() throws {
    let station = try CoreStation([rule("heat", on: [EventPattern("eyes:a")], heat)])
    station.stop()
    station.log.publish("eyes:a", from: "client/test")
    try station.clear()
    station.wait(.seconds(1))
    #expect(station.level("heater") == 0)
  }

  @Test func agentsAreToldTheLevelsThatTheyHaveMissed() throws {
    let station = try CoreStation(
      [rule("door", on: [EventPattern("input:door")], .emit("rule:was", []))],
      agents: [
        doer("keeper") { $0.subscribe = [EventPattern("input:door"), EventPattern("do:on")] },
        doer("other") { $0.subscribe = [EventPattern("input:stop")] },
      ])
    let before = try station.lines("keeper")
    let fired = station.status("door")?.fired
    let others = try station.lines("other")
    station.stop()
    try station.simulate("door", ["active": true])
    station.emit("do:on")
    #expect(try station.lines("keeper") == before)
    try station.clear()
    station.wait(.seconds(1))
    #expect(try station.lines("keeper") == before + ["\(before.count + 1) input:door"])
    let event = try #require(station.of("input:door").last)
    #expect(event["active"] == true && event["initial"] == true)
    // Rules have seen the edge; nothing was missed by others.
    #expect(station.status("door")?.fired == (fired ?? 0) + 1)
    #expect(try station.lines("other") == others)
    // Nobody misses anything in a stop during which nothing happened.
    station.stop()
    try station.clear()
    station.wait(.seconds(1))
    #expect(try station.lines("keeper").count == before.count + 1)
  }

  // MARK: The disk

  @Test func aStopThatCouldNotBeKeptIsWrittenLater() throws {
    let station = try CoreStation()
    try Files.makeFolder("\(station.stopFile).new/in-the-way")
    try station.simulate("stop", ["press": "500ms"])
    station.wait(.seconds(10))
    #expect(station.of("system:stop_not_kept").count == 1 && station.core.stops?.problem != nil)
    #expect(station.of("system:stop_not_kept").first?["stopped"] == true)
    TemporaryFolder.remove("\(station.stopFile).new")
    station.wait(.seconds(60))
    #expect(Files.isFile(station.stopFile))
    #expect(station.of("system:stop_kept").count == 1 && station.core.stops?.problem == nil)
    let count = station.events.count
    station.wait(.seconds(120))
    #expect(station.events.count { $0.type.hasPrefix("system:stop_") } == 2 && station.events.count >= count)
  }

  @Test func aStopIsAnsweredBeforeASlowDisk() throws {
    let station = try CoreStation()
    station.wait(.seconds(1))
    station.loop.stuck = ["stop-file"]
    station.stop()
    #expect(station.hardware.emergencyStop != nil && station.answer == nil)
    station.wait(.seconds(2))
    #expect(station.answer == "the disk has not answered yet")
    station.loop.stuck = []
    station.loop.settle()
    #expect(station.answer == "the disk has not answered yet" && Files.isFile(station.stopFile))
  }

  @Test func theEndOfAStopThatCouldNotBeKeptIsWrittenLater() throws {
    let station = try CoreStation()
    station.stop()
    #expect(Files.isFile(station.stopFile))
    Files.remove(station.stopFile)
    try Files.makeFolder("\(station.stopFile)/in-the-way")
    try station.clear()
    #expect(station.core.stops?.problem != nil)
    #expect(station.of("system:stop_not_kept").map { $0["stopped"] } == [false])
    TemporaryFolder.remove(station.stopFile)
    station.wait(.seconds(60))
    #expect(!Files.exists(station.stopFile) && station.core.stops?.problem == nil)
    #expect(station.of("system:stop_kept").map { $0["stopped"] } == [false])
  }

  @Test func theEndOfTheDaemonTriesOnceMoreAndLeavesNoTimer() throws {
    let station = try CoreStation()
    try Files.makeFolder("\(station.stopFile).new/in-the-way")
    station.stop()
    TemporaryFolder.remove("\(station.stopFile).new")
    var hasEnded = false
    station.core.end(within: .zero, onSafe: { _ in }) { hasEnded = true }
    station.loop.settle()
    #expect(hasEnded && Files.isFile(station.stopFile))
  }
}
