import Model

/// Schedules retries of one operation with back-off.
final class Retry {
  private let clock: any Timekeeper
  private var backoff: Backoff
  private var timer: TimerID?

  init(_ clock: any Timekeeper, first: Duration = .seconds(1)) {
    self.clock = clock
    backoff = Backoff(first: first)
  }

  var isWaiting: Bool { timer != nil }

  func later(_ action: @escaping () -> Void) {
    cancel()
    timer = clock.schedule(after: backoff.next()) { [weak self] in
      self?.timer = nil
      action()
    }
  }

  func cancel() {
    if let timer { clock.cancel(timer) }
    timer = nil
  }

  func reset() {
    cancel()
    backoff.reset()
  }
}
