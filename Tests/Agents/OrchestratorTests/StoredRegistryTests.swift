import Agent
import AgentInProcess
import EventLoop
import HAL
import HALSimulated
import HALTestKit
import Linux
import Model
import OpenStarryAgent
import Rules
import TestKit
import Testing

@testable import Orchestrator

@Suite struct StoredRegistryTests {
  /// A registry in a folder, with the loop and the log it works with.
  final class Life {
    let loop: EventLoop
    let sink: RecordingSink
    let registry: StoredRegistry

    init(_ folder: String, boot: String = "") throws {
      loop = try EventLoop()
      sink = RecordingSink(clock: loop)
      registry = StoredRegistry(folder: folder, loop: loop, events: sink, boot: boot)
    }

    /// Turns the loop until `isDone`.
    func run(within limit: Duration = .seconds(20), until isDone: () -> Bool) -> Bool {
      let deadline = loop.now + limit
      let alarm = loop.schedule(at: deadline) {}
      defer { loop.cancel(alarm) }
      while !isDone() && loop.now < deadline { loop.turn(wait: true) }
      return isDone()
    }

    func flush() -> Result<Void, RegistryFailure>? {
      var result: Result<Void, RegistryFailure>?
      registry.flush { result = $0 }
      _ = run { result != nil }
      return result
    }

    func close() {
      var isClosed = false
      registry.close { isClosed = true }
      #expect(run { isClosed })
    }

    func supervisor() -> AgentSupervisor {
      let board = Board(name: "none", backend: .simulated, devices: [])
      let hardware = Hardware(
        board: board, backend: SimulatedBackend(board: board, clock: loop, seed: 1), clock: loop, events: sink)
      return AgentSupervisor(
        clock: loop, events: sink, hardware: hardware, files: NoFiles(), registry: registry,
        drivers: [InProcessDriver(types: [AgentType("doer", Doer.self)])], logLines: 10)
    }
  }

  private func manifest(_ id: AgentID) -> Manifest {
    doer(id) {
      $0.document = ["identity": ["id": .string(id.rawValue)]]
      $0.file = "/agents/\(id).json"
    }
  }

  @Test func whatAgentsKeepIsThereAfterARestart() throws {
    let folder = try TemporaryFolder()
    for count in 1...3 {
      let life = try Life(folder.path)
      let kept = life.registry.open(timeout: .seconds(120))
      #expect(kept.notices == [])
      #expect(kept.agents.map(\.id) == (count == 1 ? [] : ["a"]))
      #expect(kept.agents.first?.file ?? "/agents/a.json" == "/agents/a.json")
      #expect(kept.states["a"] ?? [:] == (count == 1 ? [:] : ["kept": .int(Int64(count - 1))]))
      let agents = life.supervisor()
      if count == 1 {
        try agents.register(manifest("a"))
      } else {
        try agents.adopt(manifest("a"), state: kept.states["a"] ?? [:])
      }
      try agents.wakeAgent("a", with: life.sink.publish("do:keep", from: "test"))
      life.close()
    }
  }

