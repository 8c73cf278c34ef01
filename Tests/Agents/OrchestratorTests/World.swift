import Agent
import AgentInProcess
import HAL
import HALSimulated
import HALTestKit
import Model
import OpenStarryAgent
import Rules
import TestKit

@testable import Orchestrator

/// Everything but processes: a simulated board, real agents, real rules, on a clock moved by hand.
final class World {
  let clock = ManualClock()
  let log: EventLog
  let backend: SimulatedBackend
  let hardware: Hardware
  let registry = NotedRegistry()
  let slow = SlowDriver()
  let agents: AgentSupervisor
  let rules: RuleRunner
  /// Every event, oldest first.
  private(set) var events: [Event] = []
  /// How long agents have computed: reading the file `/compute/MILLISECONDS` takes so long.
  let computed: ComputedTime
  private let turn = Turn()
  private let source: RuleSource

  init(
    _ devices: [Device] = [.sensor("temperature"), .sensor("humidity"), .actuator("fan"), .actuator("lamp")],
    depthLimit: Int = 16, ring: Int = 1024, files: (any FileReading)? = nil, limits: BoardLimits = BoardLimits(),
    types: [AgentType] = [], model: (any ModelGateway)? = nil
  ) {
    let (clock, turn) = (clock, turn)
    // What an agent of the test computes is what the test says.
    let computed = ComputedTime()
    self.computed = computed
    let activationClock = ActivationClock(
      elapsed: { clock.now.nanoseconds + computed.nanoseconds }, thread: { computed.nanoseconds })
    log = EventLog(clock: clock, capacity: ring, depthLimit: depthLimit, later: { turn.deferred.append($0) })
    let board = Board(name: "world", backend: .simulated, devices: devices)
    backend = SimulatedBackend(board: board, clock: clock, seed: 1)
    hardware = Hardware(board: board, backend: backend, clock: clock, events: log)
    agents = AgentSupervisor(
      clock: clock, events: log, hardware: hardware, files: files ?? computed, registry: registry,
      drivers: [InProcessDriver(types: [AgentType("doer", Doer.self)] + types, clock: activationClock), slow],
      logLines: 20, model: model,
      limits: limits, random: SeededGenerator(1))
    let source = RuleSource()
    self.source = source
    rules = RuleRunner(
      clock: clock, events: log, hardware: hardware, agents: agents, utcOffset: { _ in 0 },
      load: { () throws(Diagnostics) in try RuleSet(compiling: source.rules) })
    log.handOut(to: rules, agents)
    _ = log.listen(EventPattern("*")) { [unowned self] in self.events.append($0) }
    hardware.open()
  }

  /// Lets what was put off happen, in order, as the loop does between two waits.
  /// - Returns: how many rounds that took.
  @discardableResult
  func settle(rounds: Int = 100_000) -> Int {
    for round in 0..<rounds {
      // A storm goes on after what is due, as in the loop.
      if turn.deferred.isEmpty { clock.advance(by: .zero) }
      guard !turn.deferred.isEmpty else { return round }
      let batch = turn.deferred
      turn.deferred = []
      for action in batch { action() }
    }
    return rounds
  }

  /// Moves time on in small steps.
  func wait(_ duration: Duration) {
    settle()
    let end = clock.now + duration
    while clock.now < end {
      clock.advance(by: min(.milliseconds(10), end - clock.now))
      settle()
    }
  }

  func load(_ rules: RuleDeclaration...) throws(Diagnostics) {
    source.rules = rules
    _ = try self.rules.reloadRules()
    settle()
  }

  @discardableResult
  func emit(_ type: String, _ payload: Fields = [:], priority: Priority = .normal) -> Event {
    let event = log.publish(type, from: "client/test", priority: priority, payload)
    settle()
    return event
  }

  func of(_ type: String) -> [Event] { events.filter { $0.type == type } }

  func adopt(_ manifest: Manifest, state: Fields = [:]) throws { try agents.adopt(manifest, state: state) }

