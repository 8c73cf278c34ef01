/// What is known of an output that was switched without its effect.
package struct NoEffect: Sendable, Hashable {
  /// When that was found, in milliseconds since 1970. A label only: the wall clock may have been wrong.
  package var since: UInt64
  /// The level of the output, 0 to 1.
  package var state: Double
  /// The sensor or input that should have noticed it.
  package var sensor: DeviceID
  /// Its newest good reading before the output was switched; nil when there was none.
  package var before: Double?
  /// Its newest good reading since then; nil when there was none.
  package var after: Double?
  /// The unit of the readings; empty for none.
  package var unit: String
  /// Why there is no reading, or why it is unknown whether there is an effect; nil when it is known that there is none.
  package var detail: String?

  /// Takes the values as they are.
  package init(
    since: UInt64, state: Double, sensor: DeviceID, before: Double?, after: Double?, unit: String = "",
    detail: String? = nil
  ) {
    self.since = since
    self.state = state
    self.sensor = sensor
    self.before = before
    self.after = after
    self.unit = unit
    self.detail = detail
  }

  /// As in section 4.4 of the control protocol; also its stored form.
  package var fields: Fields {
    var fields: Fields = [
      "since": .int(Int64(clamping: since)), "state": .double(state), "sensor": .string(sensor.rawValue),
      "before": before.map { .double($0) } ?? .null, "after": after.map { .double($0) } ?? .null,
      "unit": .string(unit),
    ]
    fields.add("detail", detail.map { .string($0) })
    return fields
  }

  /// Reads the stored form; nil for another one.
  package init?(_ stored: Value) {
    guard let since = stored["since"]?.int, let state = stored["state"]?.double, let sensor = stored["sensor"]?.string
    else { return nil }
    self.init(
      since: UInt64(clamping: since), state: state, sensor: DeviceID(sensor), before: stored["before"]?.double,
      after: stored["after"]?.double, unit: stored["unit"]?.string ?? "", detail: stored["detail"]?.string)
  }
}
