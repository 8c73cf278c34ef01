import Agent
import HAL
import Model
import Rules

@testable import Control

/// Stores all events, like the orchestrator's ring.
final class TestEvents: EventSink, EventHistory {
  private(set) var all: [Event] = []
  private var listeners: [UInt64: (EventPattern, (Event) -> Void)] = [:]
  private var last: UInt64 = 0
  private let clock: any Timekeeper

  init(_ clock: any Timekeeper) { self.clock = clock }

  var listening: Int { listeners.count }
  var total: UInt64 { UInt64(all.count) }
  let shed: UInt64 = 0

  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event {
    let event = Event(
      id: ULID(milliseconds: clock.wallMilliseconds, random: (0, UInt64(all.count) + 1)), type: type,
      time: clock.wallMilliseconds, clockSynchronised: true, monotonic: clock.now.nanoseconds, source: source,
      cause: cause?.id, trace: cause?.trace, depth: cause.map { $0.depth + 1 } ?? 0, priority: priority,
      payload: payload)
    all.append(event)
    for (pattern, onEvent) in listeners.values where pattern.matches(type) { onEvent(event) }
    return event
  }

  func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event] {
    all.filter { event in pattern.matches(event.type) && (since.map { event.id > $0 } ?? true) }.suffix(last)
  }

  func event(_ id: ULID) -> Event? { all.first { $0.id == id } }

  func chain(to event: ULID) -> [Event] {
    var chain: [Event] = []
    var next = self.event(event)
    while let event = next {
      chain.insert(event, at: 0)
      next = event.cause.flatMap(self.event)
    }
    return chain
  }

  func chain(toLastChangeOf device: String) -> [Event] {
    all.last { $0.type == "device:changed" && $0.source == device }.map { chain(to: $0.id) } ?? []
  }

  func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64 {
    last += 1
    listeners[last] = (pattern, onEvent)
    return last
  }

  func endListen(_ listener: UInt64) { listeners[listener] = nil }
}

/// Agents that start at once, and end when a test calls `finishEnding`.
final class TestAgents: AgentControl {
  var states: [AgentID: LifecycleState] = ["climate": .ready, "idle": .idle]
  private(set) var woken: [(AgentID, Event)] = []
  private(set) var causes: [Cause?] = []
  private var followers: [FollowID: (AgentID?, (LogLine) -> Void)] = [:]
  private var last: UInt64 = 0
  /// Agents that never report.
  var mute: Set<AgentID> = []
  /// The completions of pending kills.
  private(set) var ending: [() -> Void] = []
  private let events: TestEvents
  var following: Int { followers.count }

  init(_ events: TestEvents) { self.events = events }

  func finishEnding() {
    let all = ending
    ending = []
    for end in all { end() }
  }

  /// Drops the completions of pending kills without calling them.
  func forgetEnding() { ending = [] }

  func log(_ agent: AgentID, _ message: String, _ level: LogLevel = .info) {
    let line = LogLine(agent: agent, time: 1, level: level, message: message, event: nil)
    for (who, onLine) in followers.values where who == nil || who == agent { onLine(line) }
  }

  func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus {
    guard let state = states[id] else { throw notFound(id) }
    guard state == .idle else { throw .alreadyRunning(id) }
    states[id] = .starting
    causes.append(cause)
    return try agentStatus(id)
  }

  func killAgent(
    _ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void
  ) throws(AgentControlError) {
    guard states[id] != nil else { throw notFound(id) }
    guard states[id] != .idle else { throw .notRunning(id) }
    states[id] = now ? .stopping : .draining
    ending.append { [self] in
      states[id] = .idle
      done()
    }
  }

  func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) {
    guard states[id] != nil else { throw notFound(id) }
    states[id] = .starting
  }

  func checkWake(_ id: AgentID) throws(AgentControlError) {
    if disabled.contains(id) { throw .disabled(id) }
  }

  /// Called with each event that an agent gets, and what ends it.
  var onWake: (Event, @escaping () -> Void) -> Void = { $1() }
  /// What comes of the events.
  var outcome = EventOutcome.handled
  func wakeAgent(
    _ id: AgentID, with event: Event, _ done: @escaping (EventOutcome) -> Void
  ) throws(AgentControlError) {
    woken.append((id, event))
    onWake(event) { [self] in done(outcome) }
  }

  /// The events that were given up.
  private(set) var abandoned: [ULID] = []
  func abandon(_ event: ULID, of id: AgentID, because why: String) { abandoned.append(event) }

  func register(_ manifest: Manifest) throws(AgentControlError) { states[manifest.id] = .idle }

  private(set) var supervised: [AgentID: Policy.Supervision] = [:]

  func supervise(
    _ id: AgentID, _ supervision: Policy.Supervision, maxRestarts: Int?
  ) throws(AgentControlError) {
    guard states[id] != nil else { throw notFound(id) }
    supervised[id] = supervision
  }

  private(set) var disabled: Set<AgentID> = []

  func setEnabled(_ id: AgentID, _ isEnabled: Bool, cause: Cause?) throws(AgentControlError) {
    guard states[id] != nil else { throw notFound(id) }
    if isEnabled { disabled.remove(id) } else { disabled.insert(id) }
    causes.append(cause)
  }

  func unregister(_ id: AgentID) throws(AgentControlError) {
    guard states[id] == .idle else { throw states[id] == nil ? notFound(id) : .alreadyRunning(id) }
    states[id] = nil
  }

  var unusable: [AgentID: String] { ["broken": "agents/broken/agent.json:1:1: no 'identity'"] }

  func listAgents() -> [AgentStatus] { states.keys.sorted().compactMap { try? agentStatus($0) } }

  /// What has happened to the agents.
  var change: (inout AgentStatus) -> Void = { _ in }

  func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus {
    guard let state = states[id] else { throw notFound(id) }
    var status = AgentStatus(
      id: id, name: id.rawValue, driver: .inProcess, state: state, isEnabled: !disabled.contains(id),
      started: state == .ready ? Instant(nanoseconds: 0) : nil, parent: id == "idle" ? "climate" : nil,
      budgets: [
        BudgetStatus(
          .cpu, used: 900_000_000, limit: 1_000_000_000, window: .seconds(10), step: .warned,
          enforcement: .afterwards("it cannot be interrupted"))
      ])
    change(&status)
    return status
  }

  func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest {
    guard states[id] != nil else { throw notFound(id) }
    return Manifest(id: id, name: id.rawValue, runtime: .init(driver: .inProcess, entry: "Entry"))
  }

  func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine] {
    guard states[id] != nil else { throw notFound(id) }
    return (0..<min(last, 3)).map { LogLine(agent: id, time: 0, level: .info, message: "old \($0)", event: nil) }
  }

  func followLogs(
    _ id: AgentID?, _ onLine: @escaping (LogLine) -> Void
  ) throws(AgentControlError) -> FollowID {
    if let id, states[id] == nil { throw notFound(id) }
    last += 1
    followers[FollowID(last)] = (id, onLine)
    return FollowID(last)
  }

  func endFollow(_ follow: FollowID) { followers[follow] = nil }

  func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError) {
    guard states[id] != nil else { throw notFound(id) }
    if !mute.contains(id) { done(["count": 3]) }
  }

  private func notFound(_ id: AgentID) -> AgentControlError {
    .notFound(id, suggestion: Suggestion.closest(to: id.rawValue, in: states.keys.map(\.rawValue)))
  }
}

