import Companion
import LanguageModel

/// Messages that wait until the daemon reads.
struct Outbox {
  /// From how many bytes on a call is paused, and at how many it goes on. It has at most `pause` and what libcurl hands
  /// over at a time: 16 KiB, which may be the end of an event of `EventStream.longestEvent`.
  static let pause = 256 << 10
  static let resume = pause / 2

  private var waiting: [(id: UInt32, message: LanguageModelMessage)] = []
  /// The first of `waiting` that has not been sent.
  private var next = 0
  private var counts: [UInt32: Int] = [:]

  /// Whether nothing waits.
  var isEmpty: Bool { next == waiting.count }

  /// The bytes of a call that wait.
  func count(of id: UInt32) -> Int { counts[id] ?? 0 }

  /// Adds a message. A piece is appended to the one before it if that has not been sent.
  mutating func add(_ id: UInt32, _ message: LanguageModelMessage) {
    if next < waiting.count, waiting[waiting.count - 1].id == id,
      let joined = Self.join(waiting[waiting.count - 1].message, message)
    {
      counts[id, default: 0] += Self.text(message)
      waiting[waiting.count - 1].message = joined
    } else {
      counts[id, default: 0] += Self.size(message)
      waiting.append((id, message))
    }
  }

  /// What a message takes here: its text, and about as much as one without a text.
  private static func size(_ message: LanguageModelMessage) -> Int { text(message) + 256 }

  private static func text(_ message: LanguageModelMessage) -> Int {
    switch message {
    case .text(_, let text), .arguments(_, _, let text): text.count
    default: 0
    }
  }

  private static func join(_ first: LanguageModelMessage, _ second: LanguageModelMessage) -> LanguageModelMessage? {
    let most = LanguageModelMessage.longestPiece
    switch (first, second) {
    case (.text(let id, let one), .text(_, let two)) where one.count + two.count <= most:
      return .text(id: id, one + two)
    case (.arguments(let id, let index, let one), .arguments(_, let other, let two))
    where index == other && one.count + two.count <= most:
      return .arguments(id: id, index: index, one + two)
    default: return nil
    }
  }

  /// Forgets what waits of a call.
  mutating func drop(_ id: UInt32) {
    guard counts.removeValue(forKey: id) != nil else { return }
    waiting = waiting[next...].filter { $0.id != id }
    next = 0
  }

  /// Sends what the daemon takes.
  /// - Parameter send: false when it takes no more now.
  mutating func flush(_ send: (LanguageModelMessage) -> Bool) {
    while next < waiting.count {
      let (id, message) = waiting[next]
      guard send(message) else { break }
      let left = count(of: id) - Self.size(message)
      counts[id] = left > 0 ? left : nil
      next += 1
    }
    guard next == waiting.count || next > 1024 else { return }
    waiting.removeFirst(next)
    next = 0
  }
}
