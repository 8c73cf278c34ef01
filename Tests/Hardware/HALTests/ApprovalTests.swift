import HALTestKit
import Model
import Testing

@testable import HAL

/// Commands that wait for a person.
@Suite struct ApprovalTests {
  let agent = Principal.named("agent/watering")

  private func bench(
    _ scope: ApprovalSettings.Scope = .required, input: DeviceID? = nil, minOff: Duration? = nil
  ) -> GateBench {
    GateBench([
      .actuator(
        "valve",
        ActuatorSettings(minOff: minOff, lease: .seconds(60), approval: ApprovalSettings(scope, input: input))),
      .actuator("pump", ActuatorSettings(approval: ApprovalSettings(.required))),
      .input("key"), .input("stop", InputSettings(emergencyStop: true)),
    ])
  }

  /// The id of the approval that a command waits for.
  private func ask(
    _ bench: GateBench, _ command: ActuatorCommand = .on, _ device: DeviceID = "valve", lease: Duration? = nil,
    as principal: Principal? = nil
  ) throws -> ULID {
    do throws(HALError) {
      try bench.hardware.controlActuator(device, command, lease: lease, as: principal ?? agent)
    } catch {
      guard case .waits(_, let id, let until) = error else { throw error }
      #expect(until == bench.clock.now + ApprovalSettings.defaultTime || lease == nil)
      return id
    }
    Issue.record("it does not wait")
    return ULID(high: 0, low: 0)
  }

  private func state(_ bench: GateBench, _ id: ULID) -> String? {
    bench.hardware.approvals.all.last { $0.id == id }?.state.name
  }

