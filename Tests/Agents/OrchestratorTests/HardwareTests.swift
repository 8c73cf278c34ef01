import Agent
import AgentInProcess
import Glibc
import HAL
import HALTestKit
import Linux
import Model
import TestKit
import Testing

@testable import Orchestrator

@Suite struct LeaseTests {
  private let world = World()

  private func wake(_ type: String) {
    let event = world.log.publish(type, from: "test")
    try? world.agents.wakeAgent("a", with: event)
    world.settle()
  }

  @Test(arguments: [false, true]) func whatAnEndedAgentHeldGoesSafe(now: Bool) throws {
    try world.adopt(doer("a"))
    wake("do:on")
    #expect(world.level("fan") == 1)
    try world.agents.killAgent("a", now: now, cause: nil) {}
    #expect(world.level("fan") == 0)
    #expect(world.of("device:changed").last?["reason"] == "holder-ended")
  }

  @Test func whatAFailedAgentHeldGoesSafeAtOnce() throws {
    try world.adopt(doer("a"))
    wake("do:on")
    wake("do:fail")
    #expect(try world.state("a") == .backoff)
    #expect(world.level("fan") == 0)
    world.wait(.seconds(2))
    #expect(try world.state("a") == .ready)
    #expect(world.level("fan") == 0)
  }

  @Test func whatAHangingAgentHeldGoesSafeBeforeItIsGone() throws {
    try world.adopt(slowAgent("a") { $0.policy.grace = .seconds(1) })
    wake("x:hangs")
    _ = try world.slow.instances[0].host.control("fan", .on, lease: nil)
    try world.agents.killAgent("a", now: true, cause: nil) {}
    #expect(world.level("fan") == 0)
    world.slow.instances[0].end()
    #expect(world.of("device:changed").count == 2)
  }

  @Test func sensorsAreMeasuredWhileAnAgentRunsThatMayReadThem() throws {
    try world.adopt(doer("a") { $0.permissions = Permissions(sensors: [EventPattern("temperature")]) })
    wake("x:y")
    world.wait(.seconds(1))
    #expect(!world.of("sensor:temperature").isEmpty && world.of("sensor:humidity").isEmpty)
    wake("do:read")
    #expect(try world.state("a") == .ready)
    try world.agents.killAgent("a", now: false, cause: nil) {}
    let before = world.of("sensor:temperature").count
    try world.backend.inject("temperature", ["value": 90])
    world.wait(.seconds(10))
    #expect(world.of("sensor:temperature").count == before)
  }
}

@Suite struct PermissionTests {
  /// The calls of an agent with `permissions`, as a driver gets them.
  private func host(
    _ world: World, _ permissions: Permissions, _ budget: Budget = Budget()
  ) throws -> any AgentHost {
    try world.adopt(
      slowAgent("a") {
        $0.permissions = permissions
        $0.budget = budget
      })
    _ = try world.agents.spawnAgent("a", cause: nil)
    return try #require(world.slow.instances.last).host
  }

  private func code(_ body: () throws(AgentError) -> Void) -> AgentError.Code? {
    do throws(AgentError) {
      try body()
      return nil
    } catch {
      return error.code
    }
  }

  private let devices: [Device] = [.sensor("temperature"), .input("door"), .actuator("fan"), .camera("cam")]

  @Test func aModelIsAskedThroughItsGateway() throws {
    let world = World(devices)
    let without = try host(world, Permissions(model: true))
    let question = ModelRequest(prompt: "why?")
    var why = ""
    do throws(AgentError) { _ = try without.complete(question) { _ in } } catch { why = error.description }
    #expect(why == "unavailable: no model is configured: 'models' in openstarry.yaml lists them")
    // In-process agents may not wait: there, one gateway or another makes no difference.
    let calls = AgentCalls(
      doer("b") { $0.permissions.model = true }, hardware: world.hardware, events: world.log, clock: world.clock,
      files: NoFiles(), model: Echo(), cannotWait: InProcessDriver.isolation.cannotWait, state: AgentState([:]),
      budgets: world.agents.budgets,
      account: world.agents.budgets.account("b"))
    var context = Context(agent: "b", host: calls)
    #expect(code { () throws(AgentError) in _ = try context.complete("why?") } == .unavailable)
    let waiting = AgentCalls(
      slowAgent("c") { $0.permissions.model = true }, hardware: world.hardware, events: world.log, clock: world.clock,
      files: NoFiles(), model: Echo(), state: AgentState([:]), budgets: world.agents.budgets,
      account: world.agents.budgets.account("c"))
    context = Context(agent: "c", host: waiting)
    #expect(try context.complete("why?", maxTokens: 5) == "c: why? 5")
  }

