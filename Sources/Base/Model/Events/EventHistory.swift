import OpenStarryAgent

/// The past and present events, for the control plane. The orchestrator implements it.
package protocol EventHistory: AnyObject {
  /// The newest `last` events in the ring that match, oldest first.
  /// - Parameter since: only events after this id; nil for all.
  func events(matching pattern: EventPattern, last: Int, since: ULID?) -> [Event]

  /// The event with this id; nil when it is no longer in the ring.
  func event(_ id: ULID) -> Event?

  /// The causal chain of `event`, oldest first, the event itself last; only events that are still in the ring.
  func chain(to event: ULID) -> [Event]

  /// The causal chain of a device's last change, oldest first; empty when it has not changed yet.
  func chain(toLastChangeOf device: String) -> [Event]

  /// Calls `onEvent` for each new event that matches.
  /// - Returns: the listener for `endListen`.
  func listen(_ pattern: EventPattern, _ onEvent: @escaping (Event) -> Void) -> UInt64

  /// Removes a listener; does nothing for an unknown one.
  func endListen(_ listener: UInt64)

  /// The number of events since the daemon's start.
  var total: UInt64 { get }

  /// The number of events that were dropped before rules and agents received them, because too many were waiting.
  var shed: UInt64 { get }
}
