import CLinux
import Linux
import Synchronization

/// Results of workers for the loop's thread. An eventfd(2) wakes the loop.
final class Mailbox: Sendable {
  struct Letter: Sendable {
    var job: UInt64
    var result: any Sendable
  }

  private let letters = Mutex<[Letter]>([])
  private let event: Descriptor

  init() throws(SystemError) {
    event = try Descriptor(checking: eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)), "eventfd")
  }

  var descriptor: Int32 { event.number }

  /// Adds a letter; may be called on any thread.
  func post(_ letter: Letter) {
    let wasEmpty = letters.withLock {
      $0.append(letter)
      return $0.count == 1
    }
    guard wasEmpty else { return }
    // The write fails only when the counter is full, and then the eventfd is readable anyway.
    _ = eventfd_write(event.number, 1)
  }

  /// Removes and returns all letters; call it on the loop's thread.
  func collect() -> [Letter] {
    var counter: eventfd_t = 0
    // SAFETY: eventfd_read writes eight bytes into the local counter.
    _ = unsafe eventfd_read(event.number, &counter)
    return letters.withLock {
      let all = $0
      $0.removeAll(keepingCapacity: true)
      return all
    }
  }
}
