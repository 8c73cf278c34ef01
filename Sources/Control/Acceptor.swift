import EventLoop
import Glibc
import Linux
import Model
import Wire

/// Takes connections off a listening socket. Without descriptors left it rests instead of spinning: a waiting
/// connection would wake the loop for ever.
final class Acceptor {
  private let listener: Int32
  private let loop: EventLoop
  private let time: any Timekeeper
  private let accept: (Int32) throws(SystemError) -> Descriptor?
  private let onConnection: (consuming Descriptor) -> Void
  private var watch: WatchID?
  private var retry: TimerID?

  /// How often it had to rest.
  private(set) var rests: UInt64 = 0

  /// Prepares; nothing is taken until `start`.
  /// - Parameters:
  ///   - listener: stays the caller's and must outlive this.
  ///   - accept: accept4(2); tests pass one that fails.
  init(
    _ listener: Int32, on loop: EventLoop, time: any Timekeeper,
    accept: @escaping (Int32) throws(SystemError) -> Descriptor? = UnixSocket.accept,
    onConnection: @escaping (consuming Descriptor) -> Void
  ) {
    self.listener = listener
    self.loop = loop
    self.time = time
    self.accept = accept
    self.onConnection = onConnection
  }

  func start() throws(SystemError) {
    watch = try loop.watch(listener, for: .readable) { [weak self] _ in self?.take() }
  }

  func stop() {
    if let watch { loop.unwatch(watch) }
    if let retry { time.cancel(retry) }
    watch = nil
    retry = nil
  }

  /// Tries again: a descriptor has become free.
  func resume() {
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
        onConnection(socket)
      } catch {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM, or something that will not be better at once either.
        return rest()
      }
    }
  }

  private func rest() {
    guard let watch, retry == nil else { return }
    rests += 1
    try? loop.change(watch, to: [])
    retry = time.schedule(after: .milliseconds(500)) { [weak self] in self?.resume() }
  }
}
