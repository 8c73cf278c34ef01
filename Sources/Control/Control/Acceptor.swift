import EventLoop
import Glibc
import Linux
import Model
import Wire

/// Accepts connections on a listening socket.
///
/// It reserves one descriptor. When the process has none left, it closes the reserved one to accept one more
/// connection. After that it pauses, because a pending connection would wake the loop continuously.
final class Acceptor {
  private final class Spare {
    let descriptor: Descriptor
    init() throws(SystemError) { descriptor = try System.open("/", O_RDONLY | O_DIRECTORY) }
  }

  private let listener: Int32
  private let loop: EventLoop
  private let time: any Timekeeper
  private let accept: (Int32) throws(SystemError) -> Descriptor?
  private let onConnection: (consuming Descriptor, Bool) -> Void
  private var spare: Spare?
  private var watch: WatchID?
  private var retry: TimerID?

  /// The number of pauses.
  private(set) var rests: UInt64 = 0

  /// Creates an acceptor; it accepts nothing until `start`.
  /// - Parameters:
  ///   - listener: stays the caller's, and must outlive the acceptor.
  ///   - accept: accept4(2); tests replace it by one that fails.
  ///   - onConnection: receives each connection, and whether it uses the reserved descriptor.
  init(
    _ listener: Int32, on loop: EventLoop, time: any Timekeeper,
    accept: @escaping (Int32) throws(SystemError) -> Descriptor? = UnixSocket.accept,
    onConnection: @escaping (consuming Descriptor, Bool) -> Void
  ) {
    self.listener = listener
    self.loop = loop
    self.time = time
    self.accept = accept
    self.onConnection = onConnection
  }

  func start() throws(SystemError) {
    spare = try Spare()
    watch = try loop.watch(listener, for: .readable) { [weak self] _ in self?.take() }
  }

  func stop() {
    if let watch { loop.unwatch(watch) }
    if let retry { time.cancel(retry) }
    watch = nil
    retry = nil
    spare = nil
  }

  /// Ends the pause, because a descriptor may be free again.
  func resume() {
    if spare == nil { spare = try? Spare() }
    guard let watch, let retry else { return }
    time.cancel(retry)
    self.retry = nil
    try? loop.change(watch, to: .readable)
  }

  private func take() {
    // Accept a bounded number per turn of the loop: a flood of connections must not delay existing ones.
    for _ in 0..<16 {
      do throws(SystemError) {
        guard let socket = try accept(listener) else { return }
        onConnection(socket, false)
      } catch {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, or another error that an immediate retry would not clear.
        guard takeLast() else { return rest() }
      }
    }
  }

  /// Accepts one connection with the reserved descriptor.
  /// - Returns: false if there was no reserved descriptor, or no pending connection.
  private func takeLast() -> Bool {
    guard spare != nil else { return false }
    spare = nil
    guard let socket = try? accept(listener) else { return false }
    onConnection(socket, true)
    return true
  }

  private func rest() {
    guard let watch, retry == nil else { return }
    rests += 1
    try? loop.change(watch, to: [])
    retry = time.schedule(after: .milliseconds(500)) { [weak self] in self?.resume() }
  }
}
