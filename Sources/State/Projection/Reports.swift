import Agent
import Model

/// An agent's own counters and state.
package struct Report: Sendable, Hashable {
  /// The last one that the agent gave; an empty object before the first.
  package var value: Value = [:]
  /// How long ago it gave it; nil when no running instance has given one since it was registered.
  package var age: Duration?
  /// Whether a newer one was asked for and did not come in time.
  package var isLate = false

  var fields: Fields {
    ["report": value, "report_age_ms": age?.milliseconds ?? .null, "report_late": .bool(isLate)]
  }
}

/// Asks agents for their reports, with a deadline: a mute agent delays nobody for longer.
final class Reports {
  private struct Entry {
    var value: Value = [:]
    var received: Instant?
    /// When the instance was started that `question` was put to.
    var instance: Instant?
    /// The question that is not answered yet; nil for none. An instance is asked one at a time.
    var question: UInt64?
  }

  private final class Wait {
    var open: Set<AgentID>
    var timer: TimerID?
    let done: () -> Void

    init(_ open: Set<AgentID>, _ done: @escaping () -> Void) {
      self.open = open
      self.done = done
    }
  }

  private let agents: any AgentControl
  private let clock: any Timekeeper
  private let deadline: Duration
  private var entries: [AgentID: Entry] = [:]
  private var waits: [Wait] = []
  private var lastQuestion: UInt64 = 0

  init(_ agents: any AgentControl, clock: any Timekeeper, deadline: Duration) {
    self.agents = agents
    self.clock = clock
    self.deadline = deadline
  }

  /// Forgets agents that are no longer registered.
  func forget(besides known: Set<AgentID>) { entries = entries.filter { known.contains($0.key) } }

  /// The last report of an agent, as it is now.
  func report(of id: AgentID) -> Report {
    guard let entry = entries[id] else { return Report() }
    return Report(
      value: entry.value, age: entry.received.map { clock.now - $0 }, isLate: entry.question != nil)
  }

  /// Asks these agents.
  /// - Parameter done: called once, when all have answered, or at the deadline.
  func ask(_ listed: [AgentStatus], _ done: @escaping () -> Void) {
    let open = Set(listed.filter { !isAnswered($0) }.map(\.id))
    if open.isEmpty { return done() }
    let wait = Wait(open, done)
    wait.timer = clock.schedule(after: deadline) { [weak self] in self?.finish(wait) }
    waits.append(wait)
  }

  /// Asks an agent, unless its instance has not answered the question before.
  /// - Returns: whether it has answered already.
  private func isAnswered(_ status: AgentStatus) -> Bool {
    let known = entries[status.id]
    if known?.question != nil, known?.instance == status.started { return false }
    lastQuestion += 1
    let question = lastQuestion
    entries[status.id, default: Entry()].question = question
    entries[status.id]?.instance = status.started
    do throws(AgentControlError) {
      try agents.snapshot(status.id) { [weak self] in self?.received($0, from: status.id, question) }
    } catch {
      // Unregistered by the answer of another one.
      entries[status.id] = nil
    }
    return entries[status.id]?.question == nil
  }

  private func received(_ report: Value, from id: AgentID, _ question: UInt64) {
    // The answer of an instance that has ended meanwhile.
    guard entries[id]?.question == question else { return }
    entries[id]?.value = report
    entries[id]?.question = nil
    // Without an instance it is what the last one reported.
    if entries[id]?.instance != nil { entries[id]?.received = clock.now }
    for wait in waits where wait.open.remove(id) != nil && wait.open.isEmpty { finish(wait) }
  }

  private func finish(_ wait: Wait) {
    waits.removeAll { $0 === wait }
    if let timer = wait.timer { clock.cancel(timer) }
    wait.done()
  }
}
