import Document
import Model

/// Reads the settings of an input.
struct InputReader {
  let fields: FieldReader

  /// The settings, with defaults for missing and invalid values.
  func read() -> InputSettings {
    let defaults = InputSettings()
    let settings = InputSettings(
      edges: fields.value("edges", .choice(of: InputSettings.Edges.self), defaults.edges),
      debounce: fields.value("debounce", .duration(), defaults.debounce),
      emergencyStop: fields.value("emergency_stop", .bool, defaults.emergencyStop),
      gestures: gestures(),
      stuck: fields.optional("stuck", .duration(atLeast: .milliseconds(1))),
      count: count())
    if let long = settings.gestures?.long, long <= settings.debounce {
      fields.findings.warning(
        fields.place(of: "gestures"),
        "'long' is \(long.text), but a press shorter than the 'debounce' of \(settings.debounce.text) does not count: every "
          + "press would be long")
    }
    if settings.count != nil, fields.node("debounce") == nil {
      fields.findings.warning(
        fields.place(of: "count"),
        "'count' without a 'debounce' also counts the bounces of a mechanical contact ('debounce: 0s' confirms this)")
    }
    return settings
  }

  private func count() -> CountSettings? {
    guard let count = fields.map("count") else { return nil }
    let defaults = CountSettings()
    let settings = CountSettings(
      unit: count.value("unit", .name, defaults.unit),
      perPulse: count.value("per_pulse", .positive, defaults.perPulse),
      window: count.value("window", .duration(atLeast: .seconds(1)), defaults.window))
    count.close()
    return settings
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
