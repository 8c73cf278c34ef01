import Agent
import Model
import Store
import Testing
import Watchdog

@testable import Orchestrator

@Suite struct BudgetTests {
  private let world = World()

  private func adopt(
    _ id: AgentID, _ budget: Budget, in world: World? = nil, _ change: (inout Manifest) -> Void = { _ in }
  ) throws {
    try (world ?? self.world).adopt(
      doer(id) {
        $0.budget = budget
        $0.permissions = Permissions(emit: [EventPattern("x:*")], paths: ["/compute"])
        change(&$0)
      })
  }

  private func wake(_ id: AgentID, _ type: String, _ payload: Fields = [:], in world: World? = nil) {
    let world = world ?? self.world
    let event = world.log.publish(type, from: "client/test", payload)
    try? world.agents.wakeAgent(id, with: event)
    world.settle()
  }

  private func compute(_ id: AgentID, _ milliseconds: Int64, in world: World? = nil) {
    wake(id, "do:compute", ["ms": .int(milliseconds)], in: world)
  }

  private func rest(_ duration: Duration, in world: World? = nil) {
    (world ?? self.world).clock.advance(by: duration)
    (world ?? self.world).settle()
  }

  /// `cpu warning`, in order.
  private func steps(_ agent: AgentID? = nil, in world: World? = nil) -> [String] {
    (world ?? self.world).events.filter { event in
      event.type.hasPrefix("budget:") && (agent == nil || event["agent"]?.string == agent?.rawValue)
    }.map { "\($0["budget"]?.string ?? "-") \($0.type.dropFirst(7))" }
  }

  private func status(_ id: AgentID, _ resource: Resource) throws -> BudgetStatus? {
    try world.agents.agentStatus(id).budgets.first { $0.resource == resource }
  }

  private func reasons(_ id: AgentID) -> [String] {
    world.registry.changes.compactMap {
      if case .ledger(let entry) = $0, entry.agent == id { entry.reason } else { nil }
    }
  }

  // MARK: Processor time

  @Test func processorTimeWarnsThenPutsTheNextEventOff() throws {
    try adopt("a", Budget(cpu: 0.1))
    compute("a", 800)
    #expect(steps() == ["cpu warning"])
    rest(.seconds(1))
    compute("a", 250)
    #expect(steps() == ["cpu warning", "cpu throttled"])
    // It waits until there is room for as much as it took last: the first 800 ms must have passed.
    for _ in 0..<40 { wake("a", "sensor:humidity", ["value": 20]) }
    compute("a", 10)
    #expect(try world.agents.agentStatus("a").activations == 2)
    #expect(try world.agents.agentStatus("a").queued == 2)
    // What waits for processor time does not look stuck.
    #expect(world.agents.progress.waiting == 0)
    rest(.milliseconds(8900))
    #expect(try world.agents.agentStatus("a").activations == 2)
    rest(.milliseconds(200))
    #expect(try world.agents.agentStatus("a").activations == 4)
    #expect(try world.lines("a").contains("3 sensor:humidity ×40"))
    rest(.seconds(20))
    #expect(steps().suffix(1) == ["cpu recovered"])
    #expect(try status("a", .cpu)?.step == .normal)
    #expect(try world.state("a") == .ready)
  }

