/// A command to an actuator.
public enum ActuatorCommand: Sendable, Hashable {
  /// Inactive: 0 on a PWM channel.
  case off
  /// Active: full scale on a PWM channel.
  case on
  /// A fraction of full scale from 0 to 1, for PWM; on a digital output only 0 and 1.
  case level(Double)
  /// Active for a time, then back to the former state.
  case pulse(Duration)
}

extension ActuatorCommand {
  /// The level after the command, from 0 to 1; nil for a pulse.
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

/// The answer to a command that was executed.
public struct Receipt: Sendable, Hashable {
  /// The id of the `device:changed` event that the command caused. If nothing changed, or the hardware has not confirmed the
  /// change yet: the id of the event that caused the command.
  public var id: ULID
  /// The state now, 0 to 1.
  public var state: Double
  /// The state before, 0 to 1.
  public var previous: Double
  /// Nanoseconds on the monotonic clock when the command was sent to the hardware.
  public var at: UInt64
  /// Whether the hardware has confirmed the command. Hardware behind a bus answers later; if it refuses, `device:fault`
  /// follows.
  public var isConfirmed: Bool

  /// Creates a receipt.
  public init(id: ULID, state: Double, previous: Double, at: UInt64, isConfirmed: Bool = true) {
    self.id = id
    self.state = state
    self.previous = previous
    self.at = at
    self.isConfirmed = isConfirmed
  }
}
