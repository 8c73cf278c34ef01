// Parts of the sentences about events. All results are printable.
extension Event {
  /// The text of a field, else `otherwise`.
  func text(_ name: String, _ otherwise: String = "-") -> String { self[name]?.string?.printable ?? otherwise }

  /// The value of a field of any kind, else `otherwise`.
  func shown(_ name: String, _ otherwise: String = "-") -> String { self[name]?.text() ?? otherwise }

  /// The subject of the event: the field `name`, or its source without the prefix before `/`.
  func subject(_ name: String) -> String {
    let source = source.split(separator: "/", maxSplits: 1).last ?? "-"
    return (self[name]?.string ?? String(source)).printable
  }

  /// The part of the event's name after the colon.
  var verb: String { type.split(separator: ":", maxSplits: 1).dropFirst().first.map { $0.printable } ?? "" }

  /// `: ` and the explanation: the field `message`, `error` or `reason`, the first that has a text; empty without one.
  var because: String {
    for name in ["message", "error", "reason"] {
      if let text = self[name]?.string, !text.isEmpty { return ": \(text.printable)" }
    }
    return ""
  }

  /// `: ` and the field `reason`; empty without one.
  var reason: String { self["reason"]?.string.map { ": \($0.printable)" } ?? "" }

  /// ` (3 events in one)` where several events were folded into one; else empty.
  var folded: String {
    guard let count = self["count"]?.int, count > 1 else { return "" }
    return " (\(count) events in one)"
  }

  /// ` 3 times` for a count above one; else empty.
  var times: String { self["count"]?.int.map { $0 > 1 ? " \($0) times" : "" } ?? "" }

  /// A duration: the text of the field `name`, or the milliseconds of `<name>_ms`; nil without either.
  func span(_ name: String) -> String? {
    if let text = self[name]?.string { return text.printable }
    return self["\(name)_ms"]?.int.map { Duration.milliseconds($0).text }
  }
}
