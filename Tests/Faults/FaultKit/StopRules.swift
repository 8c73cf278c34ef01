import Model

/// After an emergency stop that was cleared nothing moves because of what was before.
public struct StopRules {
  /// The event that the newest clear began with; nil before the first of this daemon.
  private var clear: ULID?

  public init() {}

  /// A stop was cleared.
  public mutating func cleared(_ event: Event) { clear = event.trace }

  /// An output has changed. Ids of events grow, so that a chain's first one tells when it began.
  public func changed(_ event: Event, _ board: Board, _ invariants: Invariants, at now: Instant) {
    guard let clear, let id = event["device"]?.string, let state = event["state"]?.double,
      case .actuator(let settings)? = board.device(DeviceID(id))?.kind, state != settings.safe
    else { return }
    invariants.expect(
      event.trace >= clear, "moved by what was before a stop", at: now,
      "\(id) is moved by \(event["holder"]?.string ?? "-") for what happened before the stop was cleared")
  }
}
