/// Records submitted and confirmed changes of stored values. After a crash, a value must be the last confirmed one or
/// one submitted since.
package final class Ledger {
  private struct Entry {
    var number: Int
    var value: String?
  }

  private var entries: [String: [Entry]] = [:]
  private var last = 0
  /// The number of confirmations.
  package private(set) var answers = 0

  /// An empty ledger: nothing was ever stored.
  package init() {}

  /// The keys with a submitted value, sorted.
  package var keys: [String] { entries.keys.sorted() }

  /// A value was submitted; nil removes it.
  /// - Returns: the number for `answered`.
  @discardableResult
  package func submit(_ key: String, _ value: String?) -> Int {
    last += 1
    entries[key, default: [Entry(number: 0, value: nil)]].append(Entry(number: last, value: value))
    return last
  }

  /// The daemon confirmed all changes of `key` up to `number`.
  package func answered(_ key: String, _ number: Int) {
    guard let position = entries[key]?.lastIndex(where: { $0.number <= number }) else { return }
    answers += 1
    entries[key]?.removeFirst(position)
  }

  /// The daemon confirmed all changes after `first` up to `number` of keys that begin with `prefix`. Changes up to
  /// `first` were submitted to an earlier daemon.
  package func answeredAll(_ prefix: String, after first: Int = 0, _ number: Int) {
    for key in keys where key.hasPrefix(prefix) {
      guard entries[key]?.contains(where: { $0.number > first && $0.number <= number }) ?? false else { continue }
      answered(key, number)
    }
  }

  /// The number of the newest submitted change.
  package var newest: Int { last }

  /// Checks a value found after a crash.
  /// - Returns: nil when it is possible; otherwise a sentence with the expected values.
  package func problem(_ key: String, found: String?) -> String? {
    guard let possible = entries[key], !possible.contains(where: { $0.value == found }) else { return nil }
    let expected = possible.prefix(4).map { $0.value ?? "nothing" }.joined(separator: " or ")
    return "\(key) is \(found ?? "missing") after a crash, and should be \(expected)"
  }
}
