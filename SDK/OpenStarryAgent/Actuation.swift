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

extension ActuatorCommand {
  /// The level it leaves behind for as long as nobody says otherwise; nil for a pulse.
  public var steadyLevel: Double? {
    switch self {
    case .off: 0
    case .on: 1
    case .level(let level): level
    case .pulse: nil
    }
  }
}

extension ActuatorCommand: CustomStringConvertible {
  /// `off`, `on`, `level 0.4`, `pulse 500ms`.
  public var description: String {
    switch self {
    case .off: "off"
    case .on: "on"
    case .level(let level): "level \(level)"
    case .pulse(let length): "pulse \(length.rounded)"
    }
  }
}

/// The answer to a command that was carried out.
public struct Receipt: Sendable, Hashable {
  /// The id of the `device:changed` event the command led to; of what led to the command, when nothing changed or
  /// the hardware has not confirmed it yet.
  public var id: ULID
  /// The state it is in now, 0 to 1.
  public var state: Double
  /// The state it was in before.
  public var previous: Double
  /// Nanoseconds on the monotonic clock when the hardware was told.
  public var at: UInt64
  /// Whether the hardware has said that it took it. Behind a bus it answers a little later: a `device:fault` follows
  /// where it refuses.
  public var isConfirmed: Bool

  /// Puts a receipt together.
  public init(id: ULID, state: Double, previous: Double, at: UInt64, isConfirmed: Bool = true) {
    self.id = id
    self.state = state
    self.previous = previous
    self.at = at
    self.isConfirmed = isConfirmed
  }
}
