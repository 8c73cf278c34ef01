import Agent
import HAL
import HALTestKit
import Model
import Testing

@testable import Orchestrator

/// What a call of the agent control throws; nil when it throws nothing.
func refusal(_ body: () throws(AgentControlError) -> Void) -> AgentControlError? {
  do throws(AgentControlError) {
    try body()
    return nil
  } catch {
    return error
  }
}

@Suite struct SupervisorTests {
  private let world = World()

  private func wake(_ id: AgentID, _ type: String, _ payload: Fields = [:]) -> AgentControlError? {
    let event = world.log.publish(type, from: "client/test", payload)
    let refused = refusal { () throws(AgentControlError) in try world.agents.wakeAgent(id, with: event) }
    world.settle()
    return refused
  }

  private func story(_ id: AgentID) -> [String] {
    world.events.filter { $0.source == "agent/\(id)" && $0.type.hasPrefix("agent:") }.map {
      "\($0.type.dropFirst(6))" + ($0["reason"]?.string.map { " \($0)" } ?? "")
    }
  }

  // MARK: The first reading

  @Test func theFirstReadOfAnAgentThatIsWokenHasAnAnswer() throws {
    try world.backend.inject("temperature", ["fault": "slow", "delay": "100ms"])
    try world.adopt(doer("climate"))
    #expect(wake("climate", "do:read") == nil)
    #expect(try world.state("climate") == .starting && world.lines("climate").isEmpty)
    world.wait(.milliseconds(150))
    #expect(try world.lines("climate") == ["1 do:read", "0.0"])
    // What is measured already holds up nobody.
    #expect(wake("climate", "do:read") == nil)
    #expect(try world.lines("climate").count == 4)
  }

  @Test func aSensorThatDoesNotAnswerHoldsUpNoStartForLong() throws {
    try world.backend.inject("temperature", ["fault": "slow", "delay": "10s"])
    try world.adopt(doer("climate"))
    #expect(wake("climate", "do:read") == nil)
    world.wait(.milliseconds(240))
    #expect(try world.state("climate") == .starting)
    world.wait(.milliseconds(20))
    #expect(try world.lines("climate").last?.hasPrefix("refused, unavailable: ") == true)
    // Killed while it waits, it is gone, and nothing comes late.
    try world.adopt(doer("other"))
    #expect(wake("other", "do:read") == nil)
    try world.agents.killAgent("other", now: true, cause: nil) {}
    world.wait(.seconds(20))
    #expect(try world.state("other") == .idle && world.lines("other").isEmpty)
  }

  // MARK: Pausing

  @Test func aPausedAgentIsNotWokenAndForgetsWhatWaited() throws {
    try world.adopt(doer("climate"))
    _ = try world.agents.spawnAgent("climate", cause: nil)
    #expect(wake("climate", "x:before") == nil)
    world.agents.isPaused = true
    #expect(wake("climate", "x:during") == .paused("climate"))
    #expect(try world.state("climate") == .ready, "pausing ended it")
    world.agents.isPaused = false
    world.settle()
    #expect(try world.agents.agentStatus("climate").activations == 1, "what came during the pause was acted on")
    #expect(wake("climate", "x:after") == nil)
    #expect(try world.agents.agentStatus("climate").activations == 2)
  }

  // MARK: Starting and ending

