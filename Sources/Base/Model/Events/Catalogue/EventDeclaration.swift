/// What is declared of one event of the daemon's own domains: everything that code, journal, documentation and `check`
/// know about it.
package struct EventDeclaration {
  /// `device:changed`; `sensor:<id>` where the verb names a device or a rule.
  package let name: String
  /// How urgent it is; nil where that depends on what it is about.
  package let priority: Priority?
  /// The level at which the journal has it; nil where it does not.
  package let journal: LogLevel?
  /// Whether `--story` leaves it out, because it tells only of the daemon's inner workings.
  package let isInternal: Bool
  /// Whether its payload has other fields beside the declared ones.
  package let isOpen: Bool
  /// What has happened, as a clause without a full stop.
  package let about: String
  private let makeFields: () -> [EventField]
  private let makeExample: () -> DaemonEvent
  private let say: (Event) -> String?

  /// - Parameters:
  ///   - fields: its payload, in order.
  ///   - example: one with every field that it may have, for the documentation and the tests.
  ///   - sentence: what it says to people, printable, on one line, without a full stop; nil where the payload has not what
  ///     that takes, as in an event that another version of the daemon has published.
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

  /// The declared fields of its payload, in order.
  package var fields: [EventField] { makeFields() }

  /// One such event, with every field that it may have.
  package var example: DaemonEvent { makeExample() }

  /// What `event`, one of these, says to people; nil where its payload has not what that takes.
  package func sentence(_ event: Event) -> String? { say(event) }

  /// Whether its name stands for many, one for each device or rule.
  package var isFamily: Bool { name.utf8.last == UInt8(ascii: ">") }

  /// Whether `type` is the name of such an event.
  func names(_ type: String) -> Bool {
    guard isFamily else { return name.isSame(as: type) }
    let domain = name.utf8.prefix { $0 != UInt8(ascii: "<") }
    return type.utf8.count > domain.count && type.utf8.starts(with: domain)
  }

  /// Whether an event that `pattern` fits may be one of these.
  package func fits(_ pattern: EventPattern) -> Bool {
    guard isFamily else { return pattern.matches(name) }
    if pattern.isExact { return names(pattern.text) }
    // A pattern that goes beyond the colon means some of the family; one without a colon may mean all of it.
    let domain = name.prefix { $0 != "<" }
    return pattern.text.hasPrefix(domain) || pattern.matches(String(domain))
  }

  /// What of an event is not as declared; nil when everything is.
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
