import EventLoop
import Glibc
import Linux
import Model
import Wire

/// What an agent's program writes to its standard output and error: its log, line by line.
///
/// Read at a bounded rate: a program that writes faster waits in write(2).
///
/// Its log is a socket, as that of a service of systemd is, and no pipe: the kernel locks a pipe for as long as somebody
/// moves bytes into it from a descriptor that has none (splice(2), sendfile(2)), and whoever reads the pipe waits for that
/// without end, also if it is non-blocking. An agent could stop the daemon so.
final class AgentOutput {
  /// The newest line, for the message about the program's end; nil when there was none.
  private(set) var last: String?
  /// The bytes that were read.
  private(set) var received = 0
  /// Called when nobody can write any more: every process that had the log is gone. Not called after `finish`.
  var onEnd: () -> Void = {}

  private let loop: EventLoop
  private let log: Descriptor
  private let onLine: (String) -> Void
  private let charge: (UInt64) -> Void
  private var watch: WatchID?
  private var pause: TimerID?
  private var partial: [UInt8] = []
  /// When the current turn began, and what was read in it.
  private var turnBegin = Instant(nanoseconds: 0)
  private var taken = 0

  /// Bytes in each `turn` of 100 ms. A line counts as `lineCost` bytes more, which is about what it takes.
  private static let mostAtOnce = 64 << 10
  private static let lineCost = 64
  private static let turn = Duration.milliseconds(100)
  /// The longest line; the rest of a longer one is dropped.
  private static let longest = 4096

  /// The most bytes that are read in some time: one piece more than `mostAtOnce` in each turn, and two turns begun.
  static func most(within time: Duration) -> Int {
    (Int(time.nanoseconds / turn.nanoseconds) + 2) * (mostAtOnce + 16_384)
  }

  /// - Parameters:
  ///   - log: the daemon's end of `open()`.
  ///   - charge: takes the CPU time that reading has cost, in nanoseconds.
  init(
    _ log: consuming Descriptor, on loop: EventLoop, charge: @escaping (UInt64) -> Void = { _ in },
    _ onLine: @escaping (String) -> Void
  ) {
    self.charge = charge
    self.log = log
    self.loop = loop
    self.onLine = onLine
  }

  deinit { close() }

  /// Makes a log.
  /// - Returns: the daemon's end, which is non-blocking, and the program's, to which nothing ever comes.
  static func open() throws(SystemError) -> (daemon: Int32, program: Int32) {
    let ends = try UnixSocket.pair()
    _ = shutdown(ends.0, Int32(SHUT_WR))
    UnixSocket.refuseDescriptors(ends.0)
    do throws(SystemError) { try System.setNonBlocking(ends.0) } catch {
      for end in [ends.0, ends.1] { Glibc.close(end) }
      throw error
    }
    return (ends.0, ends.1)
  }

  func start() throws(SystemError) {
    watch = try loop.watch(log.number, for: .readable) { [weak self] _ in self?.read() }
  }

  /// Takes what the program has left and ends. Not more than a few pieces: somebody may still be writing.
  func finish() {
    for _ in 0..<4 where readOnce() != .some { break }
    if !partial.isEmpty { add(partial) }
    partial = []
    close()
  }

  private func close() {
    if let watch = watch.take() { loop.unwatch(watch) }
    if let pause = pause.take() { loop.cancel(pause) }
  }

  private func read() {
    let began = loop.now
    defer { charge(UInt64(max(0, (loop.now - began).nanoseconds))) }
    if began >= turnBegin + Self.turn { (turnBegin, taken) = (began, 0) }
    while taken < Self.mostAtOnce {
      switch readOnce() {
      case .some: break
      case .nothing: return
      case .end:
        close()
        let onEnd = onEnd
        return onEnd()
      }
    }
    if let watch = watch.take() { loop.unwatch(watch) }
    // A piece of short lines may be far beyond the limit, and is made up for.
    pause = loop.schedule(at: turnBegin + Self.turn * taken / Self.mostAtOnce) { [weak self] in
      guard let self else { return }
      pause = nil
      try? start()
    }
  }

  private enum Arrival { case some, nothing, end }

  private func readOnce() -> Arrival {
    var bytes: [UInt8] = []
    do throws(SystemError) {
      guard let count = try System.read(log.number, into: &bytes, limit: 16_384) else { return .nothing }
      if count == 0 { return .end }
      received += count
      taken += count
    } catch {
      return .end
    }
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        add(partial)
        partial = []
        taken += Self.lineCost
      } else if partial.count < Self.longest {
        partial.append(byte)
      }
    }
    return .some
  }

  private func add(_ bytes: [UInt8]) {
    let line = String(decoding: bytes, as: UTF8.self).asMessage
    guard !line.isEmpty else { return }
    last = line
    onLine(line)
  }
}