  @Test func cooldownsOfRulesAreThereAfterARestart() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (RuleCooldown(began: 1000, fingerprint: 7), RuleCooldown(began: 2000, fingerprint: 8))
    let life = try Life(folder.path)
    #expect(life.registry.open(timeout: .seconds(120)).cooldowns.isEmpty)
    // The newest of a rule counts, and one that was taken back does not.
    try life.registry.keep([.cooldown("mail", first), .cooldown("rules.yaml:7", first), .cooldown("gone", first)])
    try life.registry.keep([.cooldown("mail", second), .cooldown("gone", nil)])
    life.close()
    let next = try Life(folder.path)
    #expect(next.registry.open(timeout: .seconds(120)).cooldowns == ["mail": second, "rules.yaml:7": first])
    next.close()
  }

  @Test func countsOfInputsAreThereAfterARestart() throws {
    let folder = try TemporaryFolder()
    let life = try Life(folder.path)
    #expect(life.registry.open(timeout: .seconds(120)).counts == [:])
    life.registry.keep(["water": 100, "rain.gauge": 7])
    life.registry.keep(["water": .max])
    life.close()
    let next = try Life(folder.path)
    #expect(next.registry.open(timeout: .seconds(120)).counts == ["water": .max, "rain.gauge": 7])
    next.close()
    // What is not known must not be replaced.
    let late = try Life(folder.path)
    #expect(late.registry.open(timeout: .zero).counts == nil)
    late.close()
  }

  @Test func whatCouldNotBeReadInTimeIsNotReplacedAndComesLater() throws {
    let folder = try TemporaryFolder()
    let life = try Life(folder.path)
    _ = life.registry.open(timeout: .seconds(120))
    try life.registry.keep([.agent(manifest("a")), .state("a", key: "kept", 41), .state("b", key: "kept", 5)])
    life.close()

    let next = try Life(folder.path)
    var late: StoredRegistry.Contents?
    next.registry.onLate = { late = $0 }
    #expect(next.registry.open(timeout: .zero).notices.count == 1)
    let agents = next.supervisor()
    try agents.adopt(manifest("b"), state: [:])
    // It would begin at one again, and replace what it had.
    try agents.wakeAgent("b", with: next.sink.publish("do:keep", from: "test"))
    #expect(agents.durableState("b") == [:])
    #expect(try agents.agentStatus("b").refusals == 1)
    try next.registry.keep([.agent(manifest("c"))])
    #expect(next.run { late != nil })
    #expect(late?.agents.map(\.id).contains("a") == true)
    agents.restore(late?.states ?? [:])
    #expect(agents.durableState("b") == ["kept": 5])
    try next.registry.keep([.state("b", key: "kept", 6)])
    next.close()
    let last = try Life(folder.path)
    let kept = last.registry.open(timeout: .seconds(120))
    #expect(kept.states == ["a": ["kept": 41], "b": ["kept": 6]])
    #expect(kept.agents.map(\.id) == ["a", "c"])
    last.close()
  }

  @Test func whatIsUnregisteredIsGoneWithItsValues() throws {
    let folder = try TemporaryFolder()
    let life = try Life(folder.path)
    _ = life.registry.open(timeout: .seconds(120))
    let agents = life.supervisor()
    for id: AgentID in ["a", "b"] {
      try agents.register(manifest(id))
      try agents.wakeAgent(id, with: life.sink.publish("do:keep", from: "test"))
      try agents.killAgent(id, now: false, cause: nil) {}
    }
    try agents.unregister("a")
    life.close()
    let next = try Life(folder.path)
    let kept = next.registry.open(timeout: .seconds(120))
    #expect(kept.agents.map(\.id) == ["b"])
    #expect(kept.states == ["b": ["kept": 1]])
    next.close()
  }

  @Test func oneValueThatCannotBeKeptDoesNotHoldUpTheOthers() throws {
    let folder = try TemporaryFolder()
    let life = try Life(folder.path)
    _ = life.registry.open(timeout: .seconds(120))
    try life.registry.keep([.state("a", key: "good", 1)])
    let huge = Value.string(String(repeating: "x", count: 10 << 20))
    #expect(throws: RegistryFailure.self) { try life.registry.keep([.state("a", key: "bad", huge)]) }
    #expect(throws: RegistryFailure.self) { try life.registry.keep([.state("a", key: "nul\0", 1)]) }
    try life.registry.keep([.state("a", key: "later", 2)])
    guard case .success? = life.flush() else {
      Issue.record("the good values were not written")
      return
    }
    #expect(life.sink.of("system:storage_failed").isEmpty)
    life.close()
    let next = try Life(folder.path)
    #expect(next.registry.open(timeout: .seconds(120)).states == ["a": ["good": 1, "later": 2]])
    next.close()
  }

  @Test func whereNothingCanBeWrittenItSaysSoGoesOnAndCatchesUp() throws {
    let folder = try TemporaryFolder()
    let home = "\(folder.path)/home"
    // A file stands where the folder should be.
    try Files.replace(home, with: [])
    let life = try Life(home)
    let kept = life.registry.open(timeout: .seconds(120))
    #expect(kept.notices.count == 1 && kept.notices.first?.contains(home) == true)
    try life.registry.keep([.state("a", key: "k", 1)])
    guard case .failure(let failure)? = life.flush() else {
      Issue.record("nothing failed")
      return
    }
    #expect(failure.message.contains(home))
    // Said once, however often it fails.
    guard case .failure? = life.flush() else {
      Issue.record("nothing failed the second time")
      return
    }
    #expect(life.sink.of("system:storage_failed").count == 1)
    #expect(life.sink.of("system:storage_failed").first?["waiting"] == 1)
    // It holds so much and no more.
    #expect(throws: RegistryFailure.self) {
      for number in 0...StoredRegistry.waitingLimit {
        try life.registry.keep([.state("a", key: "n\(number)", .int(Int64(number)))])
      }
    }
    #expect(Files.remove(home))
    guard case .success? = life.flush() else {
      Issue.record("it did not catch up")
      return
    }
    #expect(life.sink.of("system:storage_recovered").count == 1)
    life.close()
    let next = try Life(home)
    let state = next.registry.open(timeout: .seconds(120)).states["a"]
    #expect(state?["k"] == 1 && state?["n\(StoredRegistry.waitingLimit - 2)"] != nil)
    next.close()
  }

  @Test func closingDoesNotWaitForADiskThatFails() throws {
    let folder = try TemporaryFolder()
    let home = "\(folder.path)/home"
    try Files.replace(home, with: [])
    let life = try Life(home)
    _ = life.registry.open(timeout: .seconds(120))
    try life.registry.keep([.state("a", key: "k", 1)])
    let start = life.loop.now
    // The second one comes while the first is at work.
    life.registry.flush { _ in }
    life.loop.turn(wait: false)
    life.close()
    #expect(life.loop.now - start < .seconds(1.9))
  }

  @Test func aValueThatIsReplacedBeforeItIsWrittenTakesNoRoom() throws {
    let folder = try TemporaryFolder()
    let life = try Life(folder.path)
    try life.registry.keep([.agent(manifest("a"))])
    for round in 0..<StoredRegistry.waitingLimit * 2 {
      try life.registry.keep([.state("a", key: "count", .int(Int64(round)))])
    }
    guard case .success = life.flush() else {
      Issue.record("not written")
      return
    }
    life.close()
    let again = try Life(folder.path)
    #expect(again.registry.open(timeout: .seconds(10)).states["a"]?["count"]?.int == 19_999)
    again.close()
  }
}
