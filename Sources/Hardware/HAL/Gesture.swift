import Model

/// Tells short, long and double presses of one button apart.
///
/// Edges count by their own times, so that a late loop does not turn a short press into a long one.
final class Gesture {
  private enum State {
    /// Not pressed, and nothing is undecided. Also while a press that has been told lasts.
    case idle
    /// Pressed. `isSecond` if it began soon enough after another press.
    case pressed(at: Instant, isSecond: Bool)
    /// Released after a press that is short unless another one begins soon.
    case released(at: Instant)
  }

  private let settings: GestureSettings
  private let clock: any Timekeeper
  private let tell: (GestureEvents.Kind) -> Void
  private var state = State.idle
  private var timer: TimerID?

  /// - Parameters:
  ///   - clock: the clock of the edges' times.
  ///   - tell: called for each gesture.
  init(_ settings: GestureSettings, _ clock: any Timekeeper, _ tell: @escaping (GestureEvents.Kind) -> Void) {
    self.settings = settings
    self.clock = clock
    self.tell = tell
  }

  /// Takes a debounced edge.
  func take(_ edge: Edge) {
    if edge.isActive { press(edge.time) } else { release(edge.time) }
  }

  /// Forgets a press under way, because edges are missing. A press that is already over is still told.
  func forget() {
    guard case .pressed(_, let isSecond) = state else { return }
    end(isSecond ? .short : nil)
  }

  /// Forgets everything.
  func cancel() { end(nil) }

  private func press(_ time: Instant) {
    var isSecond = false
    if case .released(let last) = state {
      isSecond = time - last <= settings.double ?? .zero
      if !isSecond { end(.short) }
    }
    cancelTimer()
    state = .pressed(at: time, isSecond: isSecond)
    if let long = settings.long { wait(until: time + long) { [weak self] in self?.isLong() } }
  }

  private func release(_ time: Instant) {
    guard case .pressed(let since, let isSecond) = state else { return }
    if let long = settings.long, time - since >= long { return isLong() }
    if isSecond { return end(.double) }
    guard let double = settings.double else { return end(.short) }
    state = .released(at: time)
    wait(until: time + double) { [weak self] in self?.end(.short) }
  }

  private func isLong() {
    guard case .pressed(_, let isSecond) = state else { return }
    // The press before it was one of its own.
    if isSecond { tell(.short) }
    end(.long)
  }

  private func end(_ kind: GestureEvents.Kind?) {
    cancelTimer()
    state = .idle
    if let kind { tell(kind) }
  }

  private func wait(until instant: Instant, _ action: @escaping () -> Void) {
    cancelTimer()
    timer = clock.schedule(at: instant) { [weak self] in
      self?.timer = nil
      action()
    }
  }

  private func cancelTimer() {
    if let timer { clock.cancel(timer) }
    timer = nil
  }
}
