import Agent
import Linux
import Model

/// The clocks for measuring activations.
package struct ActivationClock {
  /// Monotonic time, in nanoseconds.
  package var elapsed: () -> UInt64
  /// CPU time of the calling thread, in nanoseconds.
  package var thread: () -> UInt64

  /// For tests; otherwise use `system`.
  package init(elapsed: @escaping () -> UInt64, thread: @escaping () -> UInt64) {
    self.elapsed = elapsed
    self.thread = thread
  }

  /// The kernel's clocks.
  package static var system: ActivationClock {
    ActivationClock(elapsed: { System.monotonicNanoseconds() }, thread: { System.threadNanoseconds() })
  }
}

/// Measures the activations of one agent.
///
/// Reading the thread's CPU time is a system call (measured: 420 ns); reading the monotonic clock is not (23 ns). So
/// short activations are charged their elapsed time, which on one thread is never less than their CPU time. CPU time
/// is measured for an agent's first activation, and for each one after a long activation.
struct ActivationMeter {
  private let clock: ActivationClock
  private var started: UInt64 = 0
  private var threadStarted: UInt64?
  private var isLong = true

  /// Nanoseconds. For an activation this long the cost of two system calls is negligible.
  static let long: UInt64 = 100_000

  init(_ clock: ActivationClock) { self.clock = clock }

  mutating func begin() {
    threadStarted = isLong ? clock.thread() : nil
    started = clock.elapsed()
  }

  mutating func end() -> ActivationCost {
    let elapsed = Self.between(started, clock.elapsed())
    let thread = threadStarted.map { Self.between($0, clock.thread()) } ?? 0
    isLong = elapsed >= Self.long
    return ActivationCost(runTime: min(thread, elapsed), totalTime: elapsed)
  }

  private static func between(_ start: UInt64, _ end: UInt64) -> UInt64 { end > start ? end - start : 0 }
}
