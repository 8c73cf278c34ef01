import Document
import Model

/// Reads one map of a file, key by key.
///
/// Every key that is read becomes known, and `close` reports all other keys. So the valid keys are listed only once, in
/// the code that reads them.
final class FieldReader {
  /// The subject of messages: `actuator 'fan'`, `the board`.
  var what: String
  /// The beginning of the map.
  let location: Location
  /// The destination of errors and warnings.
  let findings: Findings
  /// The entries of the map.
  let entries: [Node.Entry]
  /// The keys read so far, in order. A key may be there twice: looking for it each time would cost more than reading.
  private var read: [String] = []
  /// Notes the keys and their forms; nil while a file is read.
  let record: SchemaRecord?

  /// Creates a reader for `entries`.
  init(
    _ entries: [Node.Entry], what: String, location: Location, findings: Findings, record: SchemaRecord? = nil
  ) {
    self.entries = entries
    self.record = record
    self.what = what
    self.location = location
    self.findings = findings
    read.reserveCapacity(48)
  }

  /// The keys read so far, in order, each once.
  var knownKeys: [String] {
    read.reduce(into: []) { keys, key in if !keys.contains(where: { $0.isSame(as: key) }) { keys.append(key) } }
  }

  /// Creates a reader for a map; reports any other node and returns nil.
  convenience init?(_ node: Node, what: String, findings: Findings) {
    guard case .map(let entries) = node.content else {
      findings.error(node.location, "\(what) is \(Wording.shown(node)), expected a map")
      return nil
    }
    self.init(entries, what: what, location: node.location, findings: findings)
  }

  /// Creates a reader that only notes what is asked of it.
  /// - Parameter probe: the texts that stand in the map.
  convenience init(recording record: SchemaRecord, probe: [String: String] = [:]) {
    let place = Location(file: "")
    self.init(
      probe.map { Node.Entry(key: $0.key, keyLocation: place, value: Node(.string($0.value), place)) }, what: "",
      location: place, findings: Findings(), record: record)
  }

  /// The node of `key`; nil when it is missing or null.
  /// - Parameter schema: its form, when it is not read with a shape.
  func node(_ key: String, _ schema: @autoclosure () -> Schema = .any, isRequired: Bool = false) -> Node? {
    record?.note(key, schema(), isRequired: isRequired)
    return find(key)
  }

  private func find(_ key: String) -> Node? {
    read.append(key)
    guard let place = entries.indices.first(where: { entries[$0].key.isSame(as: key) }) else { return nil }
    if case .null = entries[place].value.content { return nil }
    return entries[place].value
  }

  /// The value of `key`; nil when it is missing, or invalid and reported.
  func optional<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    record?.note(key, shape.schema)
    return find(key).flatMap { shape.read($0, "'\(key)'", findings) }
  }

  /// The value of `key`; `defaultValue` when it is missing, or invalid and reported.
  func value<Wanted>(_ key: String, _ shape: Shape<Wanted>, _ defaultValue: Wanted) -> Wanted {
    optional(key, shape) ?? defaultValue
  }

  /// The value of `key`; nil when it is missing or invalid, which is reported.
  func required<Wanted>(_ key: String, _ shape: Shape<Wanted>) -> Wanted? {
    record?.note(key, shape.schema, isRequired: true)
    guard let node = find(key) else {
      findings.error(location, "\(what) has no '\(key)', expected \(shape.expected)")
      return nil
    }
    return shape.read(node, "'\(key)'", findings)
  }

  /// A reader for the map under `key`; nil when it is missing, or not a map and reported.
  func map(_ key: String, what: String? = nil) -> FieldReader? {
    if let record { return FieldReader(recording: record.map(key, isRequired: false)) }
    return find(key).flatMap { FieldReader($0, what: what ?? "'\(key)'", findings: findings) }
  }

  /// The same; a missing map is reported, too.
  /// - Parameter expected: the end of the message.
  func requiredMap(_ key: String, _ expected: String) -> FieldReader? {
    if let record { return FieldReader(recording: record.map(key, isRequired: true)) }
    if find(key) == nil { findings.error(location, "\(what) has no '\(key)', expected \(expected)") }
    return map(key)
  }

  /// The entries of the map under `key`, whose keys are names of the file's own; empty when it is missing, or not a map
  /// and reported.
  /// - Parameters:
  ///   - schema: the form of each value.
  ///   - names: the pattern of the keys; nil for any text.
  func entries(of key: String, _ schema: @autoclosure () -> Schema, names: String? = nil) -> [Node.Entry] {
    record?.note(key, .map(of: schema(), names: names))
    return find(key).flatMap { FieldReader($0, what: "'\(key)'", findings: findings) }?.entries ?? []
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
    if severity == .error { record?.close() }
    for entry in entries where !read.contains(where: { $0.isSame(as: entry.key) }) {
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
