import EventLoop
import Glibc
import Linux

/// Sends and receives lines and descriptors over one socket: reads and hands out everything at once.
///
/// Confined to the loop's thread. No callback runs after `onEnd` or `close`.
package final class LineChannel {
  /// The reason that a channel ended.
  package enum End: Sendable, Hashable {
    /// The other side closed it.
    case closed
    /// The other side sent a line longer than `LineFramer.limit`.
    case lineTooLong
    /// A system call on the socket failed.
    case failed(SystemError)
  }

  /// Receives each line, without its line feed.
  package var onLine: (ArraySlice<UInt8>) -> Void = { _ in }
  /// Called once when the channel ends other than by `close`, after all complete lines have been delivered.
  package var onEnd: (End) -> Void = { _ in }

  private let socket: LineSocket

  /// Creates a channel that owns `socket`, which must be non-blocking. Nothing is read until `start`.
  package init(_ socket: consuming Descriptor, on loop: EventLoop) {
    self.socket = LineSocket(socket, on: loop, takesDescriptors: true)
  }

  deinit { close() }

  /// Starts reading; set `onLine` and `onEnd` first.
  package func start() throws(SystemError) {
    socket.onReady = { [weak self] in self?.isReady($0) }
    socket.onFlushDue = { [weak self] in self?.flush() }
    try socket.start()
  }

  /// The number of queued bytes that the socket has not accepted yet.
  package var waiting: Int { socket.waiting }

  /// Whether the socket is open.
  package var isOpen: Bool { socket.isOpen }

  /// Queues a line, which must include its line feed. The lines of one turn of the loop are sent together. The queue
  /// has no bound: check `waiting` first.
  package func send(_ line: [UInt8]) {
    guard socket.isOpen else { return }
    socket.add(line)
    socket.planFlush()
  }

  /// Takes the oldest received descriptor, which becomes the caller's; nil for none.
  package func takeDescriptor() -> Descriptor? { socket.takeDescriptor() }

  /// Closes the socket and drops unsent lines. `onEnd` is not called.
  package func close() { socket.close() }

  private func isReady(_ ready: Readiness) {
    if ready.contains(.writable) { flush() }
    if !ready.isDisjoint(with: [.readable, .hangUp, .error]) { read() }
  }

  private func read() {
    // Read a bounded amount per turn of the loop: a fast sender must not starve other descriptors.
    for _ in 0..<16 where socket.isOpen {
      switch socket.read() {
      case .some: break
      case .nothing, .refused: return
      case .end: return end(.closed)
      case .failed(let error): return end(error.errno == ECONNRESET ? .closed : .failed(error))
      }
      while socket.isOpen, let item = socket.next() {
        switch item {
        case .line(let line): onLine(line)
        case .tooLong: return end(.lineTooLong)
        }
      }
    }
  }

  private func flush() { socket.flush(reading: true) }

  private func end(_ reason: End) {
    close()
    onEnd(reason)
  }
}
