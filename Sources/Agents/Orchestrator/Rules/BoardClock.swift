import Model

/// The board's wall clock: whether rules may go by it, and what is said when it was set.
///
/// It is trusted once it was synchronised in this boot, or where the board has a clock chip that agrees with it and it
/// is later than everything that was stored. From then on it stays so, however it is set.
public final class BoardClock {
  /// What besides the time itself speaks for a clock.
  public struct Evidence {
    /// Whether a clock chip that runs without power shows the same time.
    public var agreesWithChip: () -> Bool
    /// Whether a daemon of this boot has trusted it.
    public var wasTrusted: Bool
    /// Called once when it is trusted, so that the next daemon of this boot knows.
    public var remember: () -> Void

    /// Puts it together; by default there is none.
    public init(
      wasTrusted: Bool = false, agreesWithChip: @escaping () -> Bool = { false }, remember: @escaping () -> Void = {}
    ) {
      self.wasTrusted = wasTrusted
      self.agreesWithChip = agreesWithChip
      self.remember = remember
    }
  }

  /// No right clock shows an earlier time than that of this program, in milliseconds since 1970 (2026-01-01).
  private static let earliest: UInt64 = 1_767_225_600_000
  /// How soon a clock that is not trusted is looked at again, at first and at most.
  private static let (soonest, latest) = (Duration.seconds(1), Duration.seconds(60))
  /// What is less is no news.
  private static let shortestStep = Duration.seconds(1)

  /// Whether rules may go by it.
  public private(set) var isTrusted: Bool
  /// Called when it was set, or has become trusted.
  var onChange: () -> Void = {}
  /// The newest time that is stored, in milliseconds since 1970; 0 where nothing is.
  public var lastStored: UInt64 = 0 {
    didSet { lookForTrust() }
  }

  private let clock: any Timekeeper
  private let events: any EventSink
  private let evidence: Evidence
  private var seen: (wall: UInt64, at: Instant)
  private var isWanted = false
  private var timer: TimerID?
  private var wait = soonest

  /// A clock as it is now.
  public init(_ policy: Board.Clock, clock: any Timekeeper, events: any EventSink, evidence: Evidence = Evidence()) {
    self.clock = clock
    self.events = events
    self.evidence = evidence
    isTrusted = policy == .any || evidence.wasTrusted || clock.wallIsSynchronised
    seen = (clock.wallMilliseconds, clock.now)
    if isTrusted, policy != .any { evidence.remember() }
  }

  /// The wall clock was set.
  public func wasSet() {
    let expected = Int64(clamping: seen.wall) + (clock.now - seen.at).nanoseconds / 1_000_000
    let step = Duration.milliseconds(Int64(clamping: clock.wallMilliseconds) - expected)
    seen = (clock.wallMilliseconds, clock.now)
    if step >= Self.shortestStep || step <= .zero - Self.shortestStep {
      events.publish(SystemEvents.clockSet(by: step), from: "system")
    }
    if !lookForTrust() { onChange() }
  }

  /// Whether anybody waits for it to be trusted: then it is looked at now and then until it is, as not every program
  /// that synchronises a clock sets it.
  func isWanted(_ isWanted: Bool) {
    self.isWanted = isWanted
    if isWanted { waitForTrust() }
  }

  private func waitForTrust() {
    guard isWanted, !isTrusted, timer == nil else { return }
    timer = clock.schedule(after: wait) { [weak self] in
      guard let self else { return }
      timer = nil
      wait = min(wait * 2, Self.latest)
      if !lookForTrust() { waitForTrust() }
    }
  }

  /// - Returns: whether it has become trusted just now.
  @discardableResult
  private func lookForTrust() -> Bool {
    guard !isTrusted else { return false }
    let isLater = clock.wallMilliseconds > max(lastStored, Self.earliest)
    guard clock.wallIsSynchronised || isLater && evidence.agreesWithChip() else { return false }
    isTrusted = true
    evidence.remember()
    events.publish(SystemEvents.clockTrusted(isSynchronised: clock.wallIsSynchronised), from: "system")
    onChange()
    return true
  }
}
