import EventLoop
import Glibc
import Linux
import Model
import Wire

/// Takes connections off a listening socket.
///
/// It keeps a descriptor in hand, and lets go of it to take one more connection when there are none left. After that it
/// rests instead of spinning: a waiting connection would wake the loop for ever.
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

  /// How often it had to rest.
  private(set) var rests: UInt64 = 0

  /// Prepares; nothing is taken until `start`.
  /// - Parameters:
  ///   - listener: stays the caller's and must outlive this.
  ///   - accept: accept4(2); tests pass one that fails.
  ///   - onConnection: is handed each connection, with whether it has the last descriptor there was.
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

  /// Tries again: a descriptor has become free.
  func resume() {
    if spare == nil { spare = try? Spare() }
    guard let watch, let retry else { return }
    time.cancel(retry)
    self.retry = nil
    try? loop.change(watch, to: .readable)
  }

  private func take() {
    // A bounded number a turn, so that a flood of connections does not keep those that are there waiting.
    for _ in 0..<16 {
      do throws(SystemError) {
        guard let socket = try accept(listener) else { return }
        onConnection(socket, false)
      } catch {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, or something that will not be better at once either.
        guard takeLast() else { return rest() }
      }
    }
  }

  /// Takes one connection with the descriptor in hand.
  /// - Returns: whether there was one, and a connection for it.
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
