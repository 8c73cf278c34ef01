import Agent
import Model
import TestKit
import Testing

@testable import Orchestrator

/// Parents and children.
@Suite struct FamilyTests {
  private let world = World()

  private func adopt(
    _ id: AgentID, parent: AgentID? = nil, _ supervision: Policy.Supervision = .oneForOne,
    _ change: (inout Manifest) -> Void = { _ in }
  ) throws {
    try world.adopt(
      doer(id) {
        $0.parent = parent
        $0.policy.supervision = supervision
        $0.policy.backoff = .seconds(2)
        $0.policy.maxBackoff = .seconds(2)
        change(&$0)
      })
  }

  private func start(_ ids: AgentID...) throws {
    for id in ids {
      _ = try world.agents.spawnAgent(id, cause: nil)
      world.wait(.milliseconds(300))
    }
  }

  private func fail(_ id: AgentID) throws {
    let event = world.log.publish("do:fail", from: "client/test")
    try world.agents.wakeAgent(id, with: event)
    world.wait(.milliseconds(100))
  }

  private func states(_ ids: AgentID...) throws -> [LifecycleState] { try ids.map { try world.state($0) } }

  private func kill(_ id: AgentID) throws {
    try world.agents.killAgent(id, now: false, cause: nil) {}
    world.wait(.milliseconds(50))
  }

  // MARK: Strategies

  @Test func aChildThatFailsRestartsAlone() throws {
    try adopt("boss")
    for id in ["a", "b", "c"] as [AgentID] { try adopt(id, parent: "boss") }
    try start("a", "b", "c")
    try fail("b")
    #expect(try states("a", "b", "c") == [.ready, .backoff, .ready])
  }

