import Agent
import Model

/// The strikes of agents that ended the daemon. Three strikes within ten minutes quarantine an agent; five unclean ends
/// of the daemon within ten minutes are a boot loop.
package struct Strikes: Sendable, Hashable {
  /// How long strikes and unclean ends count.
  package static let window = Duration.seconds(600)
  /// The number of strikes that quarantine an agent.
  package static let strikeLimit = 3
  /// The number of unclean ends that make a boot loop.
  package static let loopLimit = 5
  /// The most strikes, unclean ends and quarantines that are stored, each.
  static let keptLimit = 64

  /// A point in time that can be compared across a reboot.
  package struct Moment: Sendable, Hashable {
    /// The boot's id.
    package var boot: String
    /// The time on the monotonic clock of that boot.
    package var instant: Instant
    /// The wall-clock time in milliseconds since 1970.
    package var wall: UInt64

    /// A moment; the three values must be of the same time.
    package init(boot: String, instant: Instant, wall: UInt64) {
      self.boot = boot
      self.instant = instant
      self.wall = wall
    }

    /// Whether `other` is at most `span` before or after this moment. Compares the monotonic clock within one boot, and
    /// the wall clock across a reboot, although that may be wrong on a board without a real-time clock.
    func isNear(_ other: Moment, within span: Duration) -> Bool {
      if boot == other.boot { return instant - other.instant <= span && other.instant - instant <= span }
      return (wall > other.wall ? wall - other.wall : other.wall - wall) <= UInt64(span.nanoseconds / 1_000_000)
    }
  }

  /// An end of the daemon by an agent.
  package struct Strike: Sendable, Hashable {
    /// The agent.
    package var agent: AgentID
    /// The cause, as a sentence.
    package var cause: String
    /// The start of the daemon that noticed it.
    package var at: Moment
  }

  /// The reason of a quarantine.
  package struct Quarantine: Sendable, Hashable {
    /// How the agent last ended the daemon; nil if it was only restarted too often.
    package var ending: Verdict.Ending?
    /// The exit reason and a sentence.
    package var failure: AgentFailure

    /// For ending the daemon too often.
    init(_ ending: Verdict.Ending, _ sentence: String) {
      self.ending = ending
      let reason: ExitReason =
        switch ending {
        case .spinning, .blocked: .stuck
        case .killed: .killed
        default: .crash
        }
      failure = AgentFailure(reason, sentence)
    }

    /// For failing too often.
    init(_ failure: AgentFailure) { self.failure = failure }
  }

  /// The strikes of all agents, oldest first.
  package private(set) var strikes: [Strike] = []
  /// The starts of the daemon after an unclean end, oldest first.
  package private(set) var unclean: [Moment] = []
  /// The quarantined agents with their reasons.
  package private(set) var quarantined: [AgentID: Quarantine] = [:]

  /// The last boot whose reset by the hardware watchdog was counted.
  private var resetBoot: String?

  /// Grows with each stored change; 0 before the first.
  package var revision = 0

  /// No strikes.
  package init() {}

  /// The number of the agent's strikes within the window.
  package func count(_ agent: AgentID, at now: Moment) -> Int {
    strikes.count { $0.agent == agent && $0.at.isNear(now, within: Self.window) }
  }

  /// Whether there were too many unclean ends within the window, so that the daemon must start in safe mode.
  package func isBootLoop(at now: Moment) -> Bool {
    unclean.count { $0.isNear(now, within: Self.window) } >= Self.loopLimit
  }

  /// Notes how the last run ended.
  /// - Returns: whether anything changed that must be stored.
  package mutating func note(_ verdict: Verdict, at now: Moment) -> Bool {
    let before = self
    strikes.removeAll { !$0.at.isNear(now, within: Self.window) }
    unclean.removeAll { !$0.isNear(now, within: Self.window) }
    guard verdict.isUnclean else { return self != before }
    unclean = Array((unclean + [now]).suffix(Self.keptLimit))
    if let agent = verdict.blamed {
      strikes = Array((strikes + [Strike(agent: agent, cause: verdict.sentence, at: now)]).suffix(Self.keptLimit))
      if count(agent, at: now) >= Self.strikeLimit, quarantined.count < Self.keptLimit {
        quarantined[agent] = Quarantine(
          verdict.ending,
          "it ended the daemon \(count(agent, at: now)) times within \(Self.window.text); last: \(verdict.sentence)")
      }
    }
    return self != before
  }

  /// Notes that the hardware watchdog has reset the board. The hardware reports that until the next boot; only the
  /// first start in a boot counts it.
  /// - Returns: whether anything changed that must be stored.
  package mutating func noteReset(at now: Moment) -> Bool {
    guard resetBoot != now.boot else { return false }
    resetBoot = now.boot
    unclean = Array((unclean + [now]).suffix(Self.keptLimit))
    return true
  }

  /// Quarantines an agent that was restarted too often.
  /// - Returns: whether anything changed; false when it is already quarantined, or `keptLimit` agents are.
  package mutating func quarantine(_ agent: AgentID, for failure: AgentFailure) -> Bool {
    guard quarantined[agent] == nil, quarantined.count < Self.keptLimit else { return false }
    quarantined[agent] = Quarantine(failure)
    return true
  }

  /// Ends the agent's quarantine and forgets its strikes.
  /// - Returns: whether anything changed.
  package mutating func release(_ agent: AgentID) -> Bool {
    let before = self
    strikes.removeAll { $0.agent == agent }
    quarantined[agent] = nil
    return self != before
  }

  /// Forgets all unclean ends, because a person leaves safe mode.
  package mutating func forgiveEnds() { unclean = [] }

  /// Replaces this copy by another if that is newer. Copies are not merged: one on a disk that was full for a while
  /// would bring back strikes that a person has forgiven since.
  package mutating func take(_ other: Strikes) { if other.revision > revision { self = other } }
}

