import EventLoop
import Glibc
import Linux
import Wire

/// Lines in both directions over one non-blocking stream socket on an event loop, with descriptors beside them.
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

  private let loop: EventLoop
  private var socket: Descriptor?
  private var watch: WatchID?
  private var interest: Readiness = .readable
  private var framer = LineFramer()
  private var outbox = Outbox()
  private var descriptors: [Int32] = []
  private var isFlushPlanned = false

  /// A channel over `socket`, which must be non-blocking; nothing is read until `start`.
  package init(_ socket: consuming Descriptor, on loop: EventLoop) {
    self.loop = loop
    self.socket = consume socket
  }

  deinit { close() }

  /// Begins to read; set `onLine` and `onEnd` before.
  package func start() throws(SystemError) {
    guard let number = socket?.number else { return }
    watch = try loop.watch(number, for: interest) { [weak self] in self?.isReady($0) }
  }

  /// How many bytes the other side has not taken yet.
  package var waiting: Int { outbox.waiting }

  /// Whether lines can still be sent.
  package var isOpen: Bool { socket != nil }

  /// Queues a line with its line feed; lines of one turn of the loop are sent together. Without bound: look at `waiting`.
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

  /// The oldest descriptor that has arrived and was not taken yet; nil when there is none.
  package func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }

  /// Closes the socket; what was not sent is lost. `onEnd` is not called.
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
    // A bounded amount each turn of the loop, so that a fast sender does not starve the others.
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
      // The other side reads no more. What it sent before, such as why, is still read; the hang-up ends the channel.
      outbox.discard()
    }
    let interest: Readiness = outbox.waiting > 0 ? [.readable, .writable] : .readable
    guard interest != self.interest, let watch else { return }
    self.interest = interest
    // Fails only for a descriptor that is not watched, and this one is.
    try? loop.change(watch, to: interest)
  }

  private func end(_ reason: End) {
    close()
    onEnd(reason)
  }
}
