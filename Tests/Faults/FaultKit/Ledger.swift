/// What was handed in to be kept, what was answered, and so what may be found after a crash: what was answered last, or
/// anything that was handed in since.
public final class Ledger {
  private struct Entry {
    var number: Int
    var value: String?
  }

  private var entries: [String: [Entry]] = [:]
  private var last = 0
  /// How many answers it has taken note of.
  public private(set) var answers = 0

  /// Nothing was ever kept.
  public init() {}

  /// What there is to be looked for.
  public var keys: [String] { entries.keys.sorted() }

  /// A value was handed in; nil removes it.
  /// - Returns: what `answered` takes.
  @discardableResult
  public func submit(_ key: String, _ value: String?) -> Int {
    last += 1
    entries[key, default: [Entry(number: 0, value: nil)]].append(Entry(number: last, value: value))
    return last
  }

  /// Everything that was handed in for `key` up to `number` was said to be kept.
  public func answered(_ key: String, _ number: Int) {
    guard let position = entries[key]?.lastIndex(where: { $0.number <= number }) else { return }
    answers += 1
    entries[key]?.removeFirst(position)
  }

  /// Everything that was handed in after `first` and up to `number` was said to be kept, for all keys that begin with
  /// `prefix`. What an earlier daemon was given is none of this one's business.
  public func answeredAll(_ prefix: String, after first: Int = 0, _ number: Int) {
    for key in keys where key.hasPrefix(prefix) {
      guard entries[key]?.contains(where: { $0.number > first && $0.number <= number }) ?? false else { continue }
      answered(key, number)
    }
  }

  /// The newest number that was given out.
  public var newest: Int { last }

  /// Looks at what was found after a crash.
  /// - Returns: nil when it may be; otherwise what should have been there.
  public func problem(_ key: String, found: String?) -> String? {
    guard let possible = entries[key], !possible.contains(where: { $0.value == found }) else { return nil }
    let expected = possible.prefix(4).map { $0.value ?? "nothing" }.joined(separator: " or ")
    return "\(key) is \(found ?? "missing") after a crash, and should be \(expected)"
  }
}
