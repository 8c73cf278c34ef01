import Document
import Model

/// Reads one map of a file, key by key.
///
/// Every key that is read becomes known, and `close` reports all other keys. So the valid keys are listed only once, in
/// the code that reads them.
final class FieldReader {
  /// The subject of messages: `actuator 'fan'`, `the board`.
  let what: String
  /// The beginning of the map.
  let location: Location
  /// The destination of errors and warnings.
  let findings: Findings
  /// The entries of the map.
  let entries: [Node.Entry]
  /// The keys read so far, in order.
  private(set) var knownKeys: [String] = []

  /// Creates a reader for `entries`.
  init(_ entries: [Node.Entry], what: String, location: Location, findings: Findings) {
    self.entries = entries
    self.what = what
    self.location = location
    self.findings = findings
    knownKeys.reserveCapacity(16)
  }

  /// Creates a reader for a map; reports any other node and returns nil.
  convenience init?(_ node: Node, what: String, findings: Findings) {
    guard case .map(let entries) = node.content else {
      findings.error(node.location, "\(what) is \(Wording.shown(node)), expected a map")
      return nil
    }
    self.init(entries, what: what, location: node.location, findings: findings)
  }

  /// The node of `key`; nil when it is missing or null.
  func node(_ key: String) -> Node? {
    if !knownKeys.contains(where: { $0.isSame(as: key) }) { knownKeys.append(key) }
    guard let place = entries.indices.first(where: { entries[$0].key.isSame(as: key) }) else { return nil }
    if case .null = entries[place].value.content { return nil }
    return entries[place].value
  }

  /// The value of `key`; nil when it is missing, or invalid and reported.
  func optional<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    node(key).flatMap { shape.read($0, "'\(key)'", findings) }
  }

  /// The value of `key`; `defaultValue` when it is missing, or invalid and reported.
  func value<Wanted>(_ key: String, _ shape: Shape<Wanted>, _ defaultValue: Wanted) -> Wanted {
    optional(key, shape) ?? defaultValue
  }

  /// The value of `key`; nil when it is missing or invalid, which is reported.
  func required<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    guard let node = node(key) else {
      findings.error(location, "\(what) has no '\(key)', expected \(shape.expected)")
      return nil
    }
    return shape.read(node, "'\(key)'", findings)
  }

  /// A reader for the map under `key`; nil when it is missing, or not a map and reported.
  func map(_ key: String, what: String? = nil) -> FieldReader? {
    node(key).flatMap { FieldReader($0, what: what ?? "'\(key)'", findings: findings) }
  }

  /// Accepts keys without reading them.
  func accept(_ keys: String...) { for key in keys { _ = node(key) } }

  /// The location of the value of `key`; that of the map when it is missing.
  func place(of key: String) -> Location { entries.first { $0.key.isSame(as: key) }?.value.location ?? location }

  /// Reports the keys that were not read.
  /// - Parameters:
  ///   - severity: `.warning` for maps whose unknown keys are stored but not used.
  ///   - explain: the message for a key that is valid elsewhere; nil for the usual message. Only used for errors.
  func close(as severity: Diagnostic.Severity = .error, explain: (String) -> String? = { _ in nil }) {
    for entry in entries where !knownKeys.contains(where: { $0.isSame(as: entry.key) }) {
      switch severity {
      case .error: findings.error(entry.keyLocation, explain(entry.key) ?? message(entry.key))
      case .warning: findings.warning(entry.keyLocation, message(entry.key, otherwise: ", stored but not used"))
      }
    }
  }

  private func message(_ key: String, otherwise: String? = nil) -> String {
    let suggestion = Suggestion.phrase(for: key, in: knownKeys)
    let rest = suggestion.isEmpty ? otherwise ?? ", expected \(Wording.alternatives(knownKeys))" : suggestion
    return "\(what) has an unknown key \(Wording.quoted(key))\(rest)"
  }
}
