import EventLoop
import Glibc
import Linux
import Wire

/// A non-blocking stream socket on an event loop, as lines in both directions: cuts what arrives into lines, and queues
/// what is to be sent.
///
/// The owner decides when to read, when to take lines, and when to send. Everything happens on the loop's thread.
package final class LineSocket {
  /// What `read` found.
  package enum Arrival {
    /// Bytes arrived.
    case some
    /// Nothing has arrived.
    case nothing
    /// `admit` refused the bytes, and they were dropped.
    case refused
    /// The other side sends nothing more.
    case end
    /// The socket failed.
    case failed(SystemError)
  }

  /// Called when the socket is ready, as `setInterest` asks for.
  package var onReady: (Readiness) -> Void = { _ in }
  /// Called once after `planFlush`, before the loop waits.
  package var onFlushDue: () -> Void = {}

  /// The greatest number of received descriptors that wait to be taken; further ones are closed.
  static let mostDescriptors = 16

  private let loop: EventLoop
  private let takesDescriptors: Bool
  private var socket: Descriptor?
  private var watch: WatchID?
  private var interest: Readiness = .readable
  private var framer: LineFramer
  private var outbox = Outbox()
  private var descriptors: [Int32] = []
  private var isFlushPlanned = false

  /// A socket that is not watched yet.
  /// - Parameters:
  ///   - socket: non-blocking.
  ///   - limit: of a line, in bytes.
  ///   - takesDescriptors: whether descriptors that arrive are kept; otherwise the kernel drops them.
  package init(
    _ socket: consuming Descriptor, on loop: EventLoop, limit: Int = LineFramer.limit, takesDescriptors: Bool = false
  ) {
    self.loop = loop
    self.takesDescriptors = takesDescriptors
    self.socket = consume socket
    framer = LineFramer(limit: limit)
  }

  deinit { close() }

  /// Whether it is not closed.
  package var isOpen: Bool { socket != nil }

  /// Closes the socket; what was not sent is lost.
  package func close() {
    unwatch()
    socket = nil
    outbox.discard()
    for descriptor in descriptors { _ = Descriptor(owning: descriptor) }
    descriptors = []
  }

  // MARK: Readiness

  /// Begins to watch for bytes that arrive; set `onReady` before.
  package func start() throws(SystemError) {
    guard let number = socket?.number else { return }
    watch = try loop.watch(number, for: interest) { [weak self] in self?.onReady($0) }
  }

  /// Watches for room to send while anything waits, and for arriving bytes if `reading`.
  package func setInterest(reading: Bool) {
    var interest: Readiness = reading ? .readable : []
    if waiting > 0 { interest.insert(.writable) }
    guard interest != self.interest, let watch else { return }
    self.interest = interest
    // Fails only for a descriptor that is not watched, and this one is.
    try? loop.change(watch, to: interest)
  }

  /// Watches no longer: the kernel reports a hang-up for ever.
  package func unwatch() {
    if let watch { loop.unwatch(watch) }
    watch = nil
  }

  // MARK: Reading

  /// Reads once.
  /// - Parameter admit: asked with the number of bytes whether they may be kept.
  package func read(admit: (Int) -> Bool = { _ in true }) -> Arrival {
    guard let number = socket?.number else { return .nothing }
    do throws(SystemError) {
      guard let bytes = try receive(number) else { return .nothing }
      if bytes.isEmpty { return .end }
      guard admit(bytes.count) else { return .refused }
      framer.append(bytes)
      return .some
    } catch {
      return .failed(error)
    }
  }

  /// - Returns: nil when nothing has arrived; empty at the end of the stream.
  private func receive(_ number: Int32) throws(SystemError) -> ArraySlice<UInt8>? {
    guard takesDescriptors else {
      var chunk: [UInt8] = []
      return try System.read(number, into: &chunk, limit: 16384) == nil ? nil : chunk[...]
    }
    do throws(SystemError) {
      let received = try UnixSocket.receive(number)
      if let descriptor = received.descriptor { keep(Descriptor(owning: descriptor)) }
      return received.bytes
    } catch {
      if error.errno == EAGAIN { return nil }
      throw error
    }
  }

  /// Descriptors that nobody asked for must not use up the process's own.
  private func keep(_ descriptor: consuming Descriptor) {
    if descriptors.count < Self.mostDescriptors { descriptors.append(descriptor.release()) }
  }

  /// The next complete line; nil when there is none. Let go of it before the next `read`.
  package func next() -> LineFramer.Item? { framer.next() }

  /// How many bytes wait for the rest of their line, or to be taken by `next`.
  package var buffered: Int { framer.buffered }

  /// The oldest descriptor that has arrived and was not taken yet; nil when there is none.
  package func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }

  // MARK: Sending

  /// How many bytes the other side has not taken yet.
  package var waiting: Int { outbox.waiting }

  /// Queues a line with its line feed. Without bound: look at `waiting`.
  package func add(_ line: [UInt8]) { outbox.add(line) }

  /// Queues a line with a descriptor beside it.
  package func add(_ line: [UInt8], with file: consuming Descriptor) { outbox.add(line, with: file) }

  /// How many descriptors the other side may not have taken yet.
  package var filesUnderWay: Int {
    if let number = socket?.number { outbox.noteReading(of: number) }
    return outbox.filesUnderWay
  }

  /// Calls `onFlushDue` before the loop waits, so that all lines of one turn are sent together.
  package func planFlush() {
    guard !isFlushPlanned else { return }
    isFlushPlanned = true
    loop.later { [weak self] in
      self?.isFlushPlanned = false
      self?.onFlushDue()
    }
  }

  /// Sends what the socket takes.
  /// - Throws: the other side reads no more; drop what waits with `discard`.
  package func flush() throws(SystemError) {
    if let number = socket?.number { try outbox.flush(to: number) }
  }

  /// The same, but drops what waits when the other side reads no more. What it sent before, such as its reason, can
  /// still be read, up to the hang-up.
  /// - Parameter reading: whether to watch for bytes that arrive.
  package func flush(reading: Bool) {
    guard isOpen else { return }
    do throws(SystemError) { try flush() } catch { discard() }
    setInterest(reading: reading)
  }

  /// Drops everything that waits to be sent.
  package func discard() { outbox.discard() }
}
