import Agent
import Model
import Store
import Testing

@testable import Orchestrator

/// Parents and children that are registered, replaced and removed.
@Suite struct FamilyChangeTests {
  private let world = World()

  private func child(_ id: AgentID, of parent: AgentID, _ change: (inout Manifest) -> Void = { _ in }) -> Manifest {
    doer(id) {
      $0.parent = parent
      change(&$0)
    }
  }

  private func start(_ ids: AgentID...) throws {
    for id in ids {
      _ = try world.agents.spawnAgent(id, cause: nil)
      world.wait(.milliseconds(300))
    }
  }

  private func wake(_ id: AgentID, _ type: String, _ payload: Fields = [:]) throws {
    try world.agents.wakeAgent(id, with: world.log.publish(type, from: "client/test", payload))
    world.wait(.milliseconds(300))
  }

  private func parent(_ id: AgentID) throws -> AgentID? { try world.agents.agentStatus(id).parent }

  private func ledger(_ id: AgentID) -> [String] {
    world.registry.changes.compactMap {
      if case .ledger(let entry) = $0, entry.agent == id { entry.reason } else { nil }
    }
  }

  private func ends(_ id: AgentID) -> [String?] {
    world.of("agent:stopped").filter { $0["agent"]?.string == id.rawValue }.map { $0["reason"]?.string }
  }

  // MARK: Budgets

  @Test func aParentThatIsRegisteredAgainLimitsItsChildren() throws {
    let boss = doer("boss") { $0.budget.hardware = Rate(count: 3, per: .seconds(10)) }
    try world.agents.register(boss)
    try world.agents.register(child("child", of: "boss"))
    #expect(try parent("child") == "boss")
    try world.agents.unregister("boss")
    #expect(try parent("child") == nil)
    try world.agents.register(boss)
    #expect(try parent("child") == "boss")
    try wake("child", "do:poll", ["count": 50])
    for id in ["boss", "child"] as [AgentID] {
      let budgets = try world.agents.agentStatus(id).budgets
      #expect(budgets.first { $0.resource == .hardware }?.used == 3, "\(id)")
    }
  }

  @Test func aParentWhoseFirstVersionWasTurnedBackHasItsChildrenLater() throws {
    try world.agents.register(child("child", of: "boss"))
    #expect(try parent("child") == nil, "there is none yet")
    var answer: Result<Void, AgentControlError>?
    world.agents.replace(slowAgent("boss") { $0.runtime.entry = "refused" }, trial: .seconds(1), cause: nil) {
      answer = $0
    }
    world.wait(.seconds(2))
    #expect(answer != nil && !world.agents.isRegistered("boss"))
    try world.agents.register(doer("boss"))
    #expect(try parent("child") == "boss")
  }

  // MARK: Removal

  @Test func childrenThatEndWhileTheirParentIsRemovedSayWhyAndStartAgain() throws {
    try world.agents.register(doer("boss"))
    try world.agents.register(slowAgent("child") { $0.parent = "boss" })
    try start("boss", "child")
    try world.agents.killAgent("boss", now: false, cause: nil) {}
    try world.agents.unregister("boss")
    world.wait(.milliseconds(50))
    #expect(try world.state("child") == .draining)
    world.slow.instances[0].end()
    world.wait(.milliseconds(300))
    #expect(try world.state("child") == .ready && parent("child") == nil)
    #expect(ends("boss") == ["killed"] && ledger("boss") == ["killed"])
    #expect(ends("child") == ["parent.ended"] && ledger("child") == ["parent.ended"])
  }

  @Test func aSiblingThatRestartsHasALineInTheLedger() throws {
    try world.agents.register(doer("boss"))
    for id in ["a", "b"] as [AgentID] {
      try world.agents.register(child(id, of: "boss") { $0.policy.supervision = .oneForAll })
    }
    try start("a", "b")
    try wake("a", "do:fail")
    world.wait(.seconds(1))
    #expect(try world.state("b") == .ready)
    #expect(ledger("a") == ["error"] && ledger("b") == ["sibling.failed"])
  }

  // MARK: Trials