extension Strikes {
  /// The value for the file.
  package var value: Value {
    [
      "format": 1, "revision": .int(Int64(revision)), "reset_boot": resetBoot.map { .string($0) } ?? .null,
      "strikes": .list(
        strikes.map { ["agent": .string($0.agent.rawValue), "cause": .string($0.cause), "at": $0.at.value] }),
      "unclean": .list(unclean.map(\.value)),
      "quarantined": .map(
        Fields(
          quarantined.sorted { $0.key < $1.key }.map { agent, why in
            (
              agent.rawValue,
              [
                "ending": why.ending.map { .string($0.rawValue) } ?? .null,
                "reason": .string(why.failure.reason.rawValue), "sentence": .string(why.failure.message),
              ]
            )
          })),
    ]
  }

  /// Parses the value of a file.
  /// - Returns: nil unless all of it is valid; a damaged file is not used in part.
  package init?(_ value: Value) {
    guard value["format"]?.int == 1, let strikes = value["strikes"]?.list, let unclean = value["unclean"]?.list,
      let quarantined = value["quarantined"]?.map, strikes.count <= Self.keptLimit, unclean.count <= Self.keptLimit,
      quarantined.count <= Self.keptLimit
    else { return nil }
    // Files of the first version have no revision and are older than any with one.
    revision = max(1, Int(clamping: value["revision"]?.int ?? 1))
    resetBoot = value["reset_boot"]?.string
    for strike in strikes {
      guard let agent = strike["agent"]?.string.map({ AgentID($0) }), agent.isWellFormed,
        let cause = strike["cause"]?.string, let at = strike["at"].flatMap(Moment.init)
      else { return nil }
      self.strikes.append(Strike(agent: agent, cause: cause, at: at))
    }
    for end in unclean {
      guard let moment = Moment(end) else { return nil }
      self.unclean.append(moment)
    }
    for (name, why) in quarantined {
      guard AgentID(name).isWellFormed, let sentence = why["sentence"]?.string else { return nil }
      if let ending = why["ending"]?.string.flatMap(Verdict.Ending.init) {
        self.quarantined[AgentID(name)] = Quarantine(ending, sentence)
      } else if let reason = why["reason"]?.string.flatMap(ExitReason.init) {
        self.quarantined[AgentID(name)] = Quarantine(AgentFailure(reason, sentence))
      } else {
        return nil
      }
    }
  }
}

extension Strikes.Moment {
  fileprivate var value: Value {
    [
      "boot": .string(boot), "monotonic_ms": .int(Int64(clamping: instant.nanoseconds / 1_000_000)),
      "wall_ms": .int(Int64(clamping: wall)),
    ]
  }

  fileprivate init?(_ value: Value) {
    guard let boot = value["boot"]?.string, let instant = value["monotonic_ms"]?.int,
      let wall = value["wall_ms"]?.int, instant >= 0, wall >= 0, instant <= Int64.max / 1_000_000
    else { return nil }
    self.init(boot: boot, instant: Instant(nanoseconds: UInt64(instant) * 1_000_000), wall: UInt64(wall))
  }
}
