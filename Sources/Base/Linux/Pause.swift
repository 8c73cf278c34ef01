import Glibc

/// Waiting, for programs that have nothing else to do; the daemon waits in its loop instead.
public enum Pause {
  /// Blocks the thread until so much time has passed, whatever signals come (clock_nanosleep(2)).
  public static func wait(nanoseconds: UInt64) {
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while true {
      var asked = left
      // SAFETY: the kernel reads the one time and writes what is left of it into the other.
      guard unsafe clock_nanosleep(CLOCK_MONOTONIC, 0, &asked, &left) == EINTR else { return }
    }
  }
}
