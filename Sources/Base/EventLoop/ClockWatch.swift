import CLinux
import Glibc
import Linux

extension EventLoop {
  /// Calls `handler` whenever the wall clock is stepped: by a person, NTP or a suspend. Slewing does not count.
  ///
  /// Uses a timer that never expires but is cancelled when the clock is set (timerfd_settime(2),
  /// TFD_TIMER_CANCEL_ON_SET), so it causes no other wake-ups.
  /// - Throws: when the process has no descriptors left.
  package func watchClock(_ handler: @escaping () -> Void) throws(SystemError) {
    let timer = try Descriptor(
      checking: timerfd_create(CLOCK_REALTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK)), "timerfd_create")
    var end = itimerspec()
    end.it_value.tv_sec = time_t.max
    // SAFETY: the kernel copies the times.
    let result = unsafe timerfd_settime(
      timer.number, Int32(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET), &end, nil)
    guard result == 0 else { throw SystemError("timerfd_settime") }
    // The handler, and so the descriptor, lives as long as the loop.
    let source = OpenSource(timer)
    try watch(source.descriptor.number, for: .readable) { _ in
      var count: UInt64 = 0
      // SAFETY: the kernel writes at most eight bytes into the local.
      let read = System.retry { unsafe CLinux.read(source.descriptor.number, &count, 8) }
      if read < 0, errno == ECANCELED { handler() }
    }
  }
}

/// Keeps a descriptor open while the loop watches it.
final class OpenSource {
  let descriptor: Descriptor
  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
