import OpenStarryAgent

/// What the control plane may see of events. The orchestrator implements it.
public protocol EventHistory: AnyObject {
  /// Events that fit, oldest first: the newest `last` of those still in the ring.
  func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event]

  /// One event that is still known, or nil.
  func event(_ id: ULID) -> Event?

  /// The chain that led to `event`, from where it began to the event itself; as far back as it is still known.
  func chain(to event: ULID) -> [Event]

  /// The chain that led to the last change of a device; empty when it has not changed yet.
  func chain(toLastChangeOf device: String) -> [Event]

  /// Calls `onEvent` for each event that fits, until `endListen`.
  func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64

  /// Ends listening.
  func endListen(_ listener: UInt64)

  /// How many events there have been since the start.
  var total: UInt64 { get }

  /// How many of them were dropped before rules and agents had them: too many waited.
  var shed: UInt64 { get }
}
