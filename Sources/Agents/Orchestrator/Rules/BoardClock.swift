import Model

/// The board's wall clock: whether rules may trust it, and the events when it was set.
///
/// It is trusted once it was synchronised since the boot, or when it agrees with the board's clock chip and is later
/// than every stored time. Trust lasts until the end of the daemon, however the clock is set.
package final class BoardClock {
  /// Evidence for a clock beside its time.
  package struct Evidence {
    /// Whether a battery-backed clock chip shows the same time.
    package var agreesWithChip: () -> Bool
    /// Whether a daemon has trusted the clock since the boot.
    package var wasTrusted: Bool
    /// Called once when the clock becomes trusted, to store that for the next daemon of this boot.
    package var remember: () -> Void

    /// Evidence; by default none.
    package init(
      wasTrusted: Bool = false, agreesWithChip: @escaping () -> Bool = { false }, remember: @escaping () -> Void = {}
    ) {
      self.wasTrusted = wasTrusted
      self.agreesWithChip = agreesWithChip
      self.remember = remember
    }
  }

  /// An earlier time than the release of this program is certainly wrong; milliseconds since 1970 (2026-01-01).
  private static let earliest: UInt64 = 1_767_225_600_000
  /// How soon an untrusted clock is checked again: the first and the longest interval.
  private static let (soonest, latest) = (Duration.seconds(1), Duration.seconds(60))
  /// Smaller steps are not reported.
  private static let shortestStep = Duration.seconds(1)

  /// Whether rules may trust the clock.
  package private(set) var isTrusted: Bool
  /// Called when the clock was set or has become trusted.
  var onChange: () -> Void = {}
  /// The newest stored time, in milliseconds since 1970; 0 when none is stored.
  package var lastStored: UInt64 = 0 {
    didSet { lookForTrust() }
  }

  private let clock: any Timekeeper
  private let events: any EventSink
  private let evidence: Evidence
  private var seen: (wall: UInt64, at: Instant)
  private var isWanted = false
  private var timer: TimerID?
  private var wait = soonest

  /// A clock; a policy of `any` trusts it at once.
  package init(_ policy: Board.Clock, clock: any Timekeeper, events: any EventSink, evidence: Evidence = Evidence()) {
    self.clock = clock
    self.events = events
    self.evidence = evidence
    isTrusted = policy == .any || evidence.wasTrusted || clock.wallIsSynchronised
    seen = (clock.wallMilliseconds, clock.now)
    if isTrusted, policy != .any { evidence.remember() }
  }

  /// Call it when the wall clock was set.
  package func wasSet() {
    let expected = Int64(clamping: seen.wall) + (clock.now - seen.at).nanoseconds / 1_000_000
    let step = Duration.milliseconds(Int64(clamping: clock.wallMilliseconds) - expected)
    seen = (clock.wallMilliseconds, clock.now)
    if step >= Self.shortestStep || step <= .zero - Self.shortestStep {
      events.publish(SystemEvents.clockSet(by: step), from: "system")
    }
    if !lookForTrust() { onChange() }
  }

  /// Whether a rule waits for the clock to be trusted. While one does, the clock is checked from time to time, because
  /// not every time service sets it in a step.
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

  /// - Returns: whether the clock has become trusted in this call.
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
