import Agent
import Guardian
import HAL
import Model
import Rules
import Testing

@testable import Orchestrator

/// What a reload means for outputs that rules hold, and for levels that are there already.
@Suite struct ReloadTests {
  private func hold(_ id: RuleID, _ device: DeviceID, lease: Duration = .seconds(300)) -> RuleDeclaration {
    rule(id, on: [EventPattern("eyes:h")], .actuate(device, .on, lease: lease))
  }

  @Test func aRuleThatIsGoneOrAnotherLetsGo() throws {
    let station = try CoreStation([hold("gone", "heater"), hold("changed", "pump"), hold("same", "fan")])
    station.emit("eyes:h")
    #expect(["heater", "pump", "fan"].map { station.level($0) } == [1, 1, 1])
    try station.reload(hold("changed", "pump", lease: .seconds(200)), hold("same", "fan"))
    #expect(["heater", "pump", "fan"].map { station.level($0) } == [0, 0, 1])
    let loaded = try #require(station.of("rule:loaded").last)
    let changed = station.of("device:changed").suffix(2)
    #expect(changed.allSatisfy { $0["reason"] == "holder-ended" && $0.cause == loaded.id })
    #expect(station.hardware.device("heater")?.holder == nil)
    #expect(station.hardware.device("fan")?.holder == "rule/same")
  }

