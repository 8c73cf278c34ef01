/// Events of sensors.
package enum SensorEvents {
  static var all: [EventDeclaration] { [measuredDeclaration] }

  private static var measuredDeclaration: EventDeclaration {
    EventDeclaration(
      "sensor:<id>", .normal,
      "the value or the quality of a subscribed sensor has changed",
      [
        .number("value", "in `unit`", "the measured value"),
        .text("unit", "the unit of `value`; empty for none"),
        .text("quality", "`good`, `stale` or `suspect`"),
        .number("previous", "in `unit`", "the previous value; null the first time").orNull,
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
  ///   - type: the sensor's `name(of:)`; callers keep it, so that it is not made for every reading.
  ///   - previous: the previous value; `.null` the first time.
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

  /// The sensor in an event name or pattern; nil when that does not begin with `sensor:`.
  package static func sensor(of type: String) -> DeviceID? {
    isName(type) ? DeviceID(String(type.dropFirst(7))) : nil
  }

  /// Whether `type` begins with `sensor:`.
  package static func isName(_ type: String) -> Bool { type.hasPrefix("sensor:") }
}
