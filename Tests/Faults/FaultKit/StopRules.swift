import Model

/// Checks that no output moves because of an event from before an emergency stop, after the stop was cleared.
package struct StopRules {
  /// The trace of the last clearing event; nil before the first one of this daemon.
  private var clear: ULID?

  package init() {}

  /// A stop was cleared.
  package mutating func cleared(_ event: Event) { clear = event.trace }

  /// An output has changed. Event ids grow, so the id of a chain's first event tells whether it began before the clear.
  package func changed(_ event: Event, _ board: Board, _ invariants: Invariants, at now: Instant) {
    guard let clear, let id = event["device"]?.string, let state = event["state"]?.double,
      case .actuator(let settings)? = board.device(DeviceID(id))?.kind, state != settings.safe
    else { return }
    invariants.expect(
      event.trace >= clear, "moved by an event before a stop", at: now,
      "\(id) is moved by \(event["holder"]?.string ?? "-") for an event from before the stop was cleared")
  }
}
