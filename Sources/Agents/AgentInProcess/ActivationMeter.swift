import Agent
import Linux
import Model

/// The clocks that activations are measured with.
public struct ActivationClock {
  /// Nanoseconds that pass.
  public var elapsed: () -> UInt64
  /// Nanoseconds that this thread has computed.
  public var thread: () -> UInt64

  /// Clocks for a test, or the kernel's: see `system`.
  public init(elapsed: @escaping () -> UInt64, thread: @escaping () -> UInt64) {
    self.elapsed = elapsed
    self.thread = thread
  }

  /// The kernel's.
  public static var system: ActivationClock {
    ActivationClock(elapsed: { System.monotonicNanoseconds() }, thread: { System.threadNanoseconds() })
  }
}

/// Measures the activations of one agent.
///
/// Reading the time that a thread has computed is a system call, many times as dear as reading the time that passes
/// (measured: 420 ns and 23 ns). So short activations are charged the time that passed, which on one thread is never
/// less; an agent whose last activation was long, and one that has not had any, is measured by both.
struct ActivationMeter {
  private let clock: ActivationClock
  private var started: UInt64 = 0
  private var threadStarted: UInt64?
  private var isLong = true

  /// What takes so many nanoseconds or more is worth two system calls.
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
