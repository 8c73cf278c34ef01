/// An event of the daemon's own domains, before it is published. Only functions of the catalogue make one, such as
/// `DeviceEvents.changed(…)`, so that every event has exactly its declared fields.
package struct DaemonEvent {
  /// `domain:verb`.
  package let type: String
  /// The urgency.
  package let priority: Priority
  /// The fields of the event.
  package let payload: Fields

  /// - Parameters:
  ///   - type: the event's name for a family such as `sensor:<id>`; nil takes the declaration's.
  ///   - priority: the urgency where the declaration leaves it open; nil takes the declaration's.
  ///   - payload: the fields, without those that have no value.
  /// - Precondition: the event matches its declaration; checked in debug builds only.
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
  /// Publishes an event of the daemon's own domains; see `publish` of the protocol.
  /// - Parameters:
  ///   - source: a device id, `agent/<id>`, `rule/<id>`, `client/<name>` or `system`.
  ///   - cause: the event that led to it; nil for the first event of a chain.
  /// - Returns: the published event, with id and time.
  @discardableResult
  package func publish(_ event: DaemonEvent, from source: String, cause: Cause? = nil) -> Event {
    publish(event.type, source: source, cause: cause, priority: event.priority, payload: event.payload)
  }
}

extension Fields {
  /// Adds a field; does nothing for nil.
  mutating func add(_ key: String, _ value: Value?) { if let value { self[key] = value } }
}
