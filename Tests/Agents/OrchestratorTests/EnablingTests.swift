import Agent
import Linux
import Model
import Rules
import TestKit
import Testing

@testable import Orchestrator

@Suite struct EnablingTests {
  private let world = World()

  private func setEnabled(_ id: AgentID, _ isEnabled: Bool) throws {
    try world.agents.setEnabled(id, isEnabled, cause: nil)
    world.wait(.milliseconds(20))
  }

  private func wake(_ id: AgentID) -> AgentControlError? {
    let event = world.log.publish("do:on", from: "client/test")
    let refused = refusal { () throws(AgentControlError) in try world.agents.wakeAgent(id, with: event) }
    world.settle()
    return refused
  }

  @Test func aDisabledAgentEndsAndNothingStartsIt() throws {
    try world.adopt(
      doer("climate") {
        $0.runtime.lifecycle = .always
        $0.subscribe = [EventPattern("x:*")]
      })
    world.agents.startResident()
    world.emit("do:nothing")
    #expect(try world.state("climate") == .ready)
    try setEnabled("climate", false)
    #expect(try world.state("climate") == .idle && !world.agents.agentStatus("climate").isEnabled)
    #expect(world.of("agent:disabled").count == 1 && world.of("agent:stopped").count == 1)
    world.agents.startResident()
    world.emit("x:y")
    #expect(wake("climate") == .disabled("climate"))
    let spawn = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("climate", cause: nil) }
    #expect(spawn == .disabled("climate"))
    let restart = refusal { () throws(AgentControlError) in try world.agents.restartAgent("climate", cause: nil) }
    #expect(restart == .disabled("climate"))
    let status = try world.agents.agentStatus("climate")
    #expect(status.state == .idle && status.dropped == 0, "what it does not get while disabled is not lost")
    // Twice is once.
    try setEnabled("climate", false)
    #expect(world.of("agent:disabled").count == 1)
    try setEnabled("climate", true)
    #expect(try world.state("climate") == .ready, "an agent of lifecycle 'always' starts")
    #expect(world.of("agent:enabled").count == 1)
    let kept = world.registry.changes.compactMap { change in
      if case .enabled(let id, let isEnabled) = change { "\(id) \(isEnabled)" } else { nil }
    }
    #expect(kept == ["climate false", "climate true"])
  }

  @Test func aDisabledAgentIsToldTheLevelsThatItMissed() throws {
    try world.adopt(doer("climate") { $0.subscribe = [EventPattern("sensor:temperature")] })
    world.wait(.seconds(2))
    let before = try world.agents.agentStatus("climate").activations
    #expect(before > 0)
    try setEnabled("climate", false)
    try world.backend.inject("temperature", ["value": 31])
    world.wait(.seconds(2))
    #expect(try world.agents.agentStatus("climate").activations == before)
    try setEnabled("climate", true)
    #expect(try world.agents.agentStatus("climate").activations > before)
  }

  @Test func aRuleWaitsForADisabledAgentAndStillMakesOutputsSafe() throws {
    try world.adopt(doer("climate"))
    try world.load(
      rule("cool", on: [EventPattern("x:on")], .wake("climate"), .actuate("fan", .on, lease: nil)),
      rule("stop", on: [EventPattern("x:off")], .wake("climate"), .actuate("lamp", .off, lease: nil)))
    try setEnabled("climate", false)
    func verdicts(_ type: String) -> [RuleVerdict] {
      world.rules.testRules(Event(id: ULID(high: 1, low: 1), type: type))
    }
    #expect(verdicts("x:on").map(\.fires) == [false])
    #expect(
      verdicts("x:off").map(\.reason) == [
        "no condition; it waits for agent 'climate', which is disabled, so only its actions that make outputs safe are "
          + "carried out"
      ])
    world.emit("x:on")
    world.emit("x:off")
    #expect(world.level("fan") != 1, "a rule that waits has moved an output")
    #expect(world.of("rule:fired").map(\.source) == ["rule/stop"])
    #expect(
      world.rules.listRules().map(\.lastError)
        == Array(
          repeating: "it waits for agent 'climate', which is disabled", count: 2))
    try setEnabled("climate", true)
    world.emit("x:on")
    #expect(world.level("fan") == 1)
  }

  @Test func itStaysDisabledThroughReplacementAndRemoval() throws {
    try world.adopt(doer("climate") { $0.runtime.lifecycle = .always })
    try setEnabled("climate", false)
    var outcomes: [AgentControlError?] = []
    func note(_ result: Result<Void, AgentControlError>) {
      if case .failure(let error) = result { outcomes.append(error) } else { outcomes.append(nil) }
    }
    let newer = doer("climate") { $0.version = "2.0.0" }
    world.agents.replace(newer, trial: .seconds(1), cause: nil, note)
    world.agents.replace(newer, cause: nil, note)
    world.wait(.seconds(2))
    #expect(outcomes == [.disabled("climate"), nil])
    #expect(try world.agents.manifest("climate").version == "2.0.0" && world.state("climate") == .idle)
    #expect(try !world.agents.agentStatus("climate").isEnabled)
    try world.agents.unregister("climate")
    try world.adopt(doer("climate"))
    #expect(try !world.agents.agentStatus("climate").isEnabled, "only 'enable' ends it")
    try setEnabled("climate", true)
    #expect(try world.agents.agentStatus("climate").isEnabled)
  }

  @Test func anAgentThatIsStillEndingStartsWhenItIsEnabled() throws {
    try world.adopt(slowAgent("climate") { $0.runtime.lifecycle = .always })
    world.agents.startResident()
    world.settle()
    try world.agents.wakeAgent("climate", with: world.log.publish("x:y", from: "client/test"))
    world.settle()
    try setEnabled("climate", false)
    #expect(try world.state("climate") == .draining)
    try setEnabled("climate", true)
    #expect(try world.state("climate") == .draining)
    world.slow.instances[0].finish()
    world.slow.instances[0].end()
    world.wait(.milliseconds(20))
    #expect(try world.state("climate") == .ready)
  }

  @Test func oneThatIsNotRegisteredCanBeDisabledInSafeModeOrWhenItCannotRun() throws {
    func refused(_ id: AgentID) -> AgentControlError? {
      refusal { () throws(AgentControlError) in try world.agents.setEnabled(id, false, cause: nil) }
    }
    #expect(refused("climate") == .notFound("climate", suggestion: nil))
    world.agents.leaveOut("broken", "no entry", isDeclared: true)
    #expect(refused("broken") == nil)
    world.agents.isPartial = true
    #expect(refused("climate") == nil && refused("not an id") != nil)
    world.agents.isPartial = false
    try world.adopt(doer("climate"))
    #expect(try !world.agents.agentStatus("climate").isEnabled)
  }

  @Test func aWakeThatWouldBeRefusedIsKnownBefore() throws {
    try world.adopt(doer("climate"))
    func check(_ id: AgentID) -> AgentControlError? {
      refusal { () throws(AgentControlError) in try world.agents.checkWake(id) }
    }
    #expect(check("climate") == nil && check("nobody") == .notFound("nobody", suggestion: nil))
    try setEnabled("climate", false)
    #expect(check("climate") == .disabled("climate"))
    #expect(try world.agents.agentStatus("climate").dropped == 0)
  }

  @Test func anAgentOfLifecycleAlwaysStartsWhenItIsNew() throws {
    let always = doer("climate") { $0.runtime.lifecycle = .always }
    world.agents.replace(always, cause: nil) { _ in }
    world.settle()
    #expect(try world.state("climate") == .ready)
    // One that somebody has killed is only replaced.
    try world.agents.killAgent("climate", now: true, cause: nil) {}
    world.settle()
    world.agents.replace(always, cause: nil) { _ in }
    world.settle()
    #expect(try world.state("climate") == .idle)
  }

  @Test func oneThatIsStillStartingIsRestarted() throws {
    world.slow.holdsStarts = true
    try world.adopt(slowAgent("climate"))
    _ = try world.agents.spawnAgent("climate", cause: nil)
    #expect(try world.state("climate") == .starting)
    try world.agents.restartAgent("climate", cause: nil)
    world.settle()
    #expect(try world.state("climate") == .starting && world.slow.starts.count == 1, "the first start is given up")
    world.slow.finishStarts()
    world.wait(.seconds(1))
    #expect(try world.state("climate") == .ready && world.slow.instances.map(\.stops) == [[]])
  }

  @Test func thousandsOfWaitingRulesCrowdOutNoEvent() throws {
    let rules = (0..<5000).map { rule(RuleID("r\($0)"), on: [EventPattern("x:y")], .wake("nobody")) }
    try world.rules.enforce(RuleSet(compiling: rules))
    world.settle()
    #expect(world.of("rule:waiting").count == 101 && world.log.shed == 0)
    #expect(
      world.of("rule:waiting").last?["message"]?.string?.hasSuffix(", and 4899 other rules wait for agents, too")
        == true)
  }

  @Test func aFullRegistryChangesNothing() throws {
    try world.adopt(doer("climate") { $0.runtime.lifecycle = .always })
    world.agents.startResident()
    world.settle()
    world.registry.isFull = true
    let refused = refusal { () throws(AgentControlError) in
      try world.agents.setEnabled("climate", false, cause: nil)
    }
    #expect(refused == .storage("no room"))
    #expect(try world.state("climate") == .ready && world.agents.agentStatus("climate").isEnabled)
  }

  @Test func theNextDaemonKnowsWhoIsDisabled() throws {
    let folder = try TemporaryFolder()
    func live(_ body: (StoredRegistryTests.Life, AgentSupervisor) throws -> Void) throws -> Set<AgentID> {
      let life = try StoredRegistryTests.Life(folder.path)
      let kept = life.registry.open(timeout: .seconds(20))
      let agents = life.supervisor()
      agents.recallDisabled(kept.disabled)
      try agents.adopt(doer("climate"), state: [:])
      try agents.adopt(doer("other"), state: [:])
      try body(life, agents)
      life.close()
      return kept.disabled
    }
    #expect(try live { _, agents in try agents.setEnabled("climate", false, cause: nil) } == [])
    let second = try live { _, agents in
      #expect(try !agents.agentStatus("climate").isEnabled && agents.agentStatus("other").isEnabled)
      try agents.setEnabled("other", false, cause: nil)
      try agents.setEnabled("climate", true, cause: nil)
    }
    #expect(second == ["climate"])
    #expect(try live { _, agents in try agents.unregister("other") } == ["other"])
    #expect(try live { _, agents in try agents.setEnabled("other", true, cause: nil) } == ["other"])
    #expect(try live { _, _ in } == [])
  }

  @Test func aLateRegistryEndsWhatRunsMeanwhile() throws {
    try world.adopt(doer("climate") { $0.runtime.lifecycle = .always })
    world.agents.startResident()
    world.settle()
    world.agents.recallDisabled(["climate", "unknown"])
    world.wait(.milliseconds(20))
    #expect(try world.state("climate") == .idle && !world.agents.agentStatus("climate").isEnabled)
  }
}