  @Test(arguments: [Policy.Supervision.oneForOne, .oneForAll])
  func aFirstVersionOfAChildThatFailsIsTakenBack(_ supervision: Policy.Supervision) throws {
    try world.adopt(doer("boss"))
    try world.adopt(child("sibling", of: "boss"))
    try start("boss", "sibling")
    var answer: Result<Void, AgentControlError>?
    let new = child("new", of: "boss") { $0.policy.supervision = supervision }
    world.agents.replace(new, trial: .seconds(5), cause: nil) { answer = $0 }
    world.wait(.milliseconds(500))
    #expect(try world.state("new") == .ready && answer == nil)
    try wake("new", "do:fail")
    world.wait(.seconds(1))
    var sentence: String?
    if case .failure(let refusal)? = answer { sentence = refusal.description }
    #expect(
      sentence == "version \(new.version) of agent 'new' failed: failed: on purpose; there was none before, and there "
        + "is none now")
    #expect(!world.agents.isRegistered("new") && world.agents.listAgents().map(\.id) == ["boss", "sibling"])
    #expect(try world.state("boss") == .ready && world.state("sibling") == .ready)
    #expect(ends("boss") == [] && ends("sibling") == (supervision == .oneForAll ? ["sibling.failed"] : []))
  }

  // MARK: Warnings

  @Test func aCycleOfParentsIsSaidToTheOneThatClosesIt() throws {
    try world.agents.register(child("one", of: "two"))
    try world.agents.register(child("two", of: "one"))
    let cycle =
      "'parent' forms a cycle: 'two' → 'one' → 'two'; it is broken, so one of these agents shares no budget"
    #expect(try world.lines("two") == [cycle])
    #expect(try !world.lines("one").contains { $0.hasPrefix("'parent' forms a cycle") })
  }

  @Test func aChildIsToldWhatANewVersionOfItsParentTakesFromIt() throws {
    try world.agents.register(doer("boss"))
    try world.agents.register(child("child", of: "boss"))
    #expect(try world.lines("child").isEmpty)
    try world.agents.register(doer("boss") { $0.permissions.emit = [] })
    #expect(
      try world.lines("child") == ["agent 'child' asks for more than its parent 'boss' has: emitting '*'"])
  }

  // MARK: While others wait

  @Test func aNewVersionWaitsForItsParentLikeTheFormerOne() throws {
    try world.agents.register(doer("boss"))
    try world.agents.register(child("child", of: "boss"))
    try start("boss", "child")
    try world.agents.killAgent("boss", now: false, cause: nil) {}
    world.wait(.milliseconds(300))
    var answer: Result<Void, AgentControlError>?
    let new = child("child", of: "boss") { $0.version = "2.0.0" }
    world.agents.replace(new, trial: .seconds(1), cause: nil) { answer = $0 }
    world.wait(.seconds(2))
    guard case .failure(let refusal)? = answer else {
      Issue.record("a trial under a killed parent")
      return
    }
    #expect(refusal.description.contains("its parent 'boss' has ended"), "\(refusal)")
    #expect(try world.state("child") == .idle)
    // Without a trial it is registered, and waits.
    try world.agents.register(new)
    world.wait(.milliseconds(300))
    #expect(try world.state("child") == .idle)
    try start("boss")
    world.wait(.seconds(1))
    #expect(try world.state("child") == .ready && world.agents.manifest("child").version == "2.0.0")
  }

  @Test func aNewVersionOfAKilledParentLeavesItsChildrenWaiting() throws {
    try world.agents.register(doer("boss"))
    try world.agents.register(child("child", of: "boss") { $0.subscribe = [EventPattern("x:y")] })
    try start("boss", "child")
    try world.agents.killAgent("boss", now: false, cause: nil) {}
    world.wait(.milliseconds(300))
    try world.agents.register(doer("boss") { $0.version = "2.0.0" })
    world.emit("x:y")
    world.wait(.milliseconds(300))
    #expect(try world.state("child") == .idle)
    try start("boss")
    world.wait(.milliseconds(300))
    #expect(try world.state("child") == .ready)
  }

  @Test func aNewVersionOfAnAgentThatWasShedIsHeldBackToo() throws {
    try world.agents.register(doer("a") { $0.runtime.lifecycle = .always })
    try start("a")
    world.agents.shed("a", "the board is short of memory")
    world.wait(.seconds(1))
    try world.agents.register(doer("a") { ($0.runtime.lifecycle, $0.version) = (.always, "2.0.0") })
    try? world.agents.wakeAgent("a", with: world.log.publish("x:y", from: "client/test"))
    world.wait(.seconds(1))
    #expect(try world.state("a") == .idle)
    world.agents.restore("a")
    world.wait(.seconds(1))
    #expect(try world.state("a") == .ready)
  }

  /// An agent whose file is removed before a reload limits nothing any more; one that was registered still does.
  @Test(arguments: [true, false]) func aParentThatCouldNotRunIsForgottenWithItsFile(_ isDeclared: Bool) throws {
    world.agents.leaveOut("boss", "no entry", isDeclared: isDeclared)
    try world.agents.register(child("child", of: "boss") { $0.runtime.lifecycle = .always })
    world.agents.startResident()
    world.wait(.milliseconds(300))
    #expect(try world.state("child") == .idle)
    world.agents.forgetUndeclared(except: ["boss"])
    #expect(world.agents.unusable["boss"] == "no entry")
    world.agents.forgetUndeclared(except: [])
    world.wait(.milliseconds(300))
    #expect(try (world.state("child") == .ready) == isDeclared)
    #expect((world.agents.unusable["boss"] == nil) == isDeclared)
  }

  /// Killed while it waits for its parent, or shed while it waits for its next start.
  @Test(arguments: [true, false]) func siblingsDoNotWaitForOneThatStaysDown(_ isKilled: Bool) throws {
    try world.agents.register(doer("boss"))
    for id in ["a", "b"] as [AgentID] {
      try world.agents.register(
        child(id, of: "boss") {
          $0.policy.supervision = .oneForAll
          ($0.policy.backoff, $0.policy.maxBackoff) = (.seconds(20), .seconds(20))
        })
    }
    try start("boss", "a", "b")
    try wake("b", "do:fail")
    #expect(try world.state("b") == .backoff && world.state("a") == .idle)
    if isKilled {
      try world.agents.killAgent("boss", now: false, cause: nil) {}
      world.wait(.seconds(1))
      try? world.agents.killAgent("b", now: false, cause: nil) {}
      try start("boss")
    } else {
      world.agents.shed("b", "the board is short of memory")
    }
    world.wait(.seconds(1))
    #expect(try world.state("a") == .ready && world.state("b") == .idle)
  }
}
