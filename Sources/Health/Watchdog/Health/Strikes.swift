import Agent
import Model

/// Who has ended the daemon, when, and what follows: three strikes within ten minutes quarantine an agent, five
/// unclean ends within ten minutes are a boot loop.
public struct Strikes: Sendable, Hashable {
  /// How long something is held against anybody.
  public static let window = Duration.seconds(600)
  /// How many strikes are too many.
  public static let strikeLimit = 3
  /// How many unclean ends are a boot loop.
  public static let loopLimit = 5
  /// How many strikes, ends and quarantines are kept at most, each.
  static let keptLimit = 64

  /// A point in time that can be told across a reboot.
  public struct Moment: Sendable, Hashable {
    /// The boot's id.
    public var boot: String
    /// On the monotonic clock of that boot.
    public var instant: Instant
    /// Milliseconds since 1970.
    public var wall: UInt64

    /// Puts a moment together.
    public init(boot: String, instant: Instant, wall: UInt64) {
      self.boot = boot
      self.instant = instant
      self.wall = wall
    }

    /// Whether `other` is at most `span` away from this. Within one boot the monotonic clock says so; across a reboot
    /// only the wall clock is left, which a board without a clock chip may have set back.
    func isNear(_ other: Moment, within span: Duration) -> Bool {
      if boot == other.boot { return instant - other.instant <= span && other.instant - instant <= span }
      return (wall > other.wall ? wall - other.wall : other.wall - wall) <= UInt64(span.nanoseconds / 1_000_000)
    }
  }

  /// One time that an agent has ended the daemon.
  public struct Strike: Sendable, Hashable {
    /// Who.
    public var agent: AgentID
    /// What it did, for people.
    public var cause: String
    /// When the daemon found out.
    public var at: Moment
  }

  /// Why an agent is not run.
  public struct Quarantine: Sendable, Hashable {
    /// How it last ended the daemon; nil for one that was started again too often, and harmed nobody else.
    public var ending: Verdict.Ending?
    /// Why, with a sentence for people.
    public var failure: AgentFailure

    /// For having ended the daemon.
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

    /// For having failed too often.
    init(_ failure: AgentFailure) { self.failure = failure }
  }

  /// What is held against agents, oldest first.
  public private(set) var strikes: [Strike] = []
  /// When the daemon found that it had ended badly, oldest first.
  public private(set) var unclean: [Moment] = []
  /// Agents that are not run, and why.
  public private(set) var quarantined: [AgentID: Quarantine] = [:]

  /// The boot before which the hardware's watchdog had reset the board, as it was noted last.
  private var resetBoot: String?

  /// Grows with each change that is kept; 0 before the first.
  public var revision = 0

  /// Nobody has done anything.
  public init() {}

  /// How often `agent` has ended the daemon within the window.
  public func count(_ agent: AgentID, at now: Moment) -> Int {
    strikes.count { $0.agent == agent && $0.at.isNear(now, within: Self.window) }
  }

  /// Whether the daemon must not go on as before.
  public func isBootLoop(at now: Moment) -> Bool {
    unclean.count { $0.isNear(now, within: Self.window) } >= Self.loopLimit
  }

  /// Notes how the last run ended.
  /// - Returns: whether anything changed that is to be kept.
  public mutating func note(_ verdict: Verdict, at now: Moment) -> Bool {
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

  /// Notes that the hardware's watchdog has reset the board, an end of which nothing else is known. The hardware says so
  /// until the next boot: it counts with the first start that hears of it.
  /// - Returns: whether anything changed that is to be kept.
  public mutating func noteReset(at now: Moment) -> Bool {
    guard resetBoot != now.boot else { return false }
    resetBoot = now.boot
    unclean = Array((unclean + [now]).suffix(Self.keptLimit))
    return true
  }

  /// The agent was started again too often.
  /// - Returns: whether that is to be kept: not so when it is in quarantine already, or too many are.
  public mutating func quarantine(_ agent: AgentID, for failure: AgentFailure) -> Bool {
    guard quarantined[agent] == nil, quarantined.count < Self.keptLimit else { return false }
    quarantined[agent] = Quarantine(failure)
    return true
  }

  /// A person lets the agent out: nothing is held against it any more.
  /// - Returns: whether anything changed.
  public mutating func release(_ agent: AgentID) -> Bool {
    let before = self
    strikes.removeAll { $0.agent == agent }
    quarantined[agent] = nil
    return self != before
  }

  /// A person leaves safe mode: the ends so far do not count any more.
  public mutating func forgiveEnds() { unclean = [] }

  /// Takes another copy into account: the newer of the two counts, since each was whole when it was written. One that
  /// could not be written for a while, as on a full disk, must not bring back what a person has forgiven since.
  public mutating func take(_ other: Strikes) { if other.revision > revision { self = other } }
}

extension Strikes {
  /// As it is kept in a file.
  public var value: Value {
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

  /// Reads what was kept.
  /// - Returns: nil unless all of it makes sense: a file that was damaged is not guessed from.
  public init?(_ value: Value) {
    guard value["format"]?.int == 1, let strikes = value["strikes"]?.list, let unclean = value["unclean"]?.list,
      let quarantined = value["quarantined"]?.map, strikes.count <= Self.keptLimit, unclean.count <= Self.keptLimit,
      quarantined.count <= Self.keptLimit
    else { return nil }
    // The first version counted no revisions: any that has one is newer.
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
