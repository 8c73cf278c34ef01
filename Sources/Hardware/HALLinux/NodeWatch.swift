import CLinux
import EventLoop
import Glibc
import Linux

/// Reports device nodes that appear and vanish, by inotify(7) on `/dev`, so that nothing has to poll.
///
/// Kernels before 6.6 do not wake a poller of a GPIO line whose chip vanishes; only the removal of the node shows it.
/// Without inotify, absent devices are found again by their drivers' retries alone.
final class NodeWatch {
  enum Change { case appeared, vanished }

  private let loop: EventLoop
  private let folder: String
  private var inotify: Descriptor?
  private var watch: WatchID?
  private var subscribers: [UInt64: (prefix: String, handler: (String, Change) -> Void)] = [:]
  private var lastSubscriber: UInt64 = 0

  init(loop: EventLoop, folder: String) {
    self.loop = loop
    self.folder = folder
  }

  deinit { close() }

  /// Calls `handler` with the path of each node directly in the folder whose name begins with `prefix`, when it
  /// appears, vanishes or changes its permissions. A change of permissions counts as an appearance: it may be
  /// accessible now.
  /// - Returns: the argument for `remove`.
  func add(_ prefix: String, _ handler: @escaping (String, Change) -> Void) -> UInt64 {
    open()
    lastSubscriber += 1
    subscribers[lastSubscriber] = (prefix, handler)
    return lastSubscriber
  }

  /// Ends a subscription.
  func remove(_ subscriber: UInt64) {
    subscribers[subscriber] = nil
    if subscribers.isEmpty { close() }
  }

  private func open() {
    guard watch == nil else { return }
    let result = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    guard result >= 0 else { return }
    let descriptor = Descriptor(owning: result)
    let mask = UInt32(IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM)
    // SAFETY: the path is a C string for the length of the call.
    guard unsafe folder.withCString({ unsafe inotify_add_watch(result, $0, mask) }) >= 0 else { return }
    watch = try? loop.watch(result, for: .readable) { [weak self] _ in self?.read() }
    inotify = consume descriptor
  }

  private func close() {
    if let watch { loop.unwatch(watch) }
    watch = nil
    inotify = nil
  }

  private func read() {
    guard let number = inotify?.number else { return }
    var bytes: [UInt8] = []
    while let count = try? System.read(number, into: &bytes, limit: 4096), count > 0 {}
    for (name, change) in Self.events(bytes) {
      // A handler may end its own or another's subscription.
      for subscriber in subscribers.keys.sorted() {
        guard let (prefix, handler) = subscribers[subscriber], name.hasPrefix(prefix) else { continue }
        handler("\(folder)/\(name)", change)
      }
    }
  }

  /// Parses the records of inotify(7): headers of 16 bytes, each followed by a name padded with zeros.
  static func events(_ bytes: [UInt8]) -> [(name: String, change: Change)] {
    func word(_ at: Int) -> UInt32 {
      // The kernel writes in the machine's own order, which is little-endian wherever this runs.
      (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
    }
    var events: [(name: String, change: Change)] = []
    var at = 0
    while at + 16 <= bytes.count {
      let mask = word(at + 4)
      let length = Int(word(at + 12))
      guard at + 16 + length <= bytes.count else { break }
      let name = String(decoding: bytes[(at + 16)..<(at + 16 + length)].prefix { $0 != 0 }, as: UTF8.self)
      let vanished = mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0
      if !name.isEmpty { events.append((name, vanished ? .vanished : .appeared)) }
      at += 16 + length
    }
    return events
  }
}