  @Test func spawnStartsOnceAndSaysWhyNot() throws {
    try world.adopt(doer("climate"))
    #expect(try world.state("climate") == .idle)
    #expect(try world.agents.spawnAgent("climate", cause: nil).state == .ready)
    #expect(
      refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("climate", cause: nil) }
        == .alreadyRunning("climate"))
    #expect(
      refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("climat", cause: nil) }
        == .notFound("climat", suggestion: "climate"))
    #expect(story("climate") == ["started"])
    world.wait(.seconds(3))
    let status = try world.agents.agentStatus("climate")
    #expect(status.started.map { world.clock.now - $0 } == .seconds(3))
  }

  @Test(arguments: [false, true]) func killEndsItAndAnEventStartsItAgain(now: Bool) throws {
    try world.adopt(doer("a"))
    #expect(wake("a", "x:one") == nil)
    #expect(wake("a", "x:two") == nil)
    var ended = 0
    try world.agents.killAgent("a", now: now, cause: nil) { ended += 1 }
    #expect(ended == 1)
    #expect(try world.state("a") == .idle)
    #expect(try world.agents.agentStatus("a").lastExit == .killed)
    #expect(
      refusal { () throws(AgentControlError) in try world.agents.killAgent("a", now: now, cause: nil) {} }
        == .notRunning("a"))
    #expect(wake("a", "x:three") == nil)
    #expect(story("a") == ["started", "activated", "activated", "stopped killed", "started", "activated"])
    // A fresh instance counts from one again; the log goes on.
    #expect(try world.lines("a") == ["1 x:one", "2 x:two", "1 x:three"])
  }

  @Test func restartMakesAFreshInstance() throws {
    try world.adopt(doer("a"))
    _ = wake("a", "x:one")
    try world.agents.restartAgent("a", cause: nil)
    #expect(try world.state("a") == .ready)
    var snapshot: Value?
    try world.agents.snapshot("a") { snapshot = $0 }
    #expect(snapshot == ["handled": 0])
    #expect(story("a") == ["started", "activated", "stopped killed", "started"])
  }

  @Test func residentsStartWithTheDaemonAndOnceEndedOnlyASpawnStartsThem() throws {
    try world.adopt(doer("resident") { $0.runtime.lifecycle = .always })
    try world.adopt(doer("other"))
    world.agents.startResident()
    #expect(try world.state("resident") == .ready)
    #expect(try world.state("other") == .idle)
    try world.agents.killAgent("resident", now: false, cause: nil) {}
    #expect(wake("resident", "x:y") == .notRunning("resident"))
    try world.load(rule("start", on: [EventPattern("x:start")], .spawn("resident")))
    world.emit("x:start")
    #expect(try world.state("resident") == .ready)
    #expect(try world.lines("resident") == ["1 x:start"])
    #expect(world.of("rule:error").isEmpty)
  }

  @Test func aOneShotLivesForOneEvent() throws {
    try world.adopt(slowAgent("once") { $0.runtime.lifecycle = .oneShot })
    #expect(wake("once", "x:one") == nil)
    #expect(wake("once", "x:two") == nil)
    #expect(world.slow.instances.count == 1)
    world.slow.instances[0].finish()
    world.slow.instances[0].end()
    #expect(world.slow.instances.count == 2)
    #expect(world.slow.instances[1].handled.map(\.type) == ["x:two"])
    world.slow.instances[1].finish()
    world.slow.instances[1].end()
    #expect(try world.state("once") == .idle)
    #expect(try world.agents.agentStatus("once").activations == 2)
  }

  // MARK: Failing

  @Test func failuresLeadThroughBackoffToQuarantineAndAPersonLetsItOut() throws {
    try world.adopt(
      doer("a") {
        $0.policy = Policy(maxRestarts: 3, window: .seconds(60), backoff: .milliseconds(100), maxBackoff: .seconds(1))
      })
    for attempt in 1...3 {
      #expect(wake("a", "do:fail") == nil)
      #expect(try world.state("a") == .backoff)
      // What comes meanwhile waits for the next instance.
      #expect(wake("a", "x:waits") == nil)
      world.wait(.seconds(1))
      #expect(try world.state("a") == .ready)
      #expect(try world.agents.agentStatus("a").restarts == UInt64(attempt))
      #expect(try world.lines("a").last == "1 x:waits")
    }
    #expect(wake("a", "do:fail") == nil)
    #expect(try world.state("a") == .quarantined)
    #expect(world.of("agent:quarantined").count == 1)
    let why = "failed: on purpose"
    #expect(wake("a", "x:y") == .quarantined("a", why))
    #expect(
      refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("a", cause: nil) }
        == .quarantined("a", why))
    let status = try world.agents.agentStatus("a")
    #expect(status.failures == 4 && status.lastExit == .error && status.lastError == why)
    world.wait(.seconds(120))
    #expect(try world.state("a") == .quarantined)
    try world.agents.restartAgent("a", cause: nil)
    #expect(wake("a", "x:y") == nil)
    #expect(try world.state("a") == .ready)
  }

  private final class Book: QuarantineStore {
    var kept: [AgentID: AgentFailure] = [:]
    func quarantine(of agent: AgentID) -> AgentFailure? { kept[agent] }
    func quarantine(_ agent: AgentID, for failure: AgentFailure) { kept[agent] = failure }
    func release(_ agent: AgentID) { kept[agent] = nil }
  }

  /// Over reading the configuration again and the daemon's next start, which adopt it again.
  @Test func onlyAPersonLetsAnAgentOutOfQuarantine() throws {
    let book = Book()
    world.agents.quarantines = book
    let agent = doer("a") { $0.policy = Policy(maxRestarts: 1, window: .seconds(60), backoff: .milliseconds(100)) }
    try world.adopt(agent)
    for _ in 0..<2 {
      _ = wake("a", "do:fail")
      world.wait(.seconds(1))
    }
    #expect(try world.state("a") == .quarantined)
    let why = "it was restarted 1 time(s) within 1m; last: failed: on purpose"
    #expect(book.kept == ["a": AgentFailure(.error, why)])
    try world.adopt(agent)
    #expect(try world.state("a") == .quarantined)
    #expect(wake("a", "x:y") == .quarantined("a", why))
    try world.agents.restartAgent("a", cause: nil)
    #expect(book.kept.isEmpty)
    #expect(wake("a", "x:y") == nil)
    // What is not registered any more is forgotten.
    _ = wake("a", "do:fail")
    world.wait(.seconds(1))
    _ = wake("a", "do:fail")
    #expect(try world.state("a") == .quarantined && book.kept["a"] != nil)
    try world.agents.unregister("a")
    #expect(book.kept.isEmpty)
  }

  @Test func aQuarantineIsInTheLedgerOnce() throws {
    func lines(_ world: World) -> [String] {
      world.registry.changes.compactMap {
        if case .ledger(let entry) = $0, entry.reason == "quarantined" { entry.message } else { nil }
      }
    }
    let book = Book()
    world.agents.quarantines = book
    let agent = doer("a") { $0.policy = Policy(maxRestarts: 0, window: .seconds(60)) }
    try world.adopt(agent)
    _ = wake("a", "do:fail")
    let why = "it was restarted 0 time(s) within 1m; last: failed: on purpose"
    #expect(lines(world) == [why] && book.kept["a"]?.message == why)
    // The configuration is read again, and the daemon starts again.
    try world.adopt(agent)
    #expect(try world.state("a") == .quarantined && lines(world).count == 1)
    let next = World()
    next.agents.quarantines = book
    try next.adopt(agent)
    #expect(try next.state("a") == .quarantined && lines(next).isEmpty)
    #expect(next.of("agent:quarantined").last?["message"] == .string(why))
  }

  @Test func backoffDoublesUpToItsLimit() throws {
    try world.adopt(
      doer("a") {
        $0.policy = Policy(maxRestarts: 9, window: .seconds(600), backoff: .milliseconds(800), maxBackoff: .seconds(5))
      })
    for _ in 0..<6 {
      _ = wake("a", "do:fail")
      world.wait(.seconds(6))
    }
    let delays = world.of("agent:backoff").compactMap { $0["delay"]?.string.flatMap(Quantity.duration) }
    for (delay, longest) in zip(delays, [0.8, 1.6, 3.2, 5, 5, 5]) {
      #expect(delay <= .seconds(longest) && delay >= .seconds(longest * 0.749))
    }
    #expect(delays.count == 6)
  }

  @Test func neverMeansNever() throws {
    try world.adopt(doer("a") { $0.policy.restart = .never })
    _ = wake("a", "do:fail")
    world.wait(.seconds(60))
    #expect(try world.state("a") == .idle)
    #expect(story("a") == ["started", "activated", "failed error", "stopped error"])
  }

  @Test func whatCannotRunIsSaidAtRegistration() throws {
    #expect(throws: AgentControlError.self) { try world.adopt(doer("a") { $0.runtime.entry = "nobody" }) }
    #expect(throws: AgentControlError.self) { try world.adopt(doer("a") { $0.runtime.driver = .wasm }) }
    #expect(throws: AgentControlError.self) { try world.adopt(slowAgent("a") { $0.runtime.entry = "missing" }) }
    #expect(world.agents.listAgents().isEmpty)
  }

  // MARK: Draining

  @Test func anAgentThatEndsFinishesWhatItDoesAndTakesNothingNew() throws {
    try world.adopt(slowAgent("a"))
    // The board's sensors are measured whoever runs.
    let timers = world.clock.waiting
    _ = wake("a", "x:one")
    _ = wake("a", "x:dropped")
    var ended = 0
    try world.agents.killAgent("a", now: false, cause: nil) { ended += 1 }
    #expect(try world.state("a") == .draining)
    #expect(wake("a", "x:late") == .draining("a"))
    #expect(
      refusal { () throws(AgentControlError) in _ = try world.agents.spawnAgent("a", cause: nil) } == .draining("a"))
    let instance = world.slow.instances[0]
    #expect(instance.stops.isEmpty)
    instance.finish()
    #expect(instance.stops == [false])
    #expect(ended == 0)
    instance.end()
    #expect(ended == 1)
    #expect(instance.handled.map(\.type) == ["x:one"])
    #expect(try world.agents.agentStatus("a").activations == 1)
    #expect(try world.state("a") == .idle)
    #expect(world.clock.waiting == timers)
  }

  @Test func afterItsGraceTimeItIsEndedWithoutWaiting() throws {
    try world.adopt(slowAgent("a") { $0.policy.grace = .seconds(5) })
    _ = wake("a", "x:hangs")
    var ended = 0
    try world.agents.killAgent("a", now: false, cause: nil) { ended += 1 }
    world.wait(.seconds(4.9))
    #expect(world.slow.instances[0].stops.isEmpty)
    world.wait(.seconds(0.2))
    #expect(world.slow.instances[0].stops == [true])
    world.slow.instances[0].end()
    #expect(ended == 1)
    // A late answer of the instance that is gone means nothing.
    world.slow.instances[0].finish()
    #expect(try world.agents.agentStatus("a").activations == 0)
  }

  @Test func aSecondKillDoesNotWait() throws {
    try world.adopt(slowAgent("a"))
    _ = wake("a", "x:hangs")
    var ended: [String] = []
    try world.agents.killAgent("a", now: false, cause: nil) { ended.append("TERM") }
    try world.agents.killAgent("a", now: true, cause: nil) { ended.append("KILL") }
    #expect(world.slow.instances[0].stops == [true])
    world.slow.instances[0].end()
    #expect(ended == ["TERM", "KILL"])
  }

  @Test func killedWhileItStarts() throws {
    world.slow.holdsStarts = true
    try world.adopt(slowAgent("a"))
    _ = wake("a", "x:one")
    #expect(try world.state("a") == .starting)
    var ended = 0
    try world.agents.killAgent("a", now: true, cause: nil) { ended += 1 }
    world.slow.finishStarts()
    #expect(ended == 1 && world.slow.instances.isEmpty, "the start was given up")
    #expect(try world.state("a") == .idle)
  }

  @Test func theEndOfTheDaemonWaitsForAllAndNothingStartsAgain() throws {
    for id: AgentID in ["a", "b"] { try world.adopt(slowAgent(id) { $0.policy.grace = .seconds(2) }) }
    try world.adopt(doer("c"))
    try world.adopt(doer("idle"))
    for id: AgentID in ["a", "b", "c"] { _ = wake(id, "x:one") }
    var done = 0
    world.agents.shutDown { done += 1 }
    world.slow.instances[0].finish()
    world.slow.instances[0].end()
    #expect(done == 0)
    world.wait(.seconds(2.5))
    #expect(world.slow.instances[1].stops == [true])
    world.slow.instances[1].end()
    #expect(done == 1)
    #expect(world.agents.listAgents().allSatisfy { $0.state == .idle })
    #expect(wake("c", "x:late") == .notRunning("c"))
    _ = try? world.agents.spawnAgent("c", cause: nil)
    #expect(try world.state("c") == .idle)
    var again = 0
    World().agents.shutDown { again += 1 }
    #expect(again == 1)
  }

  // MARK: Events

  @Test func aStormFoldsAndTooMuchIsRefusedAloud() throws {
    try world.adopt(slowAgent("a"))
    var finished = 0
    func deliver(_ type: String) throws {
      let event = world.log.publish(type, from: "test")
      try world.agents.deliver(event, to: "a", cause: Cause(event), count: 1, firing: nil) { _ in finished += 1 }
    }
    try deliver("x:first")
    for number in 0..<500 { try deliver("sensor:storm-\(number % 2)") }
    var refused = 0
    for number in 0..<100 {
      let error = refusal { () throws(AgentControlError) in
        do { try deliver("x:\(number)") } catch let error as AgentControlError { throw error } catch {}
      }
      if error == .overloaded("a", queued: DeliveryQueue.limit) { refused += 1 }
    }
    world.settle()
    // Who hands it in is told, besides the event that tells everybody.
    #expect(refused == 100 - DeliveryQueue.limit + 2)
    #expect(try world.agents.agentStatus("a").queued == DeliveryQueue.limit)
    #expect(world.of("agent:overloaded").count == 100 - DeliveryQueue.limit + 2)
    let instance = world.slow.instances[0]
    while instance.isBusy { instance.finish() }
    #expect(instance.handled.count == 1 + DeliveryQueue.limit)
    #expect(instance.handled[1]["count"] == 250)
    #expect(finished + refused == 601)
  }

  @Test func subscribersAreWokenAndTheirSensorsMeasured() throws {
    try world.adopt(
      doer("a") {
        $0.permissions = Permissions(actuators: [EventPattern("fan")])
        $0.subscribe = [EventPattern("sensor:temperature"), EventPattern("sensor:t*")]
      })
    try world.backend.inject("temperature", ["value": 31])
    world.wait(.seconds(2))
    // Nobody else asks for it: no rule, and the agent did not run before.
    #expect(world.of("agent:activated").count == world.of("sensor:temperature").count)
    #expect(world.of("agent:activated").first?.cause == world.of("sensor:temperature").first?.id)
    #expect(world.of("sensor:humidity").isEmpty)
    try world.agents.killAgent("a", now: true, cause: nil) {}
    try world.agents.unregister("a")
    let measured = world.of("sensor:temperature").count
    try world.backend.inject("temperature", ["value": 40])
    world.wait(.seconds(5))
    #expect(world.of("sensor:temperature").count == measured)
  }

  // MARK: Registration

  @Test func aRunningAgentKeepsItsManifest() throws {
    try world.agents.register(doer("a") { $0.version = "1.0.0" })
    _ = wake("a", "do:keep")
    let next = doer("a") { $0.version = "2.0.0" }
    #expect(refusal { () throws(AgentControlError) in try world.agents.register(next) } == .alreadyRunning("a"))
    #expect(refusal { () throws(AgentControlError) in try world.agents.unregister("a") } == .stillRunning("a"))
    try world.agents.killAgent("a", now: false, cause: nil) {}
    try world.agents.register(next)
    #expect(try world.agents.manifest("a").version == "2.0.0")
    #expect(world.agents.durableState("a") == ["kept": 1])
    try world.agents.unregister("a")
    #expect(world.agents.listAgents().isEmpty)
    let kept = world.registry.changes.map { change in
      switch change {
      case .agent(let manifest): "agent \(manifest.version)"
      case .approval(let id, let value): "approval \(id) \(value != nil)"
      case .removal(let id): "removal \(id)"
      case .enabled(let id, let isEnabled): "enabled \(id) \(isEnabled)"
      case .state(let id, let key, let value): "state \(id) \(key) \(value?.text() ?? "-")"
      case .cooldown(let rule, _): "cooldown \(rule)"
      case .rule(let rule, _): "rule \(rule)"
      case .variable(let name, _): "variable \(name)"
      case .message(let id, _): "message \(id)"
      case .suspension(let output, _): "suspension \(output)"
      case .held(let output, _): "held \(output)"
      case .noEffect(let output, _): "no effect \(output)"
      case .count(let input, let pulses): "count \(input) \(pulses)"
      case .ledger(let entry): "ledger \(entry.agent) \(entry.reason)"
      }
    }
    #expect(kept == ["agent 1.0.0", "state a kept 1", "ledger a killed", "agent 2.0.0", "removal a"])
  }

  @Test func aFullRegistryIsSaid() throws {
    try world.adopt(doer("a"))
    world.registry.isFull = true
    #expect(refusal { () throws(AgentControlError) in try world.agents.unregister("a") } == .storage("no room"))
    #expect(world.agents.listAgents().count == 1)
    _ = wake("a", "do:keep")
    #expect(try world.agents.agentStatus("a").lastRefusal == "failed: state 'kept' cannot be kept: no room")
    world.registry.isFull = false
    _ = wake("a", "do:store", ["key": "big", "value": .string(String(repeating: "x", count: 101))])
    #expect(try world.agents.agentStatus("a").lastRefusal == "limited: state 'big' cannot be kept: 101 bytes")
    #expect(world.agents.durableState("a").isEmpty)
  }

  // MARK: Logs

  @Test func logsAreLinesBoundedAndFollowed() throws {
    try world.adopt(doer("a"))
    try world.adopt(doer("b"))
    var (one, all): ([String], [String]) = ([], [])
    let follow = try world.agents.followLogs("a") { one.append($0.message) }
    _ = try world.agents.followLogs(nil) { all.append("\($0.agent) \($0.message)") }
    _ = wake("a", "do:log", ["text": "first\r\nsecond\n\nthird"])
    _ = wake("b", "x:y")
    #expect(one == ["1 do:log", "first", "second", "third"])
    #expect(all.last == "b 1 x:y")
    world.agents.endFollow(follow)
    for _ in 0..<30 { _ = wake("a", "x:y") }
    #expect(one.count == 4)
    #expect(try world.lines("a").count == 20)
    #expect(try world.agents.logs("a", last: 1).map(\.message) == ["31 x:y"])
    #expect(try world.agents.logs("a", last: 0).isEmpty)
    let line = try #require(try world.agents.logs("a", last: 1).first)
    // Each line names the activation it was written in.
    #expect(line.event == world.of("agent:activated").last?.id)
  }
}