/// A daemon that records its calls.
final class DaemonDouble: DaemonControl {
  let version = "9.9.9"
  private(set) var stopped = 0
  private let hardware: Hardware

  init(_ hardware: Hardware) { self.hardware = hardware }

  func stopEverything(by client: String, reason: String?, cause: Cause?, _ done: @escaping (Bool, String?) -> Void) {
    done(hardware.stopEverything(by: client, reason: reason, cause: cause), nil)
  }

  func clearEmergencyStop(
    by client: String, cause: Cause?, _ done: @escaping (Bool, String?) -> Void
  ) throws(HALError) {
    done(try hardware.clearEmergencyStop(by: client, cause: cause), "disk full")
  }

  /// The recorded requests for the ledger.
  private(set) var asked: [String] = []
  let boardBudgets = [BudgetStatus(.disk, used: 1000, limit: nil, window: .seconds(86_400))]

  func history(_ agent: AgentID?, last: Int, _ done: @escaping (Result<[Fields], AgentControlError>) -> Void) {
    asked.append("\(agent?.rawValue ?? "all") \(last)")
    done(agent == "broken" ? .failure(.storage("disk full")) : .success([["reason": "started"]]))
  }

  func status() -> Fields { ["board": "test"] }
  func stop() { stopped += 1 }
  func reload() throws(Diagnostics) -> Fields { ["rules": 1] }
  func leaveSafeMode(_ done: @escaping (Bool) -> Void) { done(false) }

  /// Whether probes run until `finishProbes`.
  var probesTakeTime = false
  private var probing: ((Fields) -> Void)?

  /// What is wrong with every text of rules.
  var problems: [Diagnostic] = []

  func problems(inRules text: String) -> [Diagnostic] { problems }

  func files() -> [Fields] { [["kind": "board", "file": "board.yaml", "text": "name: test\n"]] }

  func probeLimits(_ done: @escaping (Fields) -> Void) -> Bool {
    guard probing == nil else { return false }
    probing = done
    if !probesTakeTime { finishProbes() }
    return true
  }

  func finishProbes() { probing.take()?(["obstacle": .null, "limits": .list([])]) }
}

/// A registry that records its registrations.
final class RegistryDouble: RegistryControl {
  private let agents: TestAgents

  init(_ agents: TestAgents) { self.agents = agents }

  /// The recorded registrations.
  private(set) var registrations: [AgentRegistration] = []

  func childManifest(
    _ path: String, parent: Manifest, values: [String: String]
  ) throws(RegistrationError) -> Value {
    ["identity": ["id": .string(values["NAME"] ?? "child")], "parent": "somebody"]
  }

  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  ) {
    registrations.append(registration)
    guard let id = registration.manifest["identity"]?["id"]?.string else {
      let place = Location(file: registration.file, line: 1, column: 1)
      return done(.failure(.invalid(Diagnostics([Diagnostic(place, "identity is missing")]))))
    }
    do throws(AgentControlError) {
      try agents.register(
        Manifest(id: AgentID(id), name: id, runtime: .init(driver: .inProcess, entry: "Entry")))
      done(.success(try agents.agentStatus(AgentID(id))))
    } catch {
      done(.failure(.agent(error)))
    }
  }

  func setEnabled(
    _ agent: AgentID, _ isEnabled: Bool, cause: Cause?,
    _ done: @escaping (Result<AgentStatus?, RegistrationError>) -> Void
  ) {
    do throws(AgentControlError) {
      try agents.setEnabled(agent, isEnabled, cause: cause)
      done(.success(try agents.agentStatus(agent)))
    } catch {
      done(.failure(.agent(error)))
    }
  }

  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, RegistrationError>) -> Void) {
    do throws(AgentControlError) {
      try agents.unregister(agent)
      done(.success(()))
    } catch {
      done(.failure(.agent(error)))
    }
  }
}
