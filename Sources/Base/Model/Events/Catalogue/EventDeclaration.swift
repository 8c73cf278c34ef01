/// The declaration of one event of the daemon's own domains: the only source for code, journal, documentation and
/// `check`.
package struct EventDeclaration {
  /// `device:changed`; `sensor:<id>` for a family, where the verb is a device or a rule.
  package let name: String
  /// The urgency; nil where each event has its own.
  package let priority: Priority?
  /// The level in the journal; nil for events that are not in the journal.
  package let journal: LogLevel?
  /// Whether `--story` leaves it out, because it is only about the daemon's inner workings.
  package let isInternal: Bool
  /// Whether the payload may have further fields.
  package let isOpen: Bool
  /// The description for the documentation: a clause without a full stop.
  package let about: String
  private let makeFields: () -> [EventField]
  private let makeExample: () -> DaemonEvent
  private let say: (Event) -> String?

  /// - Parameters:
  ///   - fields: the declared fields of the payload, in order.
  ///   - example: an event with every field, for the documentation and the tests.
  ///   - sentence: makes the sentence for people: printable, one line, no full stop. Returns nil when the payload lacks
  ///     a field, as in an event of another version of the daemon.
  init(
    _ name: String, _ priority: Priority?, journal: LogLevel? = nil, isInternal: Bool = false, isOpen: Bool = false,
    _ about: String, _ fields: @autoclosure @escaping () -> [EventField],
    example: @autoclosure @escaping () -> DaemonEvent, sentence: @escaping (Event) -> String?
  ) {
    self.name = name
    self.priority = priority
    self.journal = journal
    self.isInternal = isInternal
    self.isOpen = isOpen
    self.about = about
    makeFields = fields
    makeExample = example
    say = sentence
  }

  /// The declared fields of the payload, in order.
  package var fields: [EventField] { makeFields() }

  /// An example with every declared field.
  package var example: DaemonEvent { makeExample() }

  /// The sentence for people about `event`, which must be of this declaration; nil when its payload lacks a field.
  package func sentence(_ event: Event) -> String? { say(event) }

  /// Whether the declaration is of a family of names: one for each device or rule.
  package var isFamily: Bool { name.utf8.last == UInt8(ascii: ">") }

  /// Whether `type` is a name of this declaration.
  func names(_ type: String) -> Bool {
    guard isFamily else { return name.isSame(as: type) }
    let domain = name.utf8.prefix { $0 != UInt8(ascii: "<") }
    return type.utf8.count > domain.count && type.utf8.starts(with: domain)
  }

  /// Whether `pattern` can match an event of this declaration.
  package func fits(_ pattern: EventPattern) -> Bool {
    guard isFamily else { return pattern.matches(name) }
    if pattern.isExact { return names(pattern.text) }
    // `sensor:t*` matches some of the family; `s*` may match all of it.
    let domain = name.prefix { $0 != "<" }
    return pattern.text.hasPrefix(domain) || pattern.matches(String(domain))
  }

  /// The first mismatch between an event and its declaration; nil when there is none.
  package func complaint(about event: DaemonEvent) -> String? {
    if !names(event.type) { return "'\(event.type)' is not \(name)" }
    if let priority, priority != event.priority { return "\(name) has the priority \(event.priority)" }
    let fields = self.fields
    for field in fields {
      switch event.payload[field.name] {
      case nil: if field.presence != .sometimes { return "\(name) lacks '\(field.name)'" }
      case .null?: if field.presence != .orNull { return "\(name): '\(field.name)' is null" }
      case let value?: if !field.takes(value) { return "\(name): '\(field.name)' is \(value), not \(field.kind)" }
      }
    }
    guard !isOpen else { return nil }
    let other = event.payload.first { entry in !fields.contains { $0.name == entry.key } }
    return other.map { "\(name) declares no field '\($0.key)'" }
  }
}