  /// What an agent does later is not due to an answer that it got outside of any event.
  @Test func anAnswerIsNoCauseBeyondItsActivation() throws {
    let world = World(devices)
    let calls = AgentCalls(
      slowAgent("c") { $0.permissions.model = true }, hardware: world.hardware, events: world.log, clock: world.clock,
      files: NoFiles(), model: Echo(), state: AgentState([:]), budgets: world.agents.budgets,
      account: world.agents.budgets.account("c"))
    _ = try calls.complete(ModelRequest(prompt: "why?")) { _ in }
    #expect(calls.cause == nil)
    let event = world.log.publish("a:b", from: "test")
    calls.begin(Cause(event))
    _ = try calls.complete(ModelRequest(prompt: "why?")) { _ in }
    #expect(calls.cause?.id == Echo.event)
    calls.end()
    #expect(calls.cause == nil)
  }

  /// A mind without the end of its rules is another mind.
  @Test func aGuideIsNotCut() throws {
    let folder = try TemporaryFolder()
    let world = World(devices, files: RealFiles())
    try world.adopt(
      doer("m") {
        $0.mind = Mind()
        $0.mind?.guideFile = "guide.md"
        $0.file = "\(folder.path)/agent.json"
      })
    let agent = try world.agents.agent("m")
    try folder.write("guide.md", String(repeating: "a", count: Mind.longestGuide))
    #expect(try agent.surroundings()["mind"]?["guide"]?.string?.utf8.count == Mind.longestGuide)
    try folder.write("guide.md", String(repeating: "a", count: Mind.longestGuide + 1))
    #expect {
      try agent.surroundings()
    } throws: {
      "\($0)".contains("\(folder.path)/guide.md has 32769 bytes, and a guide may have 32768")
    }
  }

  @Test func withoutAPermissionEveryCallIsDenied() throws {
    let folder = try TemporaryFolder()
    try Files.replace("\(folder.path)/file", with: Array("text".utf8))
    let world = World(devices, files: RealFiles())
    let host = try host(world, Permissions())
    world.wait(.seconds(1))
    #expect(code { () throws(AgentError) in _ = try host.read("temperature") } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.read("door") } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .on, lease: nil) } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.snapshot("cam") } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.frame("cam", width: 1, height: 1) } == .denied)
    let question = ModelRequest(prompt: "why?")
    #expect(code { () throws(AgentError) in _ = try host.complete(question) { _ in } } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.emit("a:b", [:]) } == .denied)
    #expect(code { () throws(AgentError) in _ = try host.file("\(folder.path)/file") } == .denied)
    #expect(world.of("device:changed").isEmpty && world.of("a:b").isEmpty)
    #expect(world.hardware.denials == 5)
    // Its own log and values are nobody else's business.
    host.log(.info, "here")
    try host.setState("k", 1)
    #expect(host.state("k") == 1)
    #expect(try world.lines("a") == ["here"])
  }

  @Test func whatIsGrantedWorksAndWhatIsNotThereIsNamed() throws {
    let world = World(devices)
    let host = try host(world, .all)
    world.wait(.seconds(1))
    #expect(code { () throws(AgentError) in _ = try host.read("temperature") } == nil)
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .on, lease: nil) } == nil)
    #expect(code { () throws(AgentError) in _ = try host.emit("a:b", [:]) } == nil)
    #expect(code { () throws(AgentError) in _ = try host.read("temprature") } == .notFound)
    #expect(code { () throws(AgentError) in _ = try host.control("door", .on, lease: nil) } == .notFound)
    #expect(code { () throws(AgentError) in _ = try host.snapshot("fan") } == .notFound)
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .level(7), lease: nil) } == .invalid)
  }

  @Test func nobodySpeaksForTheDaemon() throws {
    let world = World(devices)
    let host = try host(world, .all)
    for domain in EventPattern.builtInDomains {
      #expect(code { () throws(AgentError) in _ = try host.emit("\(domain):x", [:]) } == .denied)
    }
    for name in ["", "a", "a:", ":b", "a:b:c", "a b:c", String(repeating: "x", count: 200) + ":y"] {
      #expect(code { () throws(AgentError) in _ = try host.emit(name, [:]) } == .invalid)
    }
    #expect(world.events.allSatisfy { $0.type.hasPrefix("agent:") || $0.source == "temperature" })
  }

  @Test func somebodyElseHoldsIt() throws {
    let world = World(devices)
    let host = try host(world, .all)
    try world.hardware.controlActuator("fan", .on, as: .named("client/alice"))
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .off, lease: nil) } == .busy)
  }

  @Test func budgetsOfEventsAndOperations() throws {
    let world = World(devices)
    let host = try host(
      world, .all, Budget(events: Rate(count: 2, per: .seconds(1)), hardware: Rate(count: 3, per: .seconds(1))))
    world.wait(.seconds(1))
    let emits = (0..<4).map { _ in code { () throws(AgentError) in _ = try host.emit("a:b", [:]) } }
    #expect(emits == [nil, nil, .limited, .limited])
    let reads = (0..<4).map { _ in code { () throws(AgentError) in _ = try host.read("door") } }
    #expect(reads == [nil, nil, nil, .limited])
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .on, lease: nil) } == .limited)
    world.wait(.seconds(1))
    #expect(code { () throws(AgentError) in _ = try host.emit("a:b", [:]) } == nil)
    #expect(code { () throws(AgentError) in _ = try host.control("fan", .on, lease: nil) } == nil)
  }

  @Test func linksDoNotLeadOutOfAGrantedFolder() throws {
    let folder = try TemporaryFolder()
    try Files.makeFolder("\(folder.path)/granted")
    try Files.makeFolder("\(folder.path)/granted-not")
    for name in ["granted/file", "granted-not/file", "secret"] {
      try Files.replace("\(folder.path)/\(name)", with: Array(name.utf8))
    }
    #expect(unsafe symlink("\(folder.path)/secret", "\(folder.path)/granted/link") == 0)
    let world = World(devices, files: RealFiles())
    let host = try host(world, Permissions(paths: ["\(folder.path)/granted"]))
    #expect(String(decoding: try host.file("\(folder.path)/granted/file"), as: UTF8.self) == "granted/file")
    #expect(code { () throws(AgentError) in _ = try host.file("\(folder.path)/granted/../granted/file") } == nil)
    for path in ["granted/link", "granted/../secret", "granted-not/file", "secret", "granted/none", "granted/file\0x"] {
      #expect(code { () throws(AgentError) in _ = try host.file("\(folder.path)/\(path)") } == .denied)
    }
  }
}

/// The file system as it is.
private final class RealFiles: FileReading {
  func resolve(_ path: String) -> String? { try? Files.resolve(path) }

  func read(_ path: String) throws(AgentError) -> [UInt8] {
    do { return try Files.read(path, limit: 1 << 20) } catch { throw AgentError(.notFound, "\(error)") }
  }
}

/// Answers with the question.
private final class Echo: ModelGateway {
  static let event = ULID(high: 1, low: 9)

  func complete(
    _ request: ModelRequest, for caller: ModelCaller,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID {
    let question = request.messages.last?.text ?? ""
    done(
      .success(ModelAnswer(text: "\(caller.agent): \(question) \(request.maxTokens ?? 0)")),
      Cause(id: Self.event, trace: Self.event, depth: 0))
    return CompletionID(1)
  }
  func cancel(_ completion: CompletionID) {}
}
