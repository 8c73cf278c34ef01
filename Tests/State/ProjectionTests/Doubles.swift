import Agent
import Model
import Rules

/// Agents that send their reports when a test tells them to.
final class SlowAgents: AgentControl {
  var statuses: [AgentStatus]
  /// The open questions.
  private(set) var asked: [(agent: AgentID, answer: (Value) -> Void)] = []
  /// Agents that answer at once.
  var prompt: Set<AgentID> = []

  init(_ ids: AgentID...) {
    statuses = ids.map {
      AgentStatus(id: $0, name: $0.rawValue, driver: .inProcess, state: .ready, started: Instant(nanoseconds: 1))
    }
  }

  /// Answers the oldest open question to an agent.
  func answer(_ id: AgentID, _ report: Value) {
    guard let index = asked.firstIndex(where: { $0.agent == id }) else { return }
    asked.remove(at: index).answer(report)
  }

  func snapshot(_ id: AgentID, _ done: @escaping (Value) -> Void) throws(AgentControlError) {
    if prompt.contains(id) { return done(["prompt": true]) }
    asked.append((id, done))
  }

  var unusable: [AgentID: String] { [:] }
  func listAgents() -> [AgentStatus] { statuses }
  func agentStatus(_ id: AgentID) throws(AgentControlError) -> AgentStatus {
    guard let status = statuses.first(where: { $0.id == id }) else { throw .notFound(id, suggestion: nil) }
    return status
  }

  func spawnAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) -> AgentStatus { try agentStatus(id) }
  func killAgent(_ id: AgentID, now: Bool, cause: Cause?, _ done: @escaping () -> Void) throws(AgentControlError) {}
  func restartAgent(_ id: AgentID, cause: Cause?) throws(AgentControlError) {}
  func checkWake(_ id: AgentID) throws(AgentControlError) {}
  func wakeAgent(_ id: AgentID, with event: Event, _ done: @escaping (EventOutcome) -> Void)
    throws(AgentControlError)
  {}
  func register(_ manifest: Manifest) throws(AgentControlError) {}
  func unregister(_ id: AgentID) throws(AgentControlError) {}
  func setEnabled(_ id: AgentID, _ isEnabled: Bool, cause: Cause?) throws(AgentControlError) {}
  func supervise(_ id: AgentID, _ supervision: Policy.Supervision, maxRestarts: Int?) throws(AgentControlError) {}
  func manifest(_ id: AgentID) throws(AgentControlError) -> Manifest { throw .notFound(id, suggestion: nil) }
  func logs(_ id: AgentID, last: Int) throws(AgentControlError) -> [LogLine] { [] }
  func followLogs(_ id: AgentID?, _ onLine: @escaping (LogLine) -> Void) throws(AgentControlError) -> FollowID {
    FollowID(1)
  }
  func endFollow(_ follow: FollowID) {}
}

/// Counts events and keeps none.
final class CountedEvents: EventSink, EventHistory {
  var total: UInt64 = 0
  let shed: UInt64 = 0

  func publish(_ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields) -> Event {
    total += 1
    let id = ULID(milliseconds: total, random: (0, 0))
    return Event(
      id: id, type: type, time: 0, clockSynchronised: true, monotonic: 0, source: source, priority: priority,
      payload: payload)
  }
  func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event] { [] }
  func event(_ id: ULID) -> Event? { nil }
  func chain(to event: ULID) -> [Event] { [] }
  func chain(toLastChangeOf device: String) -> [Event] { [] }
  func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64 { 0 }
  func endListen(_ listener: UInt64) {}
}