  func state(_ id: AgentID) throws -> LifecycleState { try agents.agentStatus(id).state }

  func lines(_ id: AgentID) throws -> [String] { try agents.logs(id, last: 100).map(\.message) }

  func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }
}

/// Processor time that passes when an agent reads a file.
final class ComputedTime: FileReading {
  private(set) var nanoseconds: UInt64 = 0

  func resolve(_ path: String) -> String? { path }

  func read(_ path: String) throws(AgentError) -> [UInt8] {
    guard let milliseconds = path.split(separator: "/").last.flatMap({ UInt64($0) }) else {
      throw AgentError(.notFound, path)
    }
    nanoseconds += milliseconds * 1_000_000
    return []
  }
}

/// What was put off until the end of the turn.
private final class Turn {
  var deferred: [() -> Void] = []
}

/// The rules that the next reload reads.
private final class RuleSource {
  var rules: [RuleDeclaration] = []
}

/// An agent that does what the event's name says and logs it.
struct Doer: OpenStarryAgent.Agent {
  private var handled: Int64 = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    handled += 1
    let count = event["count"]?.int.map { " ×\($0)" } ?? ""
    context.log("\(handled) \(event.type)\(count)")
    switch event.type {
    case "do:fail": throw AgentError(.failed, "on purpose")
    case "do:on", "sensor:temperature": try context.control("fan", .on, lease: .seconds(60))
    case "do:off": try context.control("fan", .off)
    case "do:toggle":
      for _ in 0..<(event["count"]?.int ?? 0) {
        _ = try? context.control("fan", .on, lease: .seconds(60))
        try context.control("fan", .off)
      }
    case "do:read": context.log("\(try context.read("temperature").value)")
    case "do:look": context.log("\(try context.snapshot("cam").count)")
    case "do:file": context.log(String(decoding: try context.file(event["path"]?.string ?? ""), as: UTF8.self))
    case "do:emit": try context.emit(event["type"]?.string ?? "", ["from": .string(context.agent)])
    case "do:keep":
      try context.setState("kept", .int((context.state("kept")?.int ?? 0) + 1))
    case "do:spam": for _ in 0..<(event["count"]?.int ?? 0) { _ = try? context.emit("x:y") }
    case "do:poll": for _ in 0..<(event["count"]?.int ?? 0) { _ = try? context.read("temperature") }
    case "do:compute": _ = try context.file("/compute/\(event["ms"]?.int ?? 0)")
    case "do:store": try context.setState(event["key"]?.string ?? "", event["value"])
    case "do:log": context.log(event["text"]?.string ?? "")
    default: break
    }
  }

  func snapshot() -> Value { ["handled": .int(handled)] }
}

/// A manifest of a `Doer` that may do everything, unless `change` says otherwise.
func doer(_ id: AgentID, _ change: (inout Manifest) -> Void = { _ in }) -> Manifest {
  var manifest = Manifest(
    id: id, name: id.rawValue, runtime: Manifest.Runtime(driver: .inProcess, entry: "doer"), permissions: .all)
  change(&manifest)
  return manifest
}

/// A manifest of an agent whose activations end when the test says so.
func slowAgent(_ id: AgentID, _ change: (inout Manifest) -> Void = { _ in }) -> Manifest {
  doer(id) {
    $0.runtime.driver = .process
    change(&$0)
  }
}

func rule(
  _ id: RuleID, on patterns: [EventPattern], if condition: String? = nil, _ actions: RuleDeclaration.Action...,
  change: (inout RuleDeclaration) -> Void = { _ in }
) -> RuleDeclaration {
  let place = Location(file: "rules.yaml", line: 1, column: 1)
  var rule = RuleDeclaration(
    id: id, trigger: .events(patterns), condition: condition.map { .init(text: $0, location: place) },
    actions: actions, location: place)
  change(&rule)
  return rule
}

/// A registry that notes what it is given.
final class NotedRegistry: AgentRegistry {
  private(set) var changes: [RegistryChange] = []
  var isFull = false

