import EventLoop
import Glibc
import Linux

/// Lines in both directions over one socket, with descriptors beside them: reads and hands out everything at once.
///
/// Everything happens on the loop's thread. Nothing is called any more after `onEnd` or `close`.
package final class LineChannel {
  /// Why a channel ended.
  package enum End: Sendable, Hashable {
    /// The other side closed it.
    case closed
    /// The other side sent a line longer than `LineFramer.limit`.
    case lineTooLong
    /// The socket failed.
    case failed(SystemError)
  }

  /// Takes each line, without its line feed.
  package var onLine: (ArraySlice<UInt8>) -> Void = { _ in }
  /// Called once, when the channel has ended by itself; every line that arrived before has been handed out.
  package var onEnd: (End) -> Void = { _ in }

  private let socket: LineSocket

  /// A channel over `socket`, which must be non-blocking; nothing is read until `start`.
  package init(_ socket: consuming Descriptor, on loop: EventLoop) {
    self.socket = LineSocket(socket, on: loop, takesDescriptors: true)
  }

  deinit { close() }

  /// Begins to read; set `onLine` and `onEnd` before.
  package func start() throws(SystemError) {
    socket.onReady = { [weak self] in self?.isReady($0) }
    socket.onFlushDue = { [weak self] in self?.flush() }
    try socket.start()
  }

  /// How many bytes the other side has not taken yet.
  package var waiting: Int { socket.waiting }

  /// Whether lines can still be sent.
  package var isOpen: Bool { socket.isOpen }

  /// Queues a line with its line feed; lines of one turn of the loop are sent together. Without bound: look at `waiting`.
  package func send(_ line: [UInt8]) {
    guard socket.isOpen else { return }
    socket.add(line)
    socket.planFlush()
  }

  /// The oldest descriptor that has arrived and was not taken yet; nil when there is none.
  package func takeDescriptor() -> Descriptor? { socket.takeDescriptor() }

  /// Closes the socket; what was not sent is lost. `onEnd` is not called.
  package func close() { socket.close() }

  private func isReady(_ ready: Readiness) {
    if ready.contains(.writable) { flush() }
    if !ready.isDisjoint(with: [.readable, .hangUp, .error]) { read() }
  }

  private func read() {
    // A bounded amount each turn of the loop, so that a fast sender does not starve the others.
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

  private func flush() {
    guard socket.isOpen else { return }
    do throws(SystemError) {
      try socket.flush()
    } catch {
      // The other side reads no more. What it sent before, such as why, is still read; the hang-up ends the channel.
      socket.discard()
    }
    socket.setInterest(reading: true)
  }

  private func end(_ reason: End) {
    close()
    onEnd(reason)
  }
}