  @Test func rulesThatAreRefusedLeaveEverythingAsItIs() throws {
    let station = try CoreStation([hold("hold", "heater")])
    station.emit("eyes:h")
    #expect(throws: Diagnostics.self) {
      try station.reload(rule("bad", on: [EventPattern("eyes:h")], if: "1 +", .actuate("fan", .on, lease: nil)))
    }
    #expect(station.level("heater") == 1 && station.hardware.device("heater")?.holder == "rule/hold")
  }

  /// The daemon before has left held what nobody here would ever let go of.
  @Test(arguments: [
    ("rule/hold", true), ("rule/gone", false), ("agent/keeper", true), ("agent/gone", false), ("client/ada", true),
    ("mcp/ada/7", false),
  ])
  func whatIsTakenOverForNobodyIsLetGoOf(_ holder: String, _ stays: Bool) throws {
    let station = try CoreStation(
      [hold("hold", "heater")], agents: [doer("keeper")], guardian: LeftBehind("heater", holder))
    #expect(station.of("device:changed").first?["reason"] == "taken-over")
    #expect(station.level("heater") == (stays ? 1 : 0))
    #expect(station.hardware.device("heater")?.holder == (stays ? holder : nil))
  }

  /// A guardian that has kept what the daemon before held.
  private final class LeftBehind: DaemonCoreGuardian {
    var onOverruled: (OverruledOutput) -> Void = { _ in }
    private let device: DeviceID
    private let holder: String

    init(_ device: DeviceID, _ holder: String) { (self.device, self.holder) = (device, holder) }

    func slot(of device: DeviceID) -> Int? { 0 }
    func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {}
    func release(_ slot: Int) {}
    func inheritance(of device: DeviceID) -> OutputHold? {
      device == self.device
        ? OutputHold(level: 1, deadline: 900_000_000_000, since: 0, isCutByMaxOn: false, holder: Array(holder.utf8))
        : nil
    }
    func start() {}
    func charge() {}
  }

  // MARK: Levels that are there

  private func onDoor(_ id: RuleID, _ event: String) -> RuleDeclaration {
    rule(id, on: [EventPattern("input:door")], if: "active", .emit(event, []))
  }

  @Test func aNewRuleIsToldTheLevelsThatThereAre() throws {
    let station = try CoreStation(
      [onDoor("old", "door:old")],
      agents: [
        doer("keeper") {
          $0.subscribe = [EventPattern("input:door")]
        }
      ])
    try station.simulate("door", ["active": true])
    let lines = try station.lines("keeper")
    #expect(station.status("old")?.fired == 1)
    try station.reload(onDoor("old", "door:old"), onDoor("new", "door:new"))
    #expect(station.status("new")?.fired == 1 && station.status("old")?.fired == 1)
    #expect(station.of("door:new").count == 1 && station.of("door:old").count == 1)
    #expect(try station.lines("keeper") == lines)
    #expect(station.of("input:door").last?["initial"] == true)
    // Once, and not for a reload that changes nothing.
    try station.reload(onDoor("old", "door:old"), onDoor("new", "door:new"))
    #expect(station.status("new")?.fired == 1)
    try station.reload(onDoor("old", "door:other"), onDoor("new", "door:new"))
    #expect(station.of("door:other").count == 1 && station.status("new")?.fired == 1)
  }

  @Test func rulesThatWereRefusedAtTheStartAreToldOnceTheyAreMended() throws {
    let station = try CoreStation([rule("bad", on: [EventPattern("x:y")], if: "1 +", .emit("a:b", []))])
    #expect(station.problems.count == 1)
    try station.simulate("door", ["active": true])
    try station.reload(onDoor("new", "door:new"))
    #expect(station.of("door:new").count == 1)
  }

  @Test func aNewRuleIsToldAReadingThatStaysAsItIs() throws {
    func onTemperature(_ id: RuleID) -> RuleDeclaration {
      rule(id, on: [EventPattern("sensor:temperature")], if: "value > 30.0", .emit("warm:\(id)", []))
    }
    let station = try CoreStation([onTemperature("old")])
    try station.simulate("temperature", ["value": 35])
    station.wait(.seconds(20))
    let fired = station.status("old")?.fired ?? 0
    let published = station.of("sensor:temperature").count
    #expect(fired > 0)
    station.wait(.seconds(5))
    #expect(station.of("sensor:temperature").count == published, "the value stays as it is")
    try station.reload(onTemperature("old"), onTemperature("new"))
    #expect(station.of("warm:new").count == 1)
    #expect(station.status("old")?.fired == fired)
    #expect(station.of("sensor:temperature").last?["previous"] == .null)
  }

  @Test func anAgentThatComesLaterIsToldTheLevelsThatThereAre() throws {
    let station = try CoreStation([onDoor("old", "door:old")])
    try station.simulate("door", ["active": true])
    try station.agents.adopt(doer("late") { $0.subscribe = [EventPattern("input:*")] }, state: [:])
    station.wait(.seconds(1))
    #expect(try station.lines("late") == ["1 input:door", "2 input:stop"])
    #expect(station.status("old")?.fired == 1)
  }

  // MARK: Storms

  /// Every reading begins a chain of its own, and each would branch.
  @Test func aRuleThatFeedsItselfIsHeldWhateverBeginsIt() throws {
    let station = try CoreStation([
      rule("all", on: [EventPattern("*")], .emit("eyes:e", [])) { $0.mode = .parallel },
      rule("fine", on: [EventPattern("do:it")], .emit("did:it", [])),
    ])
    for _ in 0..<100 {
      station.emit("do:it")
      station.loop.clock.advance(by: .milliseconds(20))
    }
    #expect(station.of("did:it").count == 100, "nothing else slows down")
    #expect(station.events.count < 6000, "\(station.events.count)")
    #expect(station.status("all")?.lastError?.contains("4096 events within a second") == true)
    #expect(station.of("rule:error").count == 1)
  }

  /// Rules that command set each other off by what is said of them.
  @Test func rulesThatFireEachOtherAreHeld() throws {
    let station = try CoreStation([
      rule("a", on: [EventPattern("*")], .actuate("fan", .on, lease: nil)) { $0.mode = .parallel },
      rule("b", on: [EventPattern("*")], .actuate("fan", .on, lease: nil)) { $0.mode = .parallel },
    ])
    for _ in 0..<100 {
      station.emit("do:it")
      station.loop.clock.advance(by: .milliseconds(20))
    }
    #expect(station.events.count < 12_000, "\(station.events.count)")
  }

  @Test func anAgentThatEmitsWithoutEndIsRefused() throws {
    let world = World()
    try world.adopt(doer("a") { $0.subscribe = [EventPattern("do:spam")] })
    world.emit("do:spam", ["count": 5000])
    #expect(world.of("x:y").count == 4096)
    world.wait(.seconds(2))
    world.emit("do:spam", ["count": 10])
    #expect(world.of("x:y").count == 4106)
  }
}
