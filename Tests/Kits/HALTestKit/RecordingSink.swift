import HAL
import Model

/// An event log that numbers and keeps all events, for tests of publishers.
package final class RecordingSink: EventSink {
  /// All published events, oldest first.
  package private(set) var events: [Event] = []
  private let clock: any Timekeeper

  /// An empty log on `clock`.
  package init(clock: any Timekeeper) { self.clock = clock }

  @discardableResult
  package func publish(
    _ type: String, source: String, cause: Cause?, priority: Priority, payload: Fields
  ) -> Event {
    let event = Event(
      id: ULID(high: (clock.now.nanoseconds / 1_000_000) << 16, low: UInt64(events.count + 1)), type: type,
      time: clock.wallMilliseconds, monotonic: clock.now.nanoseconds, source: source, cause: cause?.id,
      trace: cause?.trace, depth: (cause?.depth ?? -1) + 1, priority: priority, payload: payload)
    events.append(event)
    return event
  }

  /// The events of one type, oldest first.
  package func of(_ type: String) -> [Event] { events.filter { $0.type == type } }

  /// Forgets all events so far.
  package func clear() { events = [] }
}
