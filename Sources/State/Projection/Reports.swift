import Agent
import Model

/// An agent's report of its own counters and state.
package struct Report: Sendable, Hashable {
  /// The last report; an empty object before the first.
  package var value: Value = [:]
  /// The age of the last report by a running instance; nil before the first.
  package var age: Duration?
  /// Whether a newer report was requested and has not arrived in time.
  package var isLate = false

  var fields: Fields {
    ["report": value, "report_age_ms": age?.milliseconds ?? .null, "report_late": .bool(isLate)]
  }
}

/// Requests reports from agents, with a deadline, so that an agent that does not answer cannot block a read.
final class Reports {
  private struct Entry {
    var value: Value = [:]
    var received: Instant?
    /// The start time of the instance that `question` was sent to.
    var instance: Instant?
    /// The open question; nil for none. An instance gets one question at a time.
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

  /// Drops the reports of agents that are not in `known`.
  func forget(besides known: Set<AgentID>) { entries = entries.filter { known.contains($0.key) } }

  /// The last report of an agent, with its age now.
  func report(of id: AgentID) -> Report {
    guard let entry = entries[id] else { return Report() }
    return Report(
      value: entry.value, age: entry.received.map { clock.now - $0 }, isLate: entry.question != nil)
  }

  /// Requests the reports of these agents.
  /// - Parameter done: called once, when all have answered or at the deadline.
  func ask(_ listed: [AgentStatus], _ done: @escaping () -> Void) {
    let open = Set(listed.filter { !isAnswered($0) }.map(\.id))
    if open.isEmpty { return done() }
    let wait = Wait(open, done)
    wait.timer = clock.schedule(after: deadline) { [weak self] in self?.finish(wait) }
    waits.append(wait)
  }

  /// Sends a question to an agent, unless its instance still has an open one.
  /// - Returns: whether the agent has answered at once.
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
      // Another agent's answer has unregistered this one.
      entries[status.id] = nil
    }
    return entries[status.id]?.question == nil
  }

  private func received(_ report: Value, from id: AgentID, _ question: UInt64) {
    // Ignore the answer of an earlier instance.
    guard entries[id]?.question == question else { return }
    entries[id]?.value = report
    entries[id]?.question = nil
    // Without a running instance, the answer is the last instance's report, and keeps its age.
    if entries[id]?.instance != nil { entries[id]?.received = clock.now }
    for wait in waits where wait.open.remove(id) != nil && wait.open.isEmpty { finish(wait) }
  }

  private func finish(_ wait: Wait) {
    waits.removeAll { $0 === wait }
    if let timer = wait.timer { clock.cancel(timer) }
    wait.done()
  }
}
