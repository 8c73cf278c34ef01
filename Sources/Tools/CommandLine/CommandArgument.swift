import Model

/// What `openstarry set` may ask of an actuator: `on`, `off`, `0.4`, `40%`, `pulse:500ms`.
public enum CommandArgument {
  /// Reads it.
  /// - Returns: nil when it is none of these, or a level outside 0 to 1.
  public static func command(_ text: String) -> ActuatorCommand? {
    switch MinusSign.restore(text).lowercased() {
    case "on": return .on
    case "off": return .off
    case let pulse where pulse.hasPrefix("pulse:"):
      guard let length = Quantity.duration(String(pulse.dropFirst("pulse:".count))), length > .zero else { return nil }
      return .pulse(length)
    case let level:
      guard let fraction = Quantity.percent(level) ?? Double(level), (0...1).contains(fraction) else { return nil }
      return .level(fraction)
    }
  }
}
