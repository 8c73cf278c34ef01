import CLinux
import Linux
import Synchronization

/// Brings the results of workers to the loop's thread. An eventfd(2) wakes the loop.
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

  /// Leaves a letter; from any thread.
  func post(_ letter: Letter) {
    let wasEmpty = letters.withLock {
      $0.append(letter)
      return $0.count == 1
    }
    guard wasEmpty else { return }
    // An eventfd refuses only when its counter is full, and then it is readable all the same.
    _ = eventfd_write(event.number, 1)
  }

  /// Takes all letters; on the loop's thread.
  func collect() -> [Letter] {
    var counter: eventfd_t = 0
    // SAFETY: writes eight bytes into the local counter.
    _ = unsafe eventfd_read(event.number, &counter)
    return letters.withLock {
      let all = $0
      $0.removeAll(keepingCapacity: true)
      return all
    }
  }
}
