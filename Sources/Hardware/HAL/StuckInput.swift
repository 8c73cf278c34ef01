import Model

/// Notices that an input has been active for too long.
final class StuckInput {
  private let limit: Duration
  private let clock: any Timekeeper
  private let tell: (Bool) -> Void
  private var timer: TimerID?
  private(set) var isStuck = false

  /// - Parameters:
  ///   - limit: how long it may be active.
  ///   - tell: called with true when it is stuck, and with false when it is not any more.
  init(_ limit: Duration, _ clock: any Timekeeper, _ tell: @escaping (Bool) -> Void) {
    self.limit = limit
    self.clock = clock
    self.tell = tell
  }

  /// Takes a level: an edge's, or the present one.
  /// - Parameter since: when the input took it.
  func take(_ isActive: Bool, since: Instant) {
    guard isActive else {
      pause()
      if isStuck {
        isStuck = false
        tell(false)
      }
      return
    }
    guard timer == nil, !isStuck else { return }
    timer = clock.schedule(at: since + limit) { [weak self] in
      guard let self else { return }
      timer = nil
      isStuck = true
      tell(true)
    }
  }

  /// Stops to count, because the level is not known.
  func pause() {
    if let timer { clock.cancel(timer) }
    timer = nil
  }
}
