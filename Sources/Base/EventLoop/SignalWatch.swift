import CLinux
import Linux

/// Signals as events: blocked for the process, and read by the loop from a signalfd(2).
final class SignalWatch {
  private var mask = sigset_t()
  private var source: Descriptor?
  private var handlers: [Int32: () -> Void] = [:]

  init() {
    // SAFETY: initialises the local set.
    _ = unsafe sigemptyset(&mask)
  }

  /// Adds a signal; the first call opens the descriptor.
  /// - Returns: the descriptor to watch if this call opened it, else nil.
  func add(_ signal: Int32, _ handler: @escaping () -> Void) throws(SystemError) -> Int32? {
    handlers[signal] = handler
    // SAFETY: both sets are valid; worker threads are started later and inherit the mask.
    _ = unsafe sigaddset(&mask, signal)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
    let current = source?.number ?? -1
    let result = unsafe signalfd(current, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    guard result >= 0 else { throw SystemError("signalfd") }
    guard current < 0 else { return nil }
    source = Descriptor(owning: result)
    return result
  }

  /// Calls the handlers of all pending signals.
  func drain() {
    guard let number = source?.number else { return }
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    // SAFETY: the kernel writes whole structures only.
    while unsafe read(number, &information, size) == size {
      handlers[Int32(information.ssi_signo)]?()
    }
  }
}

extension EventLoop {
  /// Blocks `signal` and calls `handler` when it arrives. Signals that arrive together may be merged (signal(7)).
  ///
  /// Call it before any thread starts, as threads inherit the mask. A second handler for a signal replaces the first.
  package func onSignal(_ signal: Int32, _ handler: @escaping () -> Void) throws(SystemError) {
    let signals = self.signals ?? SignalWatch()
    self.signals = signals
    if let descriptor = try signals.add(signal, handler) {
      try watch(descriptor, for: .readable) { [unowned signals] _ in signals.drain() }
    }
  }
}
