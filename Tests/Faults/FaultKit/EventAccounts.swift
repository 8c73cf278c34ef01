import Agent
import Model

/// Keeps books of events beside the daemon's own: what was published, handed on, given to each agent, folded and lost.
/// What the daemon says that was lost must be all that was.
public final class EventAccounts {
  /// What the daemon says of its events.
  public struct Log: Sendable {
    public var total: UInt64
    public var handedOn: UInt64
    public var shed: UInt64
    public var waiting: Int

    public init(total: UInt64, handedOn: UInt64, shed: UInt64, waiting: Int) {
      self.total = total
      self.handedOn = handedOn
      self.shed = shed
      self.waiting = waiting
    }
  }

  private struct Account {
    /// Events that were for it.
    var offered: UInt64 = 0
    /// Those that it was given, with all that were folded into them.
    var given: UInt64 = 0
  }

  private let depthLimit: Int
  /// Whom each rule wakes.
  private let wakes: [String: AgentID]
  private var published: UInt64 = 0
  /// Of those, what was kept and not handed on: chains that were cut, and the word of it.
  private var cut: UInt64 = 0
  private var accounts: [AgentID: Account] = [:]

  public init(depthLimit: Int, wakes: [String: AgentID]) {
    self.depthLimit = depthLimit
    self.wakes = wakes
  }

  /// A daemon begins with nothing.
  public func lifeBegins() {
    (published, cut) = (0, 0)
    accounts = [:]
  }

  public func published(_ event: Event) {
    published += 1
    if event.depth > depthLimit || event.type == "system:chain_cut" { cut += 1 }
    guard event.type == "rule:fired", let agent = event["rule"]?.string.flatMap({ wakes[$0] }) else { return }
    accounts[agent, default: Account()].offered += UInt64(event["count"]?.int ?? 1)
  }

  /// An event is handed on, to these agents among others.
  public func dispatched(_ event: Event, to manifests: [Manifest]) {
    for manifest in manifests where manifest.subscribe.contains(where: { $0.matches(event.type) }) {
      accounts[manifest.id, default: Account()].offered += 1
    }
  }

  public func given(_ event: Event, to agent: AgentID) {
    accounts[agent, default: Account()].given += UInt64(event["count"]?.int ?? 1)
  }

  /// Looks at what the daemon says; between two of its actions.
  public func check(_ log: Log, _ invariants: Invariants, at now: Instant) {
    invariants.expect(
      log.total == published, "events counted", at: now,
      "there were \(published) events, and the daemon counts \(log.total)")
    let gone = log.handedOn + log.shed + UInt64(log.waiting)
    invariants.expect(
      published - cut == gone, "events counted", at: now,
      "of \(published - cut) events \(log.handedOn) were handed on, \(log.shed) shed, and \(log.waiting) wait")
  }

  /// Looks at what the daemon says of an agent.
  /// - Parameter waiting: deliveries, each of which may stand for several events.
  public func check(_ agent: AgentID, waiting: Int, dropped: UInt64, _ invariants: Invariants, at now: Instant) {
    let account = accounts[agent] ?? Account()
    let known = account.given + dropped
    invariants.expect(
      waiting == 0 ? account.offered == known : account.offered >= known + UInt64(waiting), "events of an agent",
      at: now,
      "of \(account.offered) events \(agent) was given \(account.given), \(dropped) were dropped, and \(waiting) wait")
  }
}
