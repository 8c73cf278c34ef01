import Document
import Model

/// Reads the settings of an input.
struct InputReader {
  let fields: FieldReader

  /// The settings, with defaults for missing and invalid values.
  func read() -> InputSettings {
    let defaults = InputSettings()
    return InputSettings(
      edges: fields.value("edges", .choice(of: InputSettings.Edges.self), defaults.edges),
      debounce: fields.value("debounce", .duration(), defaults.debounce),
      emergencyStop: fields.value("emergency_stop", .bool, defaults.emergencyStop),
      gestures: gestures(),
      stuck: fields.optional("stuck", .duration(atLeast: .milliseconds(1))))
  }

  private func gestures() -> GestureSettings? {
    guard let gestures = fields.map("gestures") else { return nil }
    let settings = GestureSettings(
      long: gestures.optional("long", .duration(atLeast: .milliseconds(1))),
      double: gestures.optional("double", .duration(atLeast: .milliseconds(1))))
    gestures.close()
    return settings
  }
}
