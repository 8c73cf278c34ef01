import Model

/// Who must be quarantined for having ended the daemon, who may be, and when it must start in safe mode: counted from
/// what has happened to the daemon, without a look into its files.
///
/// What is kept in memory survives the daemon, and what is kept on the disk both daemon and board. Between two there may
/// be a change that was under way: then both states are right. What neither had room for ends with the daemon.
public final class StrikeRules {
  private struct End {
    var agent: AgentID?
    /// When the daemon after it began; nil when none has yet.
    var noted: Instant?
    var boot: Int
    /// The daemons after that one know of it, or not.
    var isKept = true
    /// The write failed when the file had its name: the next daemon may read it all the same.
    var isDoubtful = false
    /// A daemon has begun since that did not have to know of it.
    var isForgotten = false

    var isLost: Bool { isForgotten && !isDoubtful }
  }

  /// What a person has asked for, and how far it was kept: ends up to there do not count any more.
  private struct Pardon {
    var asked = 0
    /// In memory, and on the disk.
    var kept = 0
    var keptAtHome = 0

    mutating func powerGoes() { kept = keptAtHome }
  }

  static let window = Duration.seconds(600)
  /// Times go through files in milliseconds.
  private static let doubt = Duration.milliseconds(2)

  private var ends: [End] = []
  private var boot = 0
  private var began = Instant(nanoseconds: 0)
  private var releases: [AgentID: Pardon] = [:]
  private var forgiven = Pardon()
  /// What each write that is under way will have kept.
  private var underWay: [(releases: [AgentID: Int], forgiven: Int)] = []
  /// Who must not run, and of those who would also be known to the next daemon, and after a power cut.
  public private(set) var quarantined: Set<AgentID> = []
  private var quarantinedKept: Set<AgentID> = []
  private var quarantinedAtHome: Set<AgentID> = []

  /// Nobody has done anything.
  public init() {}

  // MARK: What happens

  /// The daemon ended otherwise than in order, or with the power.
  /// - Parameter agent: whose code it was in.
  public func daemonDied(in agent: AgentID?) { ends.append(End(agent: agent, noted: nil, boot: boot)) }

  /// What was kept in memory is gone.
  public func powerGoes() {
    boot += 1
    quarantinedKept.formIntersection(quarantinedAtHome)
    for agent in releases.keys { releases[agent]?.powerGoes() }
    forgiven.powerGoes()
  }

  /// The next one has read what was kept, and added how the last one ended.
  /// - Parameters:
  ///   - isKept: there was room for that, in memory or on the disk.
  ///   - isDoubtful: there was none, and yet it may be kept: fsync(2) failed, maybe that of the folder.
  ///   - isKeptAtHome: the disk took it.
  public func daemonStarts(at now: Instant, isKept: Bool = true, isDoubtful: Bool = false, isKeptAtHome: Bool) {
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

  /// A person lets an agent run again.
  /// - Parameter isWritten: that is being written; not so where nothing was held against it.
  public func release(_ agent: AgentID, isWritten: Bool) {
    releases[agent, default: Pardon()].asked = ends.count
    quarantined.remove(agent)
    quarantinedKept.remove(agent)
    quarantinedAtHome.remove(agent)
    if isWritten { write() }
  }

  /// A person leaves safe mode, which is being written.
  public func forgive() {
    forgiven.asked = ends.count
    write()
  }

  /// What is held against everybody is being written.
  public func write() { underWay.append((releases.mapValues(\.asked), forgiven.asked)) }

  /// The oldest write that was under way is done: one of the two files took it, or none.
  public func kept(anywhere isKept: Bool = true, atHome isKeptAtHome: Bool) {
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

  // MARK: What follows

  /// How many ends count, for certain or at most, beginning with the number `first`.
  private func count(after first: Int, isCertain: Bool, _ counts: (End) -> Bool) -> Int {
    ends.dropFirst(first).count { end in
      guard counts(end), let noted = end.noted, !end.isLost, !(isCertain && end.isForgotten) else { return false }
      // Across boots only the wall clock could tell, and that may have been set.
      guard end.boot == boot else { return !isCertain }
      return began - noted <= Self.window + (isCertain ? .zero - Self.doubt : Self.doubt)
    }
  }

  /// Looks at what a daemon made of it that has just begun.
  /// - Parameters:
  ///   - found: whom it does not run.
  ///   - isSafe: it is in safe mode.
  public func check(_ found: Set<AgentID>, isSafe: Bool, _ invariants: Invariants) {
    for agent in quarantined.sorted() {
      invariants.expect(found.contains(agent), "three strikes", at: began, "\(agent) is not held to account")
    }
    for agent in found.sorted() where !quarantined.contains(agent) {
      // One that was quarantined stays so, however long ago that was.
      let kept = releases[agent]?.kept ?? 0
      let most = ends.dropFirst(kept).count { $0.agent == agent && !$0.isLost }
      invariants.expect(most >= 3, "three strikes", at: began, "\(agent) is quarantined after \(most) strikes")
      // Its release was under way when the daemon died, and is lost: what is written from now on does not have it.
      releases[agent]?.asked = kept
    }
    let certain = count(after: forgiven.asked, isCertain: true) { _ in true }
    let most = count(after: forgiven.kept, isCertain: false) { _ in true }
    invariants.expect(certain < 5 || isSafe, "boot loop", at: began, "\(certain) ends, and no safe mode")
    invariants.expect(most >= 5 || !isSafe, "boot loop", at: began, "safe mode after \(most) ends")
  }
}
