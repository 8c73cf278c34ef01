/// An event of the daemon's own domains, before it is published. The functions of the catalogue make them, such as
/// `DeviceEvents.changed(…)`, and nobody else does: so each has the fields that are declared for it, and no others.
package struct DaemonEvent {
  /// `domain:verb`.
  package let type: String
  /// How urgent it is.
  package let priority: Priority
  /// What is known about it.
  package let payload: Fields

  /// - Parameters:
  ///   - type: its name, where the declaration is of a family.
  ///   - priority: how urgent it is, where that depends on what it is about.
  ///   - pairs: the payload; fields without a value are left out.
  /// - Precondition: it is as declared; looked at in debug builds only.
  init(
    _ declaration: EventDeclaration, type: String? = nil, priority: Priority? = nil, _ payload: Fields
  ) {
    self.type = type ?? declaration.name
    self.priority = priority ?? declaration.priority ?? .normal
    self.payload = payload
    assert(declaration.complaint(about: self) == nil, declaration.complaint(about: self) ?? "")
  }
}

extension EventSink {
  /// Publishes an event of the daemon's own domains; everything else as `publish` of the protocol.
  /// - Parameters:
  ///   - source: a device id, `agent/<id>`, `rule/<id>`, `client/<name>` or `system`.
  ///   - cause: nil where a chain begins.
  /// - Returns: the event as it was kept.
  @discardableResult
  package func publish(_ event: DaemonEvent, from source: String, cause: Cause? = nil) -> Event {
    publish(event.type, source: source, cause: cause, priority: event.priority, payload: event.payload)
  }
}

extension Fields {
  /// Adds a field where it has a value.
  mutating func add(_ key: String, _ value: Value?) { if let value { self[key] = value } }
}
