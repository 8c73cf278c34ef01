import Model

/// Predicts quarantines and safe mode from the observed ends of daemons, without reading the daemon's files.
///
/// Strikes in memory survive the daemon; those on the disk also survive a power cut. A change that was being written
/// when the daemon died may or may not survive. A change that neither could store is lost with the daemon.
package final class StrikeRules {
  private struct End {
    var agent: AgentID?
    /// When the next daemon started; nil before that.
    var noted: Instant?
    var boot: Int
    /// Whether the daemons after the next one know of it.
    var isKept = true
    /// Whether the write failed after the file was renamed into place: the next daemon may read it nevertheless.
    var isDoubtful = false
    /// Whether a daemon has started since that need not know of it.
    var isForgotten = false

    var isLost: Bool { isForgotten && !isDoubtful }
  }

  /// A person's release or exit from safe mode: the number of ends that it forgives.
  private struct Pardon {
    var asked = 0
    /// The numbers stored in memory, and on the disk.
    var kept = 0
    var keptAtHome = 0

    mutating func powerGoes() { kept = keptAtHome }
  }

  static let window = Duration.seconds(600)
  /// The tolerance for times, because files store them in milliseconds.
  private static let doubt = Duration.milliseconds(2)

  private var ends: [End] = []
  private var boot = 0
  private var began = Instant(nanoseconds: 0)
  private var releases: [AgentID: Pardon] = [:]
  private var forgiven = Pardon()
  /// The contents of each write under way.
  private var underWay: [(releases: [AgentID: Int], forgiven: Int)] = []
  /// The quarantined agents; those that the next daemon also knows; and those that survive a power cut.
  package private(set) var quarantined: Set<AgentID> = []
  private var quarantinedKept: Set<AgentID> = []
  private var quarantinedAtHome: Set<AgentID> = []

  /// Begins without strikes.
  package init() {}

  // MARK: Events

  /// The daemon ended, but not by a shutdown or a power cut.
  /// - Parameter agent: the agent whose code was running; nil for none.
  package func daemonDied(in agent: AgentID?) { ends.append(End(agent: agent, noted: nil, boot: boot)) }

  /// The power was cut: strikes in memory are lost.
  package func powerGoes() {
    boot += 1
    quarantinedKept.formIntersection(quarantinedAtHome)
    for agent in releases.keys { releases[agent]?.powerGoes() }
    forgiven.powerGoes()
  }

  /// The next daemon has read the strikes and added the last end.
  /// - Parameters:
  ///   - isKept: whether the result was stored, in memory or on the disk.
  ///   - isDoubtful: whether it may have been stored although that failed: the fsync(2) of the folder failed.
  ///   - isKeptAtHome: whether it was stored on the disk.
  package func daemonStarts(at now: Instant, isKept: Bool = true, isDoubtful: Bool = false, isKeptAtHome: Bool) {
    began = now
    underWay = []
    quarantined.formIntersection(quarantinedKept)
    for index in ends.indices where !ends[index].isKept { ends[index].isForgotten = true }
    for index in ends.indices where ends[index].noted == nil {
      ends[index].noted = now
      ends[index].isKept = isKept
      ends[index].isDoubtful = isDoubtful
    }
    for agent in Set(ends.compactMap(\.agent)) {
      let strikes = count(after: releases[agent]?.asked ?? 0, isCertain: true) { $0.agent == agent }
      if strikes >= 3 { quarantined.insert(agent) }
    }
    if isKept { quarantinedKept = quarantined }
    if isKeptAtHome { quarantinedAtHome = quarantined }
  }

  /// A person releases an agent.
  /// - Parameter isWritten: whether the release is being written; false for an agent without strikes.
  package func release(_ agent: AgentID, isWritten: Bool) {
    releases[agent, default: Pardon()].asked = ends.count
    quarantined.remove(agent)
    quarantinedKept.remove(agent)
    quarantinedAtHome.remove(agent)
    if isWritten { write() }
  }

  /// A person leaves safe mode, which is being written.
  package func forgive() {
    forgiven.asked = ends.count
    write()
  }

  /// A write of all strikes begins.
  package func write() { underWay.append((releases.mapValues(\.asked), forgiven.asked)) }

  /// The oldest write has ended.
  /// - Parameters:
  ///   - isKept: whether memory or disk has stored it.
  ///   - isKeptAtHome: whether the disk has stored it.
  package func kept(anywhere isKept: Bool = true, atHome isKeptAtHome: Bool) {
    guard !underWay.isEmpty else { return }
    let done = underWay.removeFirst()
    guard isKept else { return }
    for (agent, number) in done.releases { keep(&releases[agent, default: Pardon()], number, isKeptAtHome) }
    keep(&forgiven, done.forgiven, isKeptAtHome)
    for index in ends.indices where ends[index].noted != nil && !ends[index].isForgotten { ends[index].isKept = true }
    quarantinedKept = quarantined
    if isKeptAtHome { quarantinedAtHome = quarantined }
  }

  private func keep(_ pardon: inout Pardon, _ number: Int, _ isKeptAtHome: Bool) {
    pardon.kept = number
    if isKeptAtHome { pardon.keptAtHome = number }
  }

  // MARK: Predictions

  /// The number of ends from `first` on that count: certainly, or at most.
  private func count(after first: Int, isCertain: Bool, _ counts: (End) -> Bool) -> Int {
    ends.dropFirst(first).count { end in
      guard counts(end), let noted = end.noted, !end.isLost, !(isCertain && end.isForgotten) else { return false }
      // Across boots the time between ends is uncertain, because the wall clock may have been set.
      guard end.boot == boot else { return !isCertain }
      return began - noted <= Self.window + (isCertain ? .zero - Self.doubt : Self.doubt)
    }
  }

  /// Checks the decisions of a daemon that has just started.
  /// - Parameters:
  ///   - found: the agents that it quarantines.
  ///   - isSafe: whether it is in safe mode.
  package func check(_ found: Set<AgentID>, isSafe: Bool, _ invariants: Invariants) {
    for agent in quarantined.sorted() {
      invariants.expect(found.contains(agent), "three strikes", at: began, "\(agent) is not quarantined")
    }
    for agent in found.sorted() where !quarantined.contains(agent) {
      // A quarantine does not expire.
      let kept = releases[agent]?.kept ?? 0
      let most = ends.dropFirst(kept).count { $0.agent == agent && !$0.isLost }
      invariants.expect(most >= 3, "three strikes", at: began, "\(agent) is quarantined after \(most) strikes")
      // Its release was lost when the daemon died: later writes do not contain it.
      releases[agent]?.asked = kept
    }
    let certain = count(after: forgiven.asked, isCertain: true) { _ in true }
    let most = count(after: forgiven.kept, isCertain: false) { _ in true }
    invariants.expect(certain < 5 || isSafe, "boot loop", at: began, "\(certain) ends, and no safe mode")
    invariants.expect(most >= 5 || !isSafe, "boot loop", at: began, "safe mode after \(most) ends")
  }
}
