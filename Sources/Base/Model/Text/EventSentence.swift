import OpenStarryAgent

/// An event as a sentence for people: `fan on (held by agent/climate, lease 60s)`.
///
/// The daemon's own events have the sentences of the event catalogue; others are described by their payload. Missing or
/// mistyped fields still give a sentence, as agents and clients may emit any payload.
package enum EventSentence {
  /// The sentence, printable, on one line, without a full stop.
  package static func text(_ event: Event) -> String {
    EventCatalogue.declaration(of: event.type)?.sentence(event) ?? other(event)
  }

  private static func other(_ event: Event) -> String {
    let rest = fields(event.payload)
    // The event may come from another version of the daemon.
    if event.type.hasPrefix("system:") { return words(event.verb) + (rest.isEmpty ? "" : ": \(rest)") }
    return rest.isEmpty ? "from \(event.source.printable)" : rest
  }

  /// The first twelve fields of a payload in order, without those in `except`: `branch main, author Ada`.
  package static func fields(_ payload: Fields, except: [String] = []) -> String {
    var text = payload.filter { !except.contains($0.key) }.prefix(12)
      .map { "\($0.key.printable) \($0.value.text(limit: 60))" }.joined(separator: ", ")
    if payload.count > 12 + except.count { text += ", …" }
    return text
  }

  /// `30.4 °C`, followed by ` (stale)` or ` (suspect)` if the quality is not `good`.
  package static func reading(_ value: Value, unit: String?, quality: String?) -> String {
    let unit = (unit ?? "").printable
    let doubt = quality.map { $0 == "good" ? "" : " (\($0.printable))" } ?? ""
    return value.text() + (unit.isEmpty ? "" : " \(unit)") + doubt
  }

  /// `on`, `off`, or `40%`.
  package static func level(_ state: Double) -> String {
    state == 0 ? "off" : state == 1 ? "on" : percent(state)
  }

  /// `lease-expired` as `lease expired`.
  static func words(_ name: String) -> String { String(name.map { $0 == "-" || $0 == "_" ? " " : $0 }) }

  /// `4%`; below one percent with decimals.
  static func percent(_ fraction: Double) -> String {
    let hundred = fraction * 100
    return "\((hundred.magnitude >= 1 ? hundred.rounded() : hundred).text)%"
  }

  /// `640 B`, `30.5 KiB`, `2 MiB`: the units of limits in configuration files.
  package static func byteCount(_ count: Int64) -> String {
    func tenths(_ size: Int64) -> String { ((Double(count) / Double(size) * 10).rounded() / 10).text }
    return switch count {
    case ..<(1 << 10): "\(count) B"
    case ..<(1 << 20): "\(tenths(1 << 10)) KiB"
    default: "\(tenths(1 << 20)) MiB"
    }
  }
}
