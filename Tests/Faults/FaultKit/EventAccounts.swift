import Agent
import Model

/// Counts events independently of the daemon: published, dispatched, delivered to each agent, folded and dropped. The
/// daemon's own counters must agree, so that every lost event is reported.
package final class EventAccounts {
  /// The daemon's own counters of events.
  package struct Log: Sendable {
    package var total: UInt64
    package var handedOn: UInt64
    package var shed: UInt64
    package var waiting: Int

    package init(total: UInt64, handedOn: UInt64, shed: UInt64, waiting: Int) {
      self.total = total
      self.handedOn = handedOn
      self.shed = shed
      self.waiting = waiting
    }
  }

  private struct Account {
    /// Events for the agent.
    var offered: UInt64 = 0
    /// Events that it received, including folded ones.
    var given: UInt64 = 0
  }

  private let depthLimit: Int
  /// The agent that each rule wakes.
  private let wakes: [String: AgentID]
  private var published: UInt64 = 0
  /// Published events that are not dispatched: those of cut chains, and `system:chain_cut` itself.
  private var cut: UInt64 = 0
  private var accounts: [AgentID: Account] = [:]

  package init(depthLimit: Int, wakes: [String: AgentID]) {
    self.depthLimit = depthLimit
    self.wakes = wakes
  }

  /// A new daemon begins to count at 0.
  package func lifeBegins() {
    (published, cut) = (0, 0)
    accounts = [:]
  }

  package func published(_ event: Event) {
    published += 1
    if event.depth > depthLimit || event.type == "system:chain_cut" { cut += 1 }
    guard event.type == "rule:fired", let agent = event["rule"]?.string.flatMap({ wakes[$0] }) else { return }
    accounts[agent, default: Account()].offered += UInt64(event["count"]?.int ?? 1)
  }

  /// An event is dispatched; `manifests` are the agents to count.
  package func dispatched(_ event: Event, to manifests: [Manifest]) {
    for manifest in manifests where manifest.subscribe.contains(where: { $0.matches(event.type) }) {
      accounts[manifest.id, default: Account()].offered += 1
    }
  }

  package func given(_ event: Event, to agent: AgentID) {
    accounts[agent, default: Account()].given += UInt64(event["count"]?.int ?? 1)
  }

  /// Compares the daemon's counters, between two of its actions.
  package func check(_ log: Log, _ invariants: Invariants, at now: Instant) {
    invariants.expect(
      log.total == published, "events counted", at: now,
      "there were \(published) events, and the daemon counts \(log.total)")
    let gone = log.handedOn + log.shed + UInt64(log.waiting)
    invariants.expect(
      published - cut == gone, "events counted", at: now,
      "of \(published - cut) events \(log.handedOn) were handed on, \(log.shed) shed, and \(log.waiting) wait")
  }

  /// Compares the daemon's counters for an agent.
  /// - Parameter waiting: deliveries, each of which may stand for several events.
  package func check(_ agent: AgentID, waiting: Int, dropped: UInt64, _ invariants: Invariants, at now: Instant) {
    let account = accounts[agent] ?? Account()
    let known = account.given + dropped
    invariants.expect(
      waiting == 0 ? account.offered == known : account.offered >= known + UInt64(waiting), "events of an agent",
      at: now,
      "of \(account.offered) events \(agent) was given \(account.given), \(dropped) were dropped, and \(waiting) wait")
  }
}