  @Test func nothingMovesBeforeAPersonSaysSo() throws {
    let bench = bench()
    let id = try ask(bench, lease: .seconds(10))
    #expect(bench.level("valve") == 0 && bench.backend.history(of: "valve").allSatisfy { $0.level == 0 })
    let waiting = try #require(bench.sink.of("approval:waiting").first)
    #expect(waiting.id == id && waiting["asker"] == "agent/watering" && waiting["lease_ms"] == 10_000)
    bench.wait(5000)
    let receipt = try bench.hardware.approve(id, by: "client/ada", user: 1)
    #expect(receipt.state == 1 && bench.level("valve") == 1 && state(bench, id) == "approved")
    // The lease begins with the approval, and belongs to the asker.
    #expect(bench.hardware.device("valve")?.holder == "agent/watering")
    let granted = try #require(bench.sink.of("approval:granted").first)
    #expect(bench.sink.of("device:changed").last?.cause == granted.id && granted.cause == id)
    bench.wait(9900)
    #expect(bench.level("valve") == 1)
    bench.wait(200)
    #expect(bench.level("valve") == 0)
    // Only once.
    #expect(throws: Hardware.ApprovalError.notWaiting(id, state: "approved")) {
      try bench.hardware.approve(id, by: "client/ada", user: 1)
    }
    #expect(try ask(bench) != id)
  }

  @Test func theSafeStateNeverWaits() throws {
    let bench = bench()
    try bench.hardware.controlActuator("valve", .off, as: agent)
    #expect(bench.sink.of("approval:waiting").isEmpty)
  }

  @Test func rulesAndApproversWaitForNobody() throws {
    let bench = bench()
    for name in ["rule/hot", "client/ada"] {
      let principal = Principal(name: name, permissions: .all, mayMakeSafe: true, needsNoApproval: true)
      try bench.hardware.controlActuator("valve", .on, as: principal)
      try bench.hardware.controlActuator("valve", .off, as: principal)
    }
    _ = try ask(bench, as: .named("client/bob"))
  }

  @Test func onlyWhatIsAboveWaits() throws {
    let bench = bench(.above(0.5))
    #expect(try bench.hardware.controlActuator("valve", .level(0.5), as: agent).state == 0.5)
    _ = try ask(bench, .level(0.51))
    bench.wait(10_000)
    _ = try ask(bench, .on)
    // What was allowed before goes on.
    #expect(bench.level("valve") == 0.5)
  }

  @Test func aConditionDecides() throws {
    let bench = bench(.condition(RuleDeclaration.Condition(text: "level > 0.2", location: Location(file: "b"))))
    // Nobody answers: it waits.
    _ = try ask(bench, .level(0.1))
    bench.hardware.approvals.isConcerned = { $0 == "valve" && $1 > 0.2 }
    #expect(try bench.hardware.controlActuator("valve", .level(0.1), as: agent).state == 0.1)
    bench.wait(10_000)
    _ = try ask(bench, .level(0.3))
  }

  @Test func limitsComeFirstAndAgain() throws {
    let bench = bench(minOff: .seconds(30))
    // No person is asked for what is refused anyway.
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("valve", .on, as: agent) }
    #expect(bench.sink.of("approval:waiting").isEmpty)
    bench.wait(30_000)
    let id = try ask(bench)
    let owner = Principal(name: "client/ada", permissions: .all, mayMakeSafe: true, needsNoApproval: true)
    try bench.hardware.controlActuator("valve", .on, as: owner)
    #expect(throws: Hardware.ApprovalError.self) { try bench.hardware.approve(id, by: "client/ada", user: 1) }
    #expect(state(bench, id) == "void" && bench.hardware.device("valve")?.holder == "client/ada")
  }

  @Test func itExpires() throws {
    let bench = bench()
    let id = try ask(bench)
    bench.wait(119_000)
    #expect(state(bench, id) == "waiting")
    bench.wait(1100)
    #expect(state(bench, id) == "expired" && bench.sink.of("approval:expired").count == 1)
    #expect(throws: Hardware.ApprovalError.self) { try bench.hardware.approve(id, by: "client/ada", user: 1) }
    #expect(bench.level("valve") == 0)
  }

  @Test func whoWasDeniedDoesNotAskAgainAtOnce() throws {
    let bench = bench()
    let id = try ask(bench)
    try bench.hardware.deny(id, by: "client/ada", why: "it rains")
    #expect(bench.sink.of("approval:denied").first?["why"] == "it rains")
    let refusal = #expect(throws: HALError.self) { try bench.hardware.controlActuator("valve", .on, as: agent) }
    #expect(refusal?.description.contains("client/ada has denied it") == true)
    // Others, and other outputs, may be asked for.
    _ = try ask(bench, .on, "pump")
    _ = try ask(bench, as: .named("agent/other"))
    bench.wait(120_100)
    _ = try ask(bench)
  }

  @Test func theSameCommandIsAskedForOnce() throws {
    let bench = bench()
    let id = try ask(bench)
    bench.wait(1000)
    #expect(try ask(bench) == id && bench.sink.of("approval:waiting").count == 1)
    // A person has to be able to read it.
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("valve", .on, lease: .seconds(5), as: agent) }
    bench.wait(9000)
    let other = try ask(bench, .on, lease: .seconds(5))
    #expect(other != id && state(bench, id) == "void" && bench.hardware.approvals.waiting.count == 1)
  }

  @Test func aPermitLetsItsAskerRepeatIt() throws {
    let bench = bench()
    _ = try bench.hardware.approve(try ask(bench, .level(0.6)), by: "client/ada", user: 1, for: .seconds(600))
    try bench.hardware.controlActuator("valve", .off, as: agent)
    #expect(try bench.hardware.controlActuator("valve", .level(0.6), as: agent).state == 0.6)
    #expect(try bench.hardware.controlActuator("valve", .level(0.2), as: agent).state == 0.2)
    _ = try ask(bench, .level(0.7))
    try bench.hardware.controlActuator("valve", .off, as: agent)
    _ = try ask(bench, .level(0.5), as: .named("agent/other"))
    bench.wait(600_000)
    _ = try ask(bench, .level(0.6))
  }

  @Test func aPermitIsForTheSameOrLess() throws {
    let bench = GateBench([
      .actuator("valve", ActuatorSettings(lease: .seconds(60), approval: ApprovalSettings(.required))),
      .actuator("lock", ActuatorSettings(safe: 1, lease: .seconds(60), approval: ApprovalSettings(.required))),
    ])
    _ = try bench.hardware.approve(
      try ask(bench, .pulse(.seconds(2))), by: "client/ada", user: 1, for: .seconds(3600))
    bench.wait(2000)
    #expect(try bench.hardware.controlActuator("valve", .pulse(.seconds(1)), as: agent).state == 1)
    bench.wait(1000)
    // Neither longer nor for good.
    _ = try ask(bench, .pulse(.seconds(3)))
    bench.wait(10_000)
    let steady = try ask(bench, .on, lease: .seconds(30))
    _ = try bench.hardware.approve(steady, by: "client/ada", user: 1, for: .seconds(3600))
    #expect(try bench.hardware.controlActuator("valve", .on, lease: .seconds(20), as: agent).state == 1)
    _ = try ask(bench, .on)
    // What is lower is farther from the safe state there.
    _ = try bench.hardware.approve(try ask(bench, .level(0.6), "lock"), by: "client/ada", user: 1, for: .seconds(3600))
    #expect(try bench.hardware.controlActuator("lock", .level(0.8), as: agent).state == 0.8)
    _ = try ask(bench, .level(0.4), "lock")
  }

  @Test func whoMayRepeatItIsKnownAndCanBeTakenBack() throws {
    let bench = bench()
    let id = try ask(bench)
    _ = try bench.hardware.approve(id, by: "client/ada", user: 1, for: .seconds(600))
    try bench.hardware.controlActuator("valve", .off, as: agent)
    try bench.hardware.controlActuator("valve", .on, as: agent)
    // Who has approved it is in the chain of the repetition.
    let repeated = try #require(bench.sink.of("approval:repeated").first)
    #expect(repeated["by"] == "client/ada" && bench.sink.of("device:changed").last?.cause == repeated.id)
    bench.wait(100_000)
    #expect(bench.hardware.approvals.permitted(id) == .seconds(500))
    try bench.hardware.deny(id, by: "client/eve", why: nil)
    #expect(bench.hardware.approvals.permitted(id) == nil)
    _ = try ask(bench)
    // A denial ends it, too.
    bench.wait(120_000)
    _ = try bench.hardware.approve(try ask(bench, .level(0.5)), by: "client/ada", user: 1, for: .seconds(600))
    try bench.hardware.deny(try ask(bench, .level(0.9)), by: "client/ada", why: nil)
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("valve", .level(0.5), as: agent) }
  }

  @Test func theEndOfTheDaemonDecidesNothing() throws {
    let bench = bench()
    let id = try ask(bench)
    bench.hardware.approvals.isClosed = true
    bench.hardware.releaseAll(holder: "agent/watering")
    bench.hardware.approvals.end(session: 1)
    #expect(state(bench, id) == "waiting" && bench.sink.of("approval:void").isEmpty)
  }

  @Test func aDenialIsForTheUserWhateverTheSession() throws {
    let bench = bench()
    var program = Principal.named("mcp/bob/7")
    program.user = 7
    try bench.hardware.deny(try ask(bench, as: program), by: "client/ada", why: nil)
    bench.hardware.approvals.forget("mcp/bob/7")
    program.name = "mcp/bob/8"
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("valve", .on, as: program) }
    // So are the bounds.
    let wide = GateBench(
      (0..<6).map { .actuator(DeviceID("v\($0)"), ActuatorSettings(approval: ApprovalSettings(.required))) })
    for number in 0..<4 {
      program.name = "mcp/bob/\(number)"
      _ = try ask(wide, .on, DeviceID("v\(number)"), as: program)
    }
    #expect(throws: HALError.self) { try wide.hardware.controlActuator("v4", .on, as: program) }
  }

  @Test func aTakeOverIsApprovedAsOne() throws {
    let bench = bench()
    var rule = Principal(name: "agent/holder", permissions: .all, mayMakeSafe: true)
    rule.needsNoApproval = true
    try bench.hardware.controlActuator("valve", .level(0.5), as: rule)
    do throws(HALError) {
      try bench.hardware.controlActuator("valve", .on, as: .named("client/bob"), override: true)
      Issue.record("it does not wait")
    } catch {
      guard case .waits(_, let id, _) = error else { throw error }
      #expect(bench.sink.of("approval:waiting").last?["override"] == true)
      _ = try bench.hardware.approve(id, by: "client/ada", user: 1)
    }
    #expect(bench.hardware.device("valve")?.holder == "client/bob" && bench.level("valve") == 1)
  }

  @Test func nobodyIsAskedWhereThatIsNotAllowed() throws {
    let bench = bench()
    let refusal = #expect(throws: HALError.self) {
      try bench.hardware.controlActuator("valve", .on, as: agent, request: ApprovalRequest(mayWait: false))
    }
    #expect(refusal?.description.contains("a person has to approve it") == true)
    #expect(bench.sink.of("approval:waiting").isEmpty)
  }

  @Test(arguments: ["end", "stop"]) func itIsVoid(by cause: String) throws {
    let bench = bench()
    let id = try ask(bench)
    _ = try bench.hardware.approve(try ask(bench, .on, "pump"), by: "client/ada", user: 1, for: .seconds(600))
    if cause == "end" {
      bench.hardware.releaseAll(holder: "agent/watering")
    } else {
      bench.hardware.stopEverything(by: "client/ada")
      try bench.hardware.clearEmergencyStop(by: "client/ada")
    }
    #expect(state(bench, id) == "void" && bench.sink.of("approval:void").count == 1)
    // What it might repeat is over, too.
    _ = try ask(bench, .on, "pump")
  }

  @Test func nobodyApprovesWhatItsOwnUserAsksFor() throws {
    let bench = bench()
    var program = Principal.named("mcp/ada/7")
    program.user = 1
    let id = try ask(bench, as: program)
    #expect(throws: Hardware.ApprovalError.isOwn(id)) { try bench.hardware.approve(id, by: "client/ada", user: 1) }
    #expect(state(bench, id) == "waiting")
    _ = try bench.hardware.approve(id, by: "client/eve", user: 2)
    #expect(bench.level("valve") == 1)
  }

  @Test func asManyWaitAsAPersonCanRead() throws {
    let bench = GateBench(
      (0..<6).map { .actuator(DeviceID("v\($0)"), ActuatorSettings(approval: ApprovalSettings(.required))) })
    for number in 0..<4 { _ = try ask(bench, .on, DeviceID("v\(number)")) }
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("v4", .on, as: agent) }
    for asker in 0..<7 {
      for number in 0..<4 { _ = try ask(bench, .on, DeviceID("v\(number)"), as: .named("agent/a\(asker)")) }
    }
    #expect(bench.hardware.approvals.waiting.count == 32)
    #expect(throws: HALError.self) { try bench.hardware.controlActuator("v5", .on, as: .named("agent/last")) }
  }

  @Test func aKeyAtTheBoardApprovesWhatAloneWaits() throws {
    let bench = bench(input: "key")
    let first = try ask(bench)
    let second = try ask(bench, as: .named("agent/other"))
    func press() throws {
      try bench.backend.inject("key", ["active": true])
      try bench.backend.inject("key", ["active": false])
    }
    bench.wait(1000)
    try press()
    // Which of the two?
    #expect(state(bench, first) == "waiting" && state(bench, second) == "waiting")
    try bench.hardware.deny(second, by: "client/ada", why: nil)
    bench.wait(10_000)
    let third = try ask(bench, .level(0.5))
    #expect(state(bench, first) == "void")
    bench.wait(900)
    try press()
    // Nobody has read that.
    #expect(state(bench, third) == "waiting")
    bench.wait(100)
    try press()
    #expect(state(bench, third) == "approved" && bench.level("valve") == 0.5)
    #expect(bench.sink.of("approval:granted").first?["by"] == "key")
  }

  @Test func whatWaitedBeforeARestartHasExpired() throws {
    let bench = bench()
    let id = try ask(bench)
    let stored = try #require(bench.hardware.approvals.all.last).stored
    let next = self.bench()
    next.hardware.approvals.recall([id: stored])
    #expect(state(next, id) == "expired")
    let event = try #require(next.sink.of("approval:expired").first)
    #expect(
      event["why"] == "restart" && event["approval"] == .string(id.description) && event["asker"] == "agent/watering")
    #expect(throws: Hardware.ApprovalError.notWaiting(id, state: "expired")) {
      try next.hardware.approve(id, by: "client/ada", user: 1)
    }
  }

  @Test func whoWaitsIsToldOnce() throws {
    let bench = bench()
    let id = try ask(bench)
    var told: [String] = []
    bench.hardware.approvals.whenDecided(id) { told.append($0.state.name) }
    try bench.hardware.deny(id, by: "client/ada", why: nil)
    bench.hardware.approvals.whenDecided(id) { told.append("again \($0.state.name)") }
    bench.hardware.approvals.whenDecided(ULID(high: 0, low: 9)) { _ in told.append("never") }
    #expect(told == ["denied", "again denied"])
  }
}
