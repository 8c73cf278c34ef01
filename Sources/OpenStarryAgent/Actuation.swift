/// What an actuator is asked to do, and what it does.
public enum ActuatorCommand: Sendable, Hashable {
  /// Inactive: 0 on a PWM channel.
  case off
  /// Active: full scale on a PWM channel.
  case on
  /// A fraction of full scale from 0 to 1, for PWM; on a digital output only 0 and 1.
  case level(Double)
  /// Active for `length`, then back to what it was.
  case pulse(Duration)
}

extension ActuatorCommand: CustomStringConvertible {
  /// `off`, `on`, `level 0.4`, `pulse 0.5 seconds`.
  public var description: String {
    switch self {
    case .off: "off"
    case .on: "on"
    case .level(let level): "level \(level)"
    case .pulse(let length): "pulse \(length)"
    }
  }
}

/// The answer to a command that was carried out.
public struct Receipt: Sendable, Hashable {
  /// The id of the `device:changed` event the command led to, or of the command itself when nothing changed.
  public var id: ULID
  /// The state it is in now, 0 to 1.
  public var state: Double
  /// The state it was in before.
  public var previous: Double
  /// Nanoseconds on the monotonic clock when the hardware took it.
  public var at: UInt64

  /// Puts a receipt together.
  public init(id: ULID, state: Double, previous: Double, at: UInt64) {
    self.id = id
    self.state = state
    self.previous = previous
    self.at = at
  }
}
