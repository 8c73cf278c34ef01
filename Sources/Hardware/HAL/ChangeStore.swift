import Model

/// Stores the changes of actuators with `max_rate` outside this process, so that restarts of the daemon do not reset
/// the limit.
package protocol ChangeStore: AnyObject {
  /// The changes that the previous process stored for an actuator, oldest first; empty if there are none.
  func changes(of device: DeviceID) -> [ActuatorChange]

  /// Replaces the stored changes of an actuator. Called before the hardware is driven, so that a process that dies in
  /// between has counted one change too many rather than one too few, and again when the hardware has answered.
  /// - Parameter changes: oldest first; at most `max_rate`'s count and at most `ActuatorChange.mostKept`.
  func keep(_ changes: [ActuatorChange], of device: DeviceID)
}

/// One change of an actuator that counts for its `max_rate`.
package struct ActuatorChange: Sendable, Hashable {
  /// At most this many changes are stored for each actuator, the newest ones.
  package static let mostKept = 512

  /// The time on the monotonic clock, valid until the next boot.
  package var at: Instant
  /// Whether it led away from the safe state. The next process then has to make the output safe, which is another
  /// change.
  package var leadsAway: Bool
  /// Whether the hardware had not confirmed it yet: it may have taken effect later.
  package var isUnderWay: Bool

  /// - Parameter at: on the monotonic clock.
  package init(at: Instant, leadsAway: Bool, isUnderWay: Bool) {
    self.at = at
    self.leadsAway = leadsAway
    self.isUnderWay = isUnderWay
  }
}
