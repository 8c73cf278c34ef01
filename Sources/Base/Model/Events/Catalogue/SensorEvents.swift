/// What sensors measure.
package enum SensorEvents {
  static var all: [EventDeclaration] { [measuredDeclaration] }

  private static var measuredDeclaration: EventDeclaration {
    EventDeclaration(
      "sensor:<id>", .normal,
      "a sensor that somebody waits for has another value or quality",
      [
        .number("value", "as `unit` says", "what was measured"),
        .text("unit", "the unit of `value`, empty where it has none"),
        .text("quality", "`good`, `stale` or `suspect`"),
        .number("previous", "as `unit` says", "the value before; null the first time").orNull,
      ],
      example: measured(
        name(of: "temperature"), value: 30.4, unit: "°C", quality: .good, previous: .double(30.1))
    ) { event in
      guard let value = event["value"] else { return nil }
      let unit = event["unit"]?.string
      return "\(event.verb) \(EventSentence.reading(value, unit: unit, quality: event["quality"]?.string))"
    }
  }

  /// - Parameters:
  ///   - type: the `name(of:)` of the sensor, kept by whoever measures often.
  ///   - previous: the value before; `.null` the first time.
  package static func measured(
    _ type: String, value: Double, unit: String, quality: Reading.Quality, previous: Value
  ) -> DaemonEvent {
    DaemonEvent(
      measuredDeclaration, type: type,
      Fields(uniquePairs: [
        ("value", .double(value)), ("unit", .string(unit)), ("quality", .string(quality.rawValue)),
        ("previous", previous),
      ]))
  }

  /// The name of the events of a sensor, `sensor:<id>`.
  package static func name(of sensor: DeviceID) -> String { "sensor:\(sensor)" }

  /// The sensor that an event name or pattern is about; nil when it is none of a sensor.
  package static func sensor(of type: String) -> DeviceID? {
    isName(type) ? DeviceID(String(type.dropFirst(7))) : nil
  }

  /// Whether `type` begins with `sensor:`.
  package static func isName(_ type: String) -> Bool { type.hasPrefix("sensor:") }
}