  func keep(_ changes: [RegistryChange]) throws(RegistryFailure) {
    if isFull { throw RegistryFailure("no room") }
    for case .state(_, _, .string(let text)?) in changes where text.utf8.count > 100 {
      throw RegistryFailure("\(text.utf8.count) bytes", isOverLimit: true)
    }
    self.changes += changes
  }

  func flush(_ done: @escaping (Result<Void, RegistryFailure>) -> Void) {
    done(isFull ? .failure(RegistryFailure("no room")) : .success(()))
  }
}

/// No file is there.
final class NoFiles: FileReading {
  func resolve(_ path: String) -> String? { nil }
  func read(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, path) }
}

/// A driver whose instances take as long as the test wants: what the ones with processes will be like.
final class SlowDriver: AgentDriver {
  let isolation = Isolation(
    .process, entry: "nothing", runsOnLoop: true, cpu: .notMetered("the driver does not measure it"),
    memory: .notMetered("the driver does not measure it"))
  private(set) var instances: [SlowInstance] = []
  var holdsStarts = false
  private(set) var starts: [(agent: AgentID, finish: () -> Void, cancel: () -> Void)] = []

  func validate(_ manifest: Manifest) throws(AgentFailure) {
    if manifest.runtime.entry == "missing" { throw AgentFailure(.startFailed, "no program 'missing'") }
  }

  func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    let start = { [unowned self] in
      instances.append(SlowInstance(host, ended))
      done(.success(instances[instances.count - 1]))
    }
    if manifest.runtime.entry == "refused" { return done(.failure(AgentFailure(.refused, "its start was refused"))) }
    guard holdsStarts else { return start() }
    starts.append((manifest.id, start, { done(.failure(AgentFailure(.killed, "given up"))) }))
  }

  func cancelStart(of agent: AgentID) {
    guard let index = starts.firstIndex(where: { $0.agent == agent }) else { return }
    starts.remove(at: index).cancel()
  }

  func finishStarts() {
    let waiting = starts
    starts = []
    for start in waiting { start.finish() }
  }
}

final class SlowInstance: AgentInstance {
  let pid: Int32? = 4711
  let host: any AgentHost
  private(set) var handled: [Event] = []
  private var finished: Int64 = 0
  private(set) var stops: [Bool] = []
  /// What the next activation to end has used.
  var lastCost: ActivationCost?
  private var activation: ((Result<Void, AgentFailure>) -> Void)?
  private var ends: [() -> Void] = []
  private let ended: (AgentEnd) -> Void

  init(_ host: any AgentHost, _ ended: @escaping (AgentEnd) -> Void) {
    self.host = host
    self.ended = ended
  }

  var isBusy: Bool { activation != nil }

  func activate(_ event: Event, _ done: @escaping (Result<Void, AgentFailure>) -> Void) {
    precondition(activation == nil, "activated twice at once")
    handled.append(event)
    activation = done
  }

  func finish(_ result: Result<Void, AgentFailure> = .success(())) {
    let done = activation.take()
    finished += 1
    done?(result)
  }

  func snapshot(_ done: @escaping (Value) -> Void) {
    done(["handled": .int(Int64(handled.count)), "finished": .int(finished)])
  }

  func stop(now: Bool, _ done: @escaping () -> Void) {
    stops.append(now)
    ends.append(done)
  }

  /// It goes away, though nobody asked it to.
  func leave(_ reason: ExitReason, _ message: String = "it left", leavesEvent: Bool = false) {
    activation = nil
    ended(AgentEnd(AgentFailure(reason, message), leavesEvent: leavesEvent))
  }

  /// It is gone.
  func end() {
    let waiting = ends
    ends = []
    for done in waiting { done() }
  }
}

extension Backlog {
  mutating func add(_ event: Event) -> Int { add(event, bytes: event.memory) }
}

extension Ring<Event> {
  mutating func append(_ event: Event) { append(event, bytes: event.memory) }
}