  @Test func oneForAllRestartsAllChildrenOfTheParent() throws {
    for id in ["boss", "other"] as [AgentID] { try adopt(id) }
    for id in ["a", "b", "c"] as [AgentID] { try adopt(id, parent: "boss", .oneForAll) }
    try adopt("stranger", parent: "other", .oneForAll)
    try adopt("idle", parent: "boss", .oneForAll)
    try start("a", "b", "c", "stranger")
    try fail("b")
    #expect(try states("a", "b", "c", "stranger", "idle") == [.idle, .backoff, .idle, .ready, .idle])
    #expect(try world.agents.agentStatus("a").lastExit == .siblingFailed)
    // Nothing starts them before it.
    let refused = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("a", cause: nil) }
    #expect("\(refused!)".contains("it restarts with 'b', a child of the same parent, which has failed"))
    world.wait(.seconds(3))
    #expect(try states("a", "b", "c", "stranger", "idle") == [.ready, .ready, .ready, .ready, .idle])
    #expect(world.of("agent:started").suffix(3).map { $0["agent"]?.string } == ["b", "a", "c"])
  }

  @Test func restForOneRestartsThoseThatStartedLater() throws {
    try adopt("boss")
    for id in ["a", "b", "c", "d"] as [AgentID] { try adopt(id, parent: "boss", .restForOne) }
    // The order of the starts counts, not that of the names; and the first start, not the last.
    try start("c", "a", "d", "b")
    try fail("c")
    world.wait(.seconds(3))
    try fail("d")
    #expect(try states("a", "b", "c", "d") == [.ready, .idle, .ready, .backoff])
    world.wait(.seconds(3))
    #expect(try states("a", "b", "c", "d") == [.ready, .ready, .ready, .ready])
    try fail("b")
    #expect(try states("a", "b", "c", "d") == [.ready, .backoff, .ready, .ready])
  }

  /// The beginning of a start counts, and not how long the start takes.
  @Test func restForOneFollowsTheOrderInWhichStartsBegan() throws {
    try adopt("boss")
    world.slow.holdsStarts = true
    try world.adopt(
      slowAgent("first") {
        $0.parent = "boss"
        $0.policy.supervision = .restForOne
      })
    try adopt("second", parent: "boss", .restForOne)
    try start("first", "second")
    #expect(try states("first", "second") == [.starting, .ready])
    world.slow.finishStarts()
    world.wait(.milliseconds(300))
    try fail("second")
    #expect(try states("first", "second") == [.ready, .backoff])
    world.wait(.seconds(3))
    try fail("first")
    world.slow.instances[0].finish(.failure(AgentFailure(.error, "on purpose")))
    world.slow.instances[0].end()
    world.wait(.milliseconds(50))
    #expect(try states("first", "second") == [.backoff, .idle])
  }

  @Test func thoseThatWaitForAQuarantinedChildStartWhenItIsReleased() throws {
    try adopt("boss")
    try adopt("a", parent: "boss", .oneForAll) { $0.policy.maxRestarts = 0 }
    try adopt("b", parent: "boss", .oneForAll)
    try start("a", "b")
    try fail("a")
    world.wait(.seconds(60))
    #expect(try states("a", "b") == [.quarantined, .idle])
    try world.agents.restartAgent("a", cause: nil)
    world.wait(.seconds(1))
    #expect(try states("a", "b") == [.ready, .ready])
  }

  @Test func thoseThatWaitForAKilledOrRemovedChildWaitNoLonger() throws {
    try adopt("boss")
    for id in ["a", "b"] as [AgentID] { try adopt(id, parent: "boss", .oneForAll) }
    try start("a", "b")
    try fail("a")
    #expect(try states("a", "b") == [.backoff, .idle])
    try kill("a")
    #expect(try states("a", "b") == [.idle, .ready])
    try start("a")
    try fail("a")
    #expect(try states("a", "b") == [.backoff, .idle])
    try kill("a")
    try world.agents.unregister("a")
    #expect(try states("b") == [.ready])
  }

  @Test func aSiblingThatIsStillEndingStartsAfterwards() throws {
    try adopt("boss")
    try adopt("a", parent: "boss", .oneForAll)
    try world.adopt(slowAgent("slow") { $0.parent = "boss" })
    try start("a", "slow")
    try fail("a")
    world.wait(.seconds(3))
    #expect(try states("a", "slow") == [.ready, .draining])
    world.slow.instances[0].end()
    world.wait(.seconds(1))
    #expect(try states("a", "slow") == [.ready, .ready])
    #expect(world.slow.instances.count == 2)
  }

  @Test func twoThatFailTogetherBothComeBack() throws {
    try adopt("boss")
    for id in ["a", "b"] as [AgentID] {
      try world.adopt(
        slowAgent(id) {
          $0.parent = "boss"
          $0.policy.supervision = .oneForAll
        })
      try world.agents.wakeAgent(id, with: world.log.publish("x:y", from: "client/test"))
    }
    world.wait(.seconds(1))
    let instances = world.slow.instances
    for instance in instances { instance.finish(.failure(AgentFailure(.error, "on purpose"))) }
    world.settle()
    for instance in instances { instance.end() }
    world.wait(.seconds(20))
    #expect(try states("a", "b") == [.ready, .ready])
  }

  /// Each waits for the one because of which it has ended, and that one for another.
  @Test func aFailureDuringARestartMovesOn() throws {
    try adopt("boss")
    for id in ["a", "b", "c"] as [AgentID] { try adopt(id, parent: "boss", .restForOne) }
    try start("a", "b", "c")
    try fail("b")
    #expect(try states("a", "b", "c") == [.ready, .backoff, .idle])
    try fail("a")
    #expect(try states("a", "b", "c") == [.backoff, .idle, .idle])
    world.wait(.seconds(6))
    #expect(try states("a", "b", "c") == [.ready, .ready, .ready])
    #expect(world.of("agent:started").suffix(3).map { $0["agent"]?.string } == ["a", "b", "c"])
  }

  @Test func aQuarantinedSiblingThatIsDisabledHoldsNobodyUp() throws {
    try adopt("boss")
    try adopt("a", parent: "boss", .oneForAll) { $0.policy.maxRestarts = 0 }
    try adopt("b", parent: "boss", .oneForAll)
    try start("a", "b")
    try fail("a")
    #expect(try states("a", "b") == [.quarantined, .idle])
    try world.agents.setEnabled("a", false, cause: nil)
    world.wait(.seconds(1))
    #expect(try states("b") == [.ready])
  }

  @Test func superviseOverridesTheManifest() throws {
    try adopt("boss")
    for id in ["a", "b"] as [AgentID] { try adopt(id, parent: "boss") }
    try world.agents.supervise("a", .oneForAll, maxRestarts: 1)
    try start("a", "b")
    try fail("a")
    #expect(try states("a", "b") == [.backoff, .idle])
    world.wait(.seconds(3))
    try fail("a")
    #expect(try states("a", "b") == [.quarantined, .idle], "one restart was allowed")
    let refused = refusal { () throws(AgentControlError) in
      try world.agents.supervise("boss", .oneForAll, maxRestarts: nil)
    }
    #expect(refused == .noParent("boss"))
    #expect("\(refused!)" == "agent 'boss' has no parent, whose other children could restart with it")
  }

  // MARK: Parents

  @Test func childrenEndWithTheirParentAndStartAgainWithIt() throws {
    try adopt("boss")
    try adopt("child", parent: "boss")
    try adopt("grandchild", parent: "child")
    try adopt("idle", parent: "boss")
    try start("boss", "child", "grandchild")
    try kill("boss")
    #expect(try states("boss", "child", "grandchild", "idle") == [.idle, .idle, .idle, .idle])
    #expect(try world.agents.agentStatus("grandchild").lastExit == .parentEnded)
    try start("boss")
    #expect(try states("boss", "child", "grandchild", "idle") == [.ready, .ready, .ready, .idle])
  }

  @Test func aKilledParentKeepsItsChildrenFromRunning() throws {
    try adopt("boss")
    try adopt("child", parent: "boss") { $0.subscribe = [EventPattern("x:y")] }
    try adopt("rest", parent: "boss")
    try start("boss", "child")
    try kill("boss")
    world.emit("x:y")
    let refused = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("rest", cause: nil) }
    #expect(
      refused == .cannotRun("rest", "its parent 'boss' has ended, and runs with its children when it is started"))
    #expect(try states("boss", "child", "rest") == [.idle, .idle, .idle])
    // One that somebody kills meanwhile does not come back.
    try kill("child")
    try start("boss")
    #expect(try states("boss", "child", "rest") == [.ready, .idle, .idle])
  }

  /// Before its parent or after it, and while it is still ending.
  @Test(arguments: [["child", "boss"], ["boss", "child"]] as [[AgentID]])
  func aChildThatWasKilledDoesNotComeBackWithItsParent(_ order: [AgentID]) throws {
    try adopt("boss")
    try world.adopt(slowAgent("child") { $0.parent = "boss" })
    try start("boss", "child")
    for id in order { try kill(id) }
    #expect(try states("boss", "child") == [.idle, .draining])
    world.slow.instances[0].end()
    #expect(try world.agents.agentStatus("child").lastExit == .killed)
    try start("boss")
    #expect(try states("boss", "child") == [.ready, .idle])
  }

  @Test func childrenOfAKilledParentRunWhenItIsRemoved() throws {
    try adopt("boss")
    try adopt("child", parent: "boss")
    try start("boss", "child")
    try kill("boss")
    #expect(try states("child") == [.idle])
    try world.agents.unregister("boss")
    world.wait(.milliseconds(300))
    #expect(try states("child") == [.ready])
  }

  /// A parent that runs only now and then is disabled while it does not run.
  @Test func childrenOfAnIdleParentWaitWhileItIsDisabled() throws {
    try adopt("boss")
    try adopt("child", parent: "boss")
    try start("child")
    try world.agents.setEnabled("boss", false, cause: nil)
    world.wait(.milliseconds(50))
    #expect(try states("boss", "child") == [.idle, .idle])
    try world.agents.setEnabled("boss", true, cause: nil)
    world.wait(.milliseconds(300))
    #expect(try states("boss", "child") == [.idle, .ready])
  }

  @Test func childrenGoOnWhenTheirParentRestartsByItself() throws {
    try adopt("boss")
    try adopt("child", parent: "boss")
    try start("boss", "child")
    try fail("boss")
    #expect(try states("boss", "child") == [.backoff, .ready])
  }

  @Test func childrenOfADisabledOrQuarantinedParentDoNotRun() throws {
    try adopt("boss") { $0.policy.maxRestarts = 0 }
    try adopt("child", parent: "boss") { $0.runtime.lifecycle = .always }
    world.agents.startResident()
    world.wait(.milliseconds(300))
    #expect(try states("boss", "child") == [.idle, .ready])
    try world.agents.setEnabled("boss", false, cause: nil)
    world.wait(.milliseconds(50))
    #expect(try states("child") == [.idle])
    world.agents.startResident()
    let refused = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("child", cause: nil) }
    #expect(refused == .cannotRun("child", "its parent 'boss' is disabled"))
    try world.agents.setEnabled("boss", true, cause: nil)
    world.wait(.milliseconds(300))
    #expect(try states("child") == [.ready], "it is of lifecycle 'always'")
    try start("boss")
    try fail("boss")
    #expect(try states("boss", "child") == [.quarantined, .idle])
    try world.agents.restartAgent("boss", cause: nil)
    world.wait(.milliseconds(300))
    #expect(try states("boss", "child") == [.ready, .ready])
  }

  /// Also those that wait for a failed sibling end with their parent, and start again with it.
  @Test func nobodyRunsUnderAParentThatWasKilledWhileSiblingsWaited() throws {
    try adopt("boss")
    for id in ["a", "b"] as [AgentID] { try adopt(id, parent: "boss", .oneForAll) }
    try adopt("below", parent: "a")
    try start("boss", "a", "b", "below")
    try fail("b")
    #expect(try states("a", "b", "below") == [.idle, .backoff, .idle])
    try kill("boss")
    world.wait(.seconds(10))
    #expect(try states("boss", "a", "b", "below") == [.idle, .idle, .idle, .idle])
    try start("boss")
    world.wait(.seconds(1))
    #expect(try states("boss", "a", "b", "below") == [.ready, .ready, .ready, .ready])
  }

  /// A disabled agent keeps all below it from running, also after a restart of the daemon.
  @Test func everybodyBelowADisabledAgentWaitsForIt() throws {
    world.agents.recallDisabled(["top"])
    for (id, parent) in [("top", nil), ("middle", "top"), ("low", "middle")] as [(AgentID, AgentID?)] {
      try adopt(id, parent: parent) { $0.runtime.lifecycle = .always }
    }
    world.agents.startResident()
    world.wait(.milliseconds(300))
    #expect(try states("top", "middle", "low") == [.idle, .idle, .idle])
    let refused = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("low", cause: nil) }
    #expect(refused == .cannotRun("low", "'top', a parent of its parent, is disabled"))
    try world.agents.setEnabled("top", true, cause: nil)
    world.wait(.milliseconds(300))
    #expect(try states("top", "middle", "low") == [.ready, .ready, .ready])
  }

  @Test func aParentThatIsEndingStartsNoChildren() throws {
    try world.adopt(slowAgent("boss"))
    try adopt("child", parent: "boss")
    try start("boss")
    try world.agents.killAgent("boss", now: false, cause: nil) {}
    world.settle()
    let refused = refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("child", cause: nil) }
    #expect(refused == .parentDraining("child", parent: "boss"))
  }

  // MARK: The permission lattice

  @Test func aChildThatAsksForMoreIsNotRegistered() throws {
    try adopt("boss") { $0.permissions.actuators = [EventPattern("fan")] }
    let child = doer("child") { $0.parent = "boss" }
    let refused = refusal { () throws(AgentControlError) in try world.agents.register(child) }
    #expect(
      "\(refused!)" == "agent 'child' asks for more than its parent 'boss' has: actuator '*'")
    #expect(!world.agents.isRegistered("child"))
  }

  /// A parent may be registered after its child, and again with fewer permissions.
  @Test func aChildThatHasMoreThanItsParentDoesNotRunUntilThatChanges() throws {
    try adopt("child", parent: "boss") { $0.runtime.lifecycle = .always }
    world.agents.startResident()
    world.wait(.milliseconds(300))
    #expect(try states("child") == [.ready])
    try adopt("boss") { $0.permissions.emit = [] }
    world.wait(.milliseconds(50))
    #expect(try states("child") == [.idle])
    let wake = refusal { () throws(AgentControlError) in try world.agents.checkWake("child") }
    #expect(wake == .cannotRun("child", "it asks for more than its parent 'boss' has: emitting '*'"))
    try world.load(rule("r", on: [EventPattern("x:y")], .wake("child")))
    #expect(world.rules.listRules().first?.lastError?.contains("asks for more than its parent") ?? false)
    try adopt("boss")
    world.wait(.milliseconds(300))
    #expect(try states("child") == [.ready])
  }

  @Test func withoutItsParentAChildIsFree() throws {
    try adopt("boss") { $0.permissions.emit = [] }
    try adopt("child", parent: "boss") { $0.runtime.lifecycle = .always }
    world.agents.startResident()
    #expect(try states("child") == [.idle])
    try world.agents.unregister("boss")
    world.wait(.milliseconds(300))
    #expect(try states("child") == [.ready])
  }

  @Test func aCycleOfParentsEndsNothing() throws {
    try adopt("a", parent: "b")
    try adopt("b", parent: "a")
    try start("a", "b")
    #expect(try states("a", "b") == [.ready, .ready])
    try kill("a")
    #expect(try states("a", "b") == [.idle, .idle])
    try start("a")
    #expect(try states("a") == [.ready])
  }
}
