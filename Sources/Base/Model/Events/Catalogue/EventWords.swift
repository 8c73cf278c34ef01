// The words that the sentences of events are made of. All of them are printable.
extension Event {
  /// The text of a field, else `otherwise`.
  func text(_ name: String, _ otherwise: String = "-") -> String { self[name]?.string?.printable ?? otherwise }

  /// The value of a field of any kind, else `otherwise`.
  func shown(_ name: String, _ otherwise: String = "-") -> String { self[name]?.text() ?? otherwise }

  /// What the event is about: the field `name`, else its source without the kind before `/`.
  func subject(_ name: String) -> String {
    let source = source.split(separator: "/", maxSplits: 1).last ?? "-"
    return (self[name]?.string ?? String(source)).printable
  }

  /// What follows the colon of its name.
  var verb: String { type.split(separator: ":", maxSplits: 1).dropFirst().first.map { $0.printable } ?? "" }

  /// Why, in the sender's words: what it said, else the reason's name.
  var because: String {
    for name in ["message", "error", "reason"] {
      if let text = self[name]?.string, !text.isEmpty { return ": \(text.printable)" }
    }
    return ""
  }

  /// `: ` and the reason, where there is one.
  var reason: String { self["reason"]?.string.map { ": \($0.printable)" } ?? "" }

  /// How many events were folded into one, where it is more than one.
  var folded: String {
    guard let count = self["count"]?.int, count > 1 else { return "" }
    return " (\(count) events in one)"
  }

  /// ` 3 times`, where it is more than once.
  var times: String { self["count"]?.int.map { $0 > 1 ? " \($0) times" : "" } ?? "" }

  /// A length of time: text as it is, or the field with `_ms` behind its name.
  func span(_ name: String) -> String? {
    if let text = self[name]?.string { return text.printable }
    return self["\(name)_ms"]?.int.map { Duration.milliseconds($0).text }
  }
}
