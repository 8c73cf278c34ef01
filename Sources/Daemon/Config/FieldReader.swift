import Document
import Model

/// Reads one map of a file, key by key.
///
/// Every key that is asked for becomes known; `close` reports those in the file that nobody asked for, so the set
/// of keys that exist is written down only once, in the code that reads them.
final class FieldReader {
  /// What the map describes, for messages: `actuator 'fan'`, `the board`.
  let what: String
  /// Where the map begins.
  let location: Location
  /// Where everything wrong is noted.
  let findings: Findings
  /// What the map holds.
  let entries: [Node.Entry]
  /// The keys that were asked for, in the order they were.
  private(set) var knownKeys: [String] = []

  /// Reads `entries`.
  init(_ entries: [Node.Entry], what: String, location: Location, findings: Findings) {
    self.entries = entries
    self.what = what
    self.location = location
    self.findings = findings
  }

  /// Reads a node that must be a map; anything else is reported.
  convenience init?(_ node: Node, what: String, findings: Findings) {
    guard case .map(let entries) = node.content else {
      findings.error(node.location, "\(what) is \(Wording.shown(node)), expected a map")
      return nil
    }
    self.init(entries, what: what, location: node.location, findings: findings)
  }

  /// The value of `key`; nil when it is missing or null.
  func node(_ key: String) -> Node? {
    if !knownKeys.contains(key) { knownKeys.append(key) }
    guard let node = entries.first(where: { $0.key.isSame(as: key) })?.value else { return nil }
    if case .null = node.content { return nil }
    return node
  }

  /// The value of `key` as `shape` reads it; nil when it is missing, or wrong and reported.
  func optional<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    node(key).flatMap { shape.read($0, "'\(key)'", findings) }
  }

  /// The same, with `standard` instead of nil.
  func value<Wanted>(_ key: String, _ shape: Shape<Wanted>, _ standard: Wanted) -> Wanted {
    optional(key, shape) ?? standard
  }

  /// The value of `key`; that it is missing is reported.
  func required<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    guard let node = node(key) else {
      findings.error(location, "\(what) has no '\(key)', expected \(shape.expected)")
      return nil
    }
    return shape.read(node, "'\(key)'", findings)
  }

  /// A reader for the map under `key`; nil when it is missing, or no map and reported.
  func map(_ key: String, what: String? = nil) -> FieldReader? {
    node(key).flatMap { FieldReader($0, what: what ?? "'\(key)'", findings: findings) }
  }

  /// Makes keys known that are accepted and not read.
  func accept(_ keys: String...) { for key in keys { _ = node(key) } }

  /// Where the value of `key` is, or the map when it is missing.
  func place(of key: String) -> Location { entries.first { $0.key.isSame(as: key) }?.value.location ?? location }

  /// Reports the keys that nobody asked for.
  /// - Parameters:
  ///   - severity: whether such a key makes the file unusable.
  ///   - explain: a better message for an error about a key that makes sense elsewhere; nil for the usual one.
  func close(as severity: Diagnostic.Severity = .error, explain: (String) -> String? = { _ in nil }) {
    let known = Set(knownKeys.map { Name($0) })
    for entry in entries where !known.contains(Name(entry.key)) {
      switch severity {
      case .error: findings.error(entry.keyLocation, explain(entry.key) ?? message(entry.key))
      case .warning: findings.warning(entry.keyLocation, message(entry.key, otherwise: ", kept and not used"))
      }
    }
  }

  private func message(_ key: String, otherwise: String? = nil) -> String {
    let suggestion = Suggestion.phrase(for: key, in: knownKeys)
    let rest = suggestion.isEmpty ? otherwise ?? ", expected \(Wording.alternatives(knownKeys))" : suggestion
    return "\(what) has an unknown key \(Wording.quoted(key))\(rest)"
  }
}
