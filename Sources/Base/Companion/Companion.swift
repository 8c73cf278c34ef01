import CLinux

/// What the small companion processes share. Their code is limited to Embedded Swift, so that a program has only a few
/// pages where the compiler can build it that way.
package enum Companion {
  /// The monotonic clock (clock_gettime(2), CLOCK_MONOTONIC), in nanoseconds.
  package static func monotonicNow() -> UInt64 {
    var time = timespec()
    // SAFETY: the kernel fills in the structure; this clock always exists.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Points standard input and output to /dev/null.
  package static func releaseStandardStreams() {
    for number: Int32 in 0...1 {
      let null = unsafe openstarry_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
      if null >= 0 {
        dup2(null, number)
        close(null)
      }
    }
  }

  /// Blocks signals and returns a descriptor that reports them (signalfd(2)).
  package static func signals(_ numbers: [Int32]) -> Int32 {
    var set = sigset_t()
    // SAFETY: the set is a local, copied by the calls.
    unsafe sigemptyset(&set)
    for number in numbers { unsafe sigaddset(&set, number) }
    unsafe sigprocmask(SIG_BLOCK, &set, nil)
    return unsafe openstarry_signal_descriptor(&set)
  }

  /// The next signal that a descriptor of `signals` reports; nil when there is none.
  package static func nextSignal(_ signals: Int32) -> Int32? {
    var info = signalfd_siginfo()
    // SAFETY: the kernel writes one whole structure, or nothing.
    let count = unsafe CLinux.read(signals, &info, MemoryLayout<signalfd_siginfo>.size)
    return count > 0 ? Int32(info.ssi_signo) : nil
  }
}
