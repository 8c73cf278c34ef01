import HAL
import Model

/// Debounces in time what the kernel does not: a change counts when the line has then been quiet for a period.
final class Debouncer {
  private let clock: any Timekeeper
  private let period: Duration
  private let level: () -> Bool?
  private let onChange: (Edge) -> Void
  private var timer: TimerID?
  private var latest: Edge?
  private var count: UInt32 = 0

  /// The debounced state.
  private(set) var isActive: Bool

  /// Makes one for a line that is in the state `isActive` now.
  /// - Parameters:
  ///   - level: reads the line; nil when it cannot be read. Edges may get lost, the level does not lie.
  ///   - onChange: called when a change has lasted `period`, with the time at which it began to last.
  init(
    isActive: Bool, period: Duration, clock: any Timekeeper, level: @escaping () -> Bool?,
    onChange: @escaping (Edge) -> Void
  ) {
    self.isActive = isActive
    self.period = period
    self.clock = clock
    self.level = level
    self.onChange = onChange
  }

  /// Takes a raw edge.
  func take(_ edge: Edge) {
    latest = edge
    if let timer { clock.cancel(timer) }
    // Counted from the kernel's timestamp, however late the loop came to it.
    timer = clock.schedule(at: edge.time + period) { [weak self] in self?.settle() }
  }

  /// Forgets what is pending.
  func cancel() {
    if let timer { clock.cancel(timer) }
    timer = nil
    latest = nil
  }

  private func settle() {
    timer = nil
    guard let edge = latest.take() else { return }
    let settled = level() ?? edge.isActive
    guard settled != isActive else { return }
    isActive = settled
    count &+= 1
    onChange(Edge(isActive: settled, time: edge.time, sequence: count))
  }
}
