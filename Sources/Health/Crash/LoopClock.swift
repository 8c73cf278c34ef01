import CLinux
import Linux
import Model

/// What the kernel knows of the calling thread's time.
public struct LoopClock {
  /// Makes one; it holds nothing.
  public init() {}

  /// CPU time of the calling thread (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID).
  public var cpu: Duration {
    var time = timespec()
    // SAFETY: the kernel fills in the structure.
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  /// How long the calling thread was ready and had no CPU; nil where the kernel does not count it
  /// (/proc/thread-self/schedstat, CONFIG_SCHED_INFO).
  public var delay: Duration? {
    guard let bytes = try? Files.read("/proc/thread-self/schedstat", limit: 256) else { return nil }
    return CrashRecord.waited(String(decoding: bytes, as: UTF8.self))
  }

  /// The kernel's id of this boot (/proc/sys/kernel/random/boot_id); empty where it does not say.
  public static var boot: String {
    guard let bytes = try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64) else { return "" }
    return String(decoding: bytes.prefix { $0 > 32 }, as: UTF8.self)
  }
}
