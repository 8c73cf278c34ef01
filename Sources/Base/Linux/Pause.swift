import Glibc

/// Blocking waits, for command line programs and tests; the daemon waits in its event loop instead.
package enum Pause {
  /// Blocks the thread for this time; signals do not shorten it (clock_nanosleep(2)).
  package static func wait(nanoseconds: UInt64) {
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while true {
      var asked = left
      // SAFETY: the kernel reads `asked` and writes the remaining time to `left`.
      guard unsafe clock_nanosleep(CLOCK_MONOTONIC, 0, &asked, &left) == EINTR else { return }
    }
  }
}
