import Model

/// Debounces in time what nobody else does: a change counts when the line has then been quiet for a period.
///
/// It does what the kernel's own debouncing does (gpiolib-cdev.c, `debounce_work_func`): every edge starts the period
/// again, the level at its end counts, and the change has the time at which it counts.
public final class Debouncer {
  private let clock: any Timekeeper
  private let period: Duration
  private let level: () -> Bool?
  private let onChange: (Edge) -> Void
  private var timer: TimerID?
  private var latest: Edge?
  private var count: UInt32 = 0

  /// The debounced state.
  public private(set) var isActive: Bool

  /// Makes one for a line that is in the state `isActive` now.
  /// - Parameters:
  ///   - isActive: the line's level now; what it changes from.
  ///   - period: how long the line must be quiet.
  ///   - clock: edges carry its time.
  ///   - level: reads the line; nil when it cannot be read. Edges may get lost, the level does not lie.
  ///   - onChange: called for each change that counts; they are numbered from 1.
  public init(
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
  public func take(_ edge: Edge) {
    latest = edge
    if let timer { clock.cancel(timer) }
    // Counted from the edge's own time, however late the loop came to it.
    timer = clock.schedule(at: edge.time + period) { [weak self] in self?.settle() }
  }

  /// Forgets what is pending.
  public func cancel() {
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
