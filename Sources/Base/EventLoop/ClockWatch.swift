import CLinux
import Glibc
import Linux

extension EventLoop {
  /// Calls `handler` whenever the wall clock was set, by a person, by NTP or over a suspend; not while it is slewed.
  ///
  /// A timer that never ends and that the kernel cancels at such a moment (timerfd_settime(2),
  /// TFD_TIMER_CANCEL_ON_SET): it wakes nobody otherwise.
  /// - Throws: when the process has no descriptors left.
  public func watchClock(_ handler: @escaping () -> Void) throws(SystemError) {
    let timer = try Descriptor(
      checking: timerfd_create(CLOCK_REALTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK)), "timerfd_create")
    var end = itimerspec()
    end.it_value.tv_sec = time_t.max
    // SAFETY: the kernel copies the times.
    let result = unsafe timerfd_settime(
      timer.number, Int32(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET), &end, nil)
    guard result == 0 else { throw SystemError("timerfd_settime") }
    // Open as long as the loop, which holds the handler.
    let source = OpenSource(timer)
    try watch(source.descriptor.number, for: .readable) { _ in
      var count: UInt64 = 0
      // SAFETY: the kernel writes eight bytes into the local at most.
      let read = System.retry { unsafe CLinux.read(source.descriptor.number, &count, 8) }
      if read < 0, errno == ECANCELED { handler() }
    }
  }
}

/// Keeps a descriptor open as long as it is watched.
final class OpenSource {
  let descriptor: Descriptor
  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
