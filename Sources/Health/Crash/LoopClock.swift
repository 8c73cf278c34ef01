import CLinux
import Linux
import Model

/// The kernel's accounting of the calling thread's time.
package struct LoopClock {
  /// A clock; it has no state.
  package init() {}

  /// The CPU time of the calling thread (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID).
  package var cpu: Duration {
    var time = timespec()
    // SAFETY: the kernel fills in the structure.
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  /// The time for which the calling thread was ready but had no CPU (/proc/thread-self/schedstat); nil on a kernel
  /// without CONFIG_SCHED_INFO.
  package var delay: Duration? {
    guard let bytes = try? Files.read("/proc/thread-self/schedstat", limit: 256) else { return nil }
    return CrashRecord.waited(String(decoding: bytes, as: UTF8.self))
  }
}
