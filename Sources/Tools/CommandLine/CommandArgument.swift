import Model

/// The command argument of `openstarry set`: `on`, `off`, `0.4`, `40%` or `pulse:500ms`.
package enum CommandArgument {
  /// Parses a command.
  /// - Returns: nil for an unknown word, a level outside 0 to 1, or a pulse without a positive duration.
  package static func command(_ text: String) -> ActuatorCommand? {
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
