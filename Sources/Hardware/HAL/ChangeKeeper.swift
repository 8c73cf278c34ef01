import Model

/// Keeps, outside this process, when actuators with `max_rate` have changed, so that nobody changes them more often with
/// the help of a daemon that starts again and again.
public protocol ChangeKeeper: AnyObject {
  /// What the process before has kept of an actuator, oldest first; empty for nothing.
  func changes(of device: DeviceID) -> [ActuatorChange]

  /// Replaces what is kept of an actuator. Called before the hardware is told, so that a process that dies has counted
  /// too much rather than too little, and again when it has answered.
  /// - Parameter changes: oldest first, no more than its `max_rate` counts.
  func keep(_ changes: [ActuatorChange], of device: DeviceID)
}

/// One change of an actuator, as far as its `max_rate` goes.
public struct ActuatorChange: Sendable, Hashable {
  /// No more than this are kept of an actuator: the newest.
  public static let mostKept = 512

  /// On the monotonic clock, which only means something until the next boot.
  public var at: Instant
  /// Whether it led away from the safe state: then whoever comes next has to bring it back, which is a change, too.
  public var leadsAway: Bool
  /// The hardware had not said that it has taken it: it may have done so later.
  public var isUnderWay: Bool

  /// Puts one together.
  public init(at: Instant, leadsAway: Bool, isUnderWay: Bool) {
    self.at = at
    self.leadsAway = leadsAway
    self.isUnderWay = isUnderWay
  }
}
