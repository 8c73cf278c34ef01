import EventLoop
import Glibc
import Linux
import Wire

/// Sends lines over a non-blocking stream socket on an event loop; receives lines and descriptors.
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

  private let loop: EventLoop
  private var socket: Descriptor?
  private var watch: WatchID?
  private var interest: Readiness = .readable
  private var framer = LineFramer()
  private var outbox = Outbox()
  private var descriptors: [Int32] = []
  private var isFlushPlanned = false

  /// Creates a channel that owns `socket`, which must be non-blocking. Nothing is read until `start`.
  package init(_ socket: consuming Descriptor, on loop: EventLoop) {
    self.loop = loop
    self.socket = consume socket
  }

  deinit { close() }

  /// Starts reading; set `onLine` and `onEnd` first.
  package func start() throws(SystemError) {
    guard let number = socket?.number else { return }
    watch = try loop.watch(number, for: interest) { [weak self] in self?.isReady($0) }
  }

  /// The number of queued bytes that the socket has not accepted yet.
  package var waiting: Int { outbox.waiting }

  /// Whether the socket is open.
  package var isOpen: Bool { socket != nil }

  /// Queues a line, which must include its line feed. The lines of one turn of the loop are sent together. The queue
  /// has no bound: check `waiting` first.
  package func send(_ line: [UInt8]) {
    guard socket != nil else { return }
    outbox.add(line)
    guard !isFlushPlanned else { return }
    isFlushPlanned = true
    loop.later { [weak self] in
      self?.isFlushPlanned = false
      self?.flush()
    }
  }

  /// Takes the oldest received descriptor, which becomes the caller's; nil for none.
  package func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }

  /// Closes the socket and drops unsent lines. `onEnd` is not called.
  package func close() {
    if let watch { loop.unwatch(watch) }
    watch = nil
    socket = nil
    outbox.discard()
    for descriptor in descriptors { _ = Descriptor(owning: descriptor) }
    descriptors = []
  }

  private func isReady(_ ready: Readiness) {
    if ready.contains(.writable) { flush() }
    if !ready.isDisjoint(with: [.readable, .hangUp, .error]) { read() }
  }

  private func read() {
    // Read a bounded amount per turn of the loop: a fast sender must not starve other descriptors.
    for _ in 0..<16 {
      guard let number = socket?.number else { return }
      let bytes: ArraySlice<UInt8>
      do throws(SystemError) {
        let received = try UnixSocket.receive(number)
        if let descriptor = received.descriptor { descriptors.append(descriptor) }
        bytes = received.bytes
      } catch {
        switch error.errno {
        case EAGAIN: return
        case ECONNRESET: return end(.closed)
        default: return end(.failed(error))
        }
      }
      if bytes.isEmpty { return end(.closed) }
      framer.append(bytes)
      while socket != nil, let item = framer.next() {
        switch item {
        case .line(let line): onLine(line)
        case .tooLong: return end(.lineTooLong)
        }
      }
    }
  }

  private func flush() {
    guard let number = socket?.number else { return }
    do throws(SystemError) {
      try outbox.flush(to: number)
    } catch {
      // The other side has stopped reading. Keep reading what it sent before, such as its reason, until the hang-up.
      outbox.discard()
    }
    let interest: Readiness = outbox.waiting > 0 ? [.readable, .writable] : .readable
    guard interest != self.interest, let watch else { return }
    self.interest = interest
    // Fails only for a descriptor that is not watched.
    try? loop.change(watch, to: interest)
  }

  private func end(_ reason: End) {
    close()
    onEnd(reason)
  }
}
