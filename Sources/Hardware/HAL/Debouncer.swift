import Model

/// Debounces a line in software: a change counts once the line has been quiet for a period.
///
/// It follows the kernel's own debouncing (gpiolib-cdev.c, `debounce_work_func`): every edge restarts the period, the
/// level at its end counts, and the change is dated to the end of the period.
package final class Debouncer {
  private let clock: any Timekeeper
  private let period: Duration
  private let level: () -> Bool?
  private let onChange: (Edge) -> Void
  private var timer: TimerID?
  private var latest: Edge?
  private var count: UInt32 = 0

  /// The debounced state.
  package private(set) var isActive: Bool

  /// - Parameters:
  ///   - isActive: the line's level now.
  ///   - period: how long the line must be quiet.
  ///   - clock: the clock of the edges' times.
  ///   - level: reads the line, since edges may get lost; nil when it cannot be read, then the latest edge counts.
  ///   - onChange: called for each debounced change; `sequence` counts from 1.
  package init(
    isActive: Bool, period: Duration, clock: any Timekeeper, level: @escaping () -> Bool?,
    onChange: @escaping (Edge) -> Void
  ) {
    self.isActive = isActive
    self.period = period
    self.clock = clock
    self.level = level
    self.onChange = onChange
  }

  /// Takes a raw edge and restarts the period.
  package func take(_ edge: Edge) {
    latest = edge
    if let timer { clock.cancel(timer) }
    // The period starts at the edge's own time, even if the loop is late.
    timer = clock.schedule(at: edge.time + period) { [weak self] in self?.settle() }
  }

  /// Drops a pending change; `isActive` stays as it is.
  package func cancel() {
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
    onChange(Edge(isActive: settled, time: edge.time + period, sequence: count))
  }
}