  @Test func twiceTheProcessorTimeStopsItAndOftenEnoughQuarantinesIt() throws {
    try adopt("a", Budget(cpu: 0.1)) { $0.policy = Policy(maxRestarts: 2, window: .seconds(600)) }
    for round in 1...3 {
      compute("a", 2500)
      #expect(steps().suffix(1) == ["cpu exceeded"])
      #expect(try world.agents.agentStatus("a").lastExit == .cpu)
      if round < 3 { #expect(try world.state("a") == .backoff) }
      rest(.seconds(40))
    }
    #expect(try world.state("a") == .quarantined)
    #expect(reasons("a") == ["budget.cpu", "budget.cpu", "budget.cpu", "quarantined"])
    #expect(world.of("agent:failed").last?["message"] == "it used 2.5s of 1s in 10s of cpu")
  }

  @Test func backOffGrowsAndIsSpreadByTheGivenNumbers() throws {
    func delays(_ seed: World) throws -> [String] {
      try adopt("a", Budget(activation: .milliseconds(10)), in: seed) {
        $0.policy = Policy(maxRestarts: 4, window: .seconds(600), backoff: .seconds(1))
      }
      for _ in 0..<4 {
        compute("a", 20, in: seed)
        rest(.seconds(30), in: seed)
      }
      return seed.of("agent:backoff").compactMap { $0["delay"]?.string }
    }
    let first = try delays(World())
    let second = try delays(World())
    #expect(first.count == 4 && first == second)
    let seconds = first.compactMap { Quantity.duration($0)?.seconds }
    for (attempt, longest) in [1.0, 2, 4, 8].enumerated() {
      #expect(seconds[attempt] <= longest && seconds[attempt] >= longest * 0.75)
    }
    #expect(seconds != [1, 2, 4, 8])
  }

  @Test func aOneShotAgentThatMustWaitHandlesItsEventLater() throws {
    try adopt("a", Budget(cpu: 0.1)) { $0.runtime.lifecycle = .oneShot }
    compute("a", 1100)
    compute("a", 1)
    #expect(try world.agents.agentStatus("a").activations == 1)
    rest(.milliseconds(10_100))
    #expect(try world.agents.agentStatus("a").activations == 2)
    #expect(try world.state("a") == .idle)
  }

  @Test func anAgentThatWaitsCanBeEnded() throws {
    try adopt("a", Budget(cpu: 0.1))
    compute("a", 1500)
    compute("a", 1)
    try world.agents.killAgent("a", now: false, cause: nil) {}
    rest(.seconds(30))
    #expect(try world.state("a") == .idle)
    #expect(try world.agents.agentStatus("a").activations == 1)
    #expect(world.of("agent:started").count == 1)
  }

  // MARK: One activation, memory

  @Test func anActivationThatTookTooLongIsTheInstancesLast() throws {
    try adopt("a", Budget(activation: .milliseconds(50)))
    compute("a", 45)
    #expect(steps() == ["activation warning"])
    compute("a", 51)
    #expect(steps() == ["activation warning", "activation exceeded"])
    #expect(try world.state("a") == .backoff)
    #expect(world.of("agent:failed").last?["reason"] == "budget.activation")
    rest(.seconds(2))
    #expect(try world.state("a") == .ready)
    #expect(try status("a", .activation)?.enforcement.name == "afterwards")
  }

  @Test func timeThatMerelyPassedStopsNobody() throws {
    try adopt("a", Budget(activation: .milliseconds(50)))
    // Short: the next one is measured by the time that passes alone.
    wake("a", "x:nothing")
    compute("a", 60)
    #expect(steps() == ["activation warning"])
    compute("a", 60)
    #expect(steps() == ["activation warning", "activation exceeded"])
  }

  @Test func longActivationsWithoutABudgetAreOnlyReported() throws {
    let world = World(limits: BoardLimits(activationReport: .milliseconds(50)))
    try adopt("a", Budget(), in: world)
    compute("a", 49, in: world)
    #expect(steps(in: world) == [])
    compute("a", 5000, in: world)
    #expect(steps(in: world) == ["activation warning"])
    #expect(try world.state("a") == .ready)
  }

  @Test func memoryAboveTheBudgetStopsAndIsGivenBack() throws {
    try world.adopt(slowAgent("a") { $0.budget = Budget(memory: 1000) })
    try world.agents.wakeAgent("a", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    instance.lastCost = ActivationCost(peakMemory: 900, runTime: 1000)
    instance.finish()
    #expect(steps() == ["memory warning"])
    #expect(try status("a", .memory)?.used == 900)
    try world.agents.wakeAgent("a", with: world.emit("x:two"))
    instance.lastCost = ActivationCost(peakMemory: 1001, runTime: 1000)
    instance.finish()
    #expect(steps() == ["memory warning", "memory exceeded"])
    #expect(instance.stops == [true])
    instance.end()
    #expect(try world.agents.agentStatus("a").lastExit == .memory)
    #expect(try status("a", .memory)?.used == 0)
  }

  @Test func childrenAreGivenWhatTheirParentHasLeft() throws {
    try world.adopt(slowAgent("boss") { $0.budget = Budget(memory: 1000) })
    for id: AgentID in ["a", "b"] {
      try world.adopt(slowAgent(id) { $0.parent = "boss" })
      try world.agents.wakeAgent(id, with: world.emit("x:one"))
    }
    let hosts = try world.slow.instances.map { try #require($0.host as? any MemoryLimiter) }
    #expect(hosts[0].memory(holding: 600) == MemoryRoom(bytes: 1000, parent: "boss"))
    #expect(hosts[1].memory(holding: 300)?.bytes == 400)
    #expect(try status("boss", .memory)?.used == 900 && status("a", .memory)?.used == 600)
    #expect(steps("boss") == ["memory warning"])
    // What an instance held is there again when it is gone.
    try world.agents.killAgent("a", now: true, cause: nil) {}
    world.slow.instances[0].end()
    #expect(hosts[1].memory(holding: 300)?.bytes == 1000)
    let row = try status("boss", .memory)
    #expect(row?.isLoose == true, "a process is not metered: \(String(describing: row))")
  }

  @Test func whatTheDriverEndsForABudgetIsAStepToo() throws {
    try world.adopt(slowAgent("a") { $0.budget = Budget(activation: .milliseconds(50)) })
    try world.agents.wakeAgent("a", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    instance.finish(.failure(AgentFailure(.activation, "it took longer than 50ms")))
    world.settle()
    #expect(steps() == ["activation exceeded"])
    #expect(world.of("agent:failed").map { $0["message"] } == ["it took longer than 50ms"])
    instance.end()
    #expect(try world.state("a") == .backoff)
  }

  @Test func whatTheDriverEndsIsToldOnceAndWithWhatItUsed() throws {
    try world.adopt(slowAgent("a") { $0.budget = Budget(memory: 960, activation: .milliseconds(40)) })
    try world.agents.wakeAgent("a", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    // Others ran in between, and it waited for a model.
    instance.lastCost = ActivationCost(
      runTime: 202_000, totalTime: 1_040_060_000, waitTime: 1_000_000_000)
    instance.finish(.failure(AgentFailure(.activation, "it took longer than 40ms in 'spin'")))
    world.settle()
    #expect(steps() == ["activation exceeded"])
    #expect(world.of("budget:exceeded").first?["used"] == 40_060_000)
    #expect(try status("a", .cpu)?.used == 202_000)
    #expect(world.of("agent:failed").map { $0["message"] } == ["it took longer than 40ms in 'spin'"])
    let entry = world.registry.changes.compactMap { if case .ledger(let entry) = $0 { entry } else { nil } }.first
    #expect(entry?.budget?["used"] == 40_060_000)
    instance.end()
    rest(.seconds(30))
    // What was not given is not used: it ends with less than all of it.
    try world.agents.wakeAgent("a", with: world.emit("x:two"))
    let next = try #require(world.slow.instances.last)
    next.lastCost = ActivationCost(peakMemory: 852, runTime: 1)
    next.finish(.failure(AgentFailure(.memory, "it used up the 960 bytes of its memory")))
    world.settle()
    #expect(steps().filter { $0.hasPrefix("memory") } == ["memory warning", "memory exceeded"])
    #expect(
      world.of("budget:exceeded").last.map(EventSentence.text)
        == "agent a needs more than its memory budget and is stopped (852 B of 960 B)")
  }

  @Test func aLimitThatIsOnlyReportedIsNotWhatADriverEndedItFor() throws {
    let world = World(limits: BoardLimits(activationReport: .milliseconds(50)))
    try world.adopt(slowAgent("a"))
    try world.agents.wakeAgent("a", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    instance.lastCost = ActivationCost(runTime: 1_000_000, totalTime: 5_000_000_000)
    instance.finish(.failure(AgentFailure(.activation, "it took longer than 5s")))
    world.settle()
    #expect(steps(in: world) == ["activation warning"])
    #expect(world.of("agent:failed").last?["message"] == "it took longer than 5s")
  }

  // MARK: Calls

  @Test func eventsAreRefusedThenTheAgentIsStopped() throws {
    try adopt("a", Budget(events: Rate(count: 10, per: .seconds(10))))
    wake("a", "do:spam", ["count": 8])
    #expect(steps() == ["events warning"])
    wake("a", "do:spam", ["count": 3])
    #expect(steps() == ["events warning", "events throttled"])
    #expect(world.of("x:y").count == 10)
    #expect(try status("a", .events)?.refused == 1)
    wake("a", "do:spam", ["count": 10])
    #expect(steps() == ["events warning", "events throttled", "events exceeded"])
    #expect(world.of("agent:failed").last?["reason"] == "budget.events")
    #expect(reasons("a") == ["budget.events"])
    rest(.seconds(2))
    #expect(try world.state("a") == .ready)
    // The next instance is not stopped for what the last one was refused.
    wake("a", "do:spam", ["count": 5])
    #expect(try world.state("a") == .ready)
    rest(.seconds(30))
    #expect(steps().suffix(1) == ["events recovered"])
  }

  @Test func oneRunawayIsToldOfOnceAndCountedInFull() throws {
    let limits = Budget(events: Rate(count: 10, per: .seconds(60)), hardware: Rate(count: 5, per: .seconds(60)))
    try adopt("a", limits) { $0.permissions = .all }
    wake("a", "do:poll", ["count": 3000])
    #expect(steps() == ["hardware warning", "hardware throttled", "hardware exceeded"])
    #expect(try status("a", .hardware)?.refused == 2995)
    #expect(world.of("agent:failed").last?["message"] == "it used 5 of 5 in 1m, 2995 refused of hardware")
    let entry = world.registry.changes.compactMap { if case .ledger(let entry) = $0 { entry } else { nil } }.first
    #expect(entry?.budget?["refused"] == 2995)
    // The next instance is told of anew, once; what the first was refused goes on showing.
    rest(.seconds(2))
    wake("a", "do:poll", ["count": 2000])
    #expect(steps().filter { $0 == "hardware exceeded" }.count == 2)
    #expect(try status("a", .hardware)?.refused == 4995)
    // One that is not in the daemon goes on asking until it is stopped.
    try world.adopt(slowAgent("b") { $0.budget = limits })
    try world.agents.wakeAgent("b", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    for _ in 0..<1000 { _ = try? instance.host.emit("x:y", [:]) }
    #expect(steps("b") == ["events warning", "events throttled", "events exceeded"])
    world.settle()
    instance.end()
    rest(.seconds(70))
    #expect(try status("b", .events)?.refused == 0)
  }

  @Test func noBudgetStandsAgainstASafeCommand() throws {
    try adopt("a", Budget(hardware: Rate(count: 3, per: .seconds(60)))) { $0.permissions = .all }
    wake("a", "do:toggle", ["count": 3])
    #expect(try status("a", .hardware)?.used == 3, "what makes it safe is not counted")
    // The budget is spent: on is refused, off is not, which the agent would fail of.
    wake("a", "do:toggle", ["count": 1])
    #expect(try status("a", .hardware)?.refused == 1 && world.state("a") == .ready)
    #expect(world.hardware.unsafeActuators.isEmpty)
  }

  @Test func anAgentOutsideTheDaemonIsStoppedInTheMiddle() throws {
    try world.adopt(slowAgent("a") { $0.budget = Budget(hardware: Rate(count: 2, per: .seconds(1))) })
    try world.agents.wakeAgent("a", with: world.emit("x:one"))
    let instance = try #require(world.slow.instances.first)
    for _ in 0..<5 { _ = try? instance.host.read("temperature") }
    #expect(instance.stops == [])
    world.settle()
    #expect(instance.stops == [true])
    instance.end()
    #expect(try world.state("a") == .backoff)
    #expect(reasons("a") == ["budget.hardware"])
  }

  @Test func hardwareOperationsOfAChildCountForItsParent() throws {
    try adopt("parent", Budget(hardware: Rate(count: 3, per: .seconds(10)))) { $0.permissions = .all }
    try adopt("child", Budget()) {
      $0.parent = "parent"
      $0.permissions = .all
    }
    wake("child", "do:poll", ["count": 50])
    #expect(steps("parent") == ["hardware throttled"])
    #expect(try status("child", .hardware)?.used == 3)
    #expect(try world.state("child") == .ready)
    #expect(try world.agents.agentStatus("child").parent == "parent")
  }

  @Test func aParentThatNobodyIsIsSaidWhenAnAgentIsRegistered() throws {
    try adopt("climate", Budget()) { $0.permissions = .all }
    try world.agents.register(doer("a") { $0.parent = "climte" })
    #expect(
      try world.lines("a") == [
        "'parent' names the unknown agent 'climte' (did you mean 'climate'?), so agent 'a' shares no budget"
      ])
    try world.agents.register(doer("b") { $0.parent = "climate" })
    #expect(try world.lines("b") == [])
  }

  @Test func logBeyondTheBudgetIsLeftOutAndSaid() throws {
    try adopt("a", Budget(log: Rate(count: 40, per: .seconds(10))))
    for _ in 0..<5 { wake("a", "x:nothing") }
    #expect(
      try world.lines("a") == [
        "1 x:nothing", "2 x:nothing", "3 x:nothing", "lines are left out: budget.log is used up for 10s",
      ])
    rest(.seconds(11))
    wake("a", "x:nothing")
    #expect(try world.lines("a").suffix(2) == ["2 line(s) were left out", "6 x:nothing"])
    #expect(steps() == ["log warning", "log throttled", "log recovered"])
  }

  @Test func stateBeyondTheBudgetIsRefusedAndWhatIsRemovedMakesRoom() throws {
    // As it is held in memory: the text, its key, and their places.
    let size = Int64("k".memory + Value.string(String(repeating: "x", count: 30)).memory)
    try adopt("a", Budget(storage: Int(size) + 7))
    let text = Value.string(String(repeating: "x", count: 30))
    wake("a", "do:store", ["key": "k", "value": text])
    #expect(try status("a", .storage)?.used == size)
    wake("a", "do:store", ["key": "l", "value": text])
    #expect(
      world.of("agent:refused").last?["message"] == .string("state 'l': budget.storage of \(size + 7) bytes is used up")
    )
    #expect(world.agents.durableState("a") == ["k": text])
    rest(.seconds(2))
    wake("a", "do:store", ["key": "k"])
    wake("a", "do:store", ["key": "l", "value": text])
    #expect(world.agents.durableState("a") == ["l": text])
    // What the disk has not taken is not charged.
    world.registry.isFull = true
    wake("a", "do:store", ["key": "m", "value": 1])
    #expect(try status("a", .storage)?.used == size)
    // What it kept before it was adopted again counts.
    world.registry.isFull = false
    try world.agents.killAgent("a", now: true, cause: nil) {}
    try adopt("a", Budget(storage: 99))
    #expect(try status("a", .storage)?.used == 0)
  }

  // MARK: The board

  @Test func theBoardCapsWhatManifestsAskFor() throws {
    let board = Budget(memory: 1000, cpu: 0.5, events: Rate(count: 5, per: .seconds(1)))
    let world = World(limits: BoardLimits(budget: board))
    try adopt("a", Budget(memory: 5000, cpu: 0.2, events: Rate(count: 6, per: .seconds(1))), in: world)
    #expect(
      world.of("budget:capped").compactMap { $0["message"]?.string } == [
        "budget.memory is 5000 bytes, lowered to the board's limit of 1000 bytes",
        "budget.events is 6/1s, lowered to the board's limit of 5/1s",
      ])
    let budgets = try world.agents.agentStatus("a").budgets
    #expect(budgets.first { $0.resource == .memory }?.limit == 1000)
    #expect(budgets.first { $0.resource == .memory }?.enforcement.name == "not-enforced")
    #expect(budgets.first { $0.resource == .cpu }?.limit == 2_000_000_000)
  }

  @Test func theBoardsProcessorTimeHoldsEverybody() throws {
    let world = World(limits: BoardLimits(budget: Budget(cpu: 0.1)))
    try adopt("a", Budget(), in: world)
    try adopt("b", Budget(), in: world)
    compute("a", 5000, in: world)
    compute("b", 1, in: world)
    #expect(try world.agents.agentStatus("b").activations == 0)
    rest(.milliseconds(10_100), in: world)
    #expect(try world.agents.agentStatus("b").activations == 1)
    #expect(world.of("budget:throttled").first?["agent"] == nil)
    #expect(try world.state("a") == .ready)
  }

  @Test func whatTheDaemonWritesIsTheBoardsBudget() {
    let world = World(limits: BoardLimits(disk: Rate(count: 1000, per: .seconds(86_400))))
    world.agents.noteWritten(900)
    #expect(!world.agents.isDiskUsedUp)
    world.agents.noteWritten(200)
    #expect(world.agents.isDiskUsedUp)
    #expect(steps(in: world) == ["disk warning", "disk throttled"])
    world.clock.advance(by: .seconds(86_401))
    #expect(!world.agents.isDiskUsedUp)
  }

  // MARK: At rest

  @Test func whoStaysWithinItsBudgetsCostsNoTimer() throws {
    try adopt("a", Budget(cpu: 0.5, activation: .seconds(1), events: Rate(count: 100, per: .seconds(1))))
    wake("a", "do:spam", ["count": 1])
    let before = world.clock.waiting
    for _ in 0..<20 { wake("a", "do:spam", ["count": 1]) }
    #expect(world.clock.waiting == before)
    #expect(steps() == [])
  }

  @Test func theLedgerSaysWhichEventAndWhichBudget() throws {
    try adopt("a", Budget(activation: .milliseconds(10)))
    compute("a", 20)
    let entries = world.registry.changes.compactMap { if case .ledger(let entry) = $0 { entry } else { nil } }
    let entry = try #require(entries.first)
    #expect(entries.count == 1 && entry.scope == .agent && entry.reason == "budget.activation")
    #expect(entry.event == world.of("do:compute").first?.id && entry.eventType == "do:compute")
    #expect(entry.budget?["limit"] == 10_000_000 && entry.budget?["used"] == 20_000_000)
    #expect(entry.time == world.of("agent:failed").first?.time && entry.uptime > 0)
  }
}
