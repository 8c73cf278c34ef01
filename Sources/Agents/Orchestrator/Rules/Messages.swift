import Document
import Model

/// What rules have told people (`notify`), oldest first, until somebody removes it.
///
/// Messages survive restarts. One is stored together with what survives about its rule, so that a crash tells something
/// twice at worst and never loses it.
final class Messages {
  /// The most messages: beyond it the oldest makes room.
  static let most = 100
  /// The most characters of a text.
  static let longestText = 1000

  private var entries: [(id: ULID, fields: Fields)] = []
  private let keep: ([RegistryChange]) -> Void
  /// The newest one that somebody has removed. What is recalled later may have been read from the disk before that.
  private var removed: ULID?

  /// - Parameter keep: stores changes.
  init(keep: @escaping ([RegistryChange]) -> Void) { self.keep = keep }

  /// All of them, oldest first.
  var all: [Fields] { entries.map(\.fields) }

  /// Adds the message of an event `rule:notify`.
  func add(_ event: Event) {
    var fields: Fields = ["id": .string(event.id.description), "time": .int(Int64(clamping: event.time))]
    for (name, value) in event.payload {
      fields[name] = name == "text" ? .string(String((value.string ?? "").prefix(Self.longestText))) : value
    }
    entries.append((event.id, fields))
    var changes: [RegistryChange] = [.message(event.id, .map(fields))]
    while entries.count > Self.most { changes.append(.message(entries.removeFirst().id, nil)) }
    keep(changes)
  }

  /// Removes messages.
  /// - Parameter last: the newest one to be removed; nil for all.
  /// - Returns: how many there were.
  func remove(through last: ULID?) -> Int {
    let gone = entries.filter { entry in last.map { entry.id <= $0 } ?? true }.map(\.id)
    entries.removeAll { gone.contains($0.id) }
    removed = gone.last ?? removed
    keep(gone.map { .message($0, nil) })
    return gone.count
  }

  /// Restores what an earlier daemon stored. Messages since then stay.
  func recall(_ stored: [ULID: Value]) {
    let known = Set(entries.map(\.id))
    entries += stored.compactMap { id, message in
      known.contains(id) || removed.map { id <= $0 } ?? false ? nil : message.map.map { (id, $0) }
    }
    entries.sort { $0.id < $1.id }
  }
}
