/// Sensors and inputs that stay the same for too long.
extension DeviceEvents {
  static var stuckDeclaration: EventDeclaration {
    EventDeclaration(
      "device:stuck", .high, journal: .warning,
      "a sensor has shown one value, or an input has been active, for the `stuck` of the board file; its readings are "
        + "suspect until it changes",
      [
        .device, .integer("for_ms", "ms", "how long"),
        .number("value", "in `unit`", "the value of a sensor").sometimes,
        .text("unit", "the unit of `value`; empty for none").sometimes,
      ],
      example: stuck("soil", for: .seconds(7200), reading: Reading(value: 41.5, unit: "%", time: 0))
    ) { event in
      let span = event.span("for") ?? "too long"
      guard let value = event["value"] else { return "\(event.subject("device")) has been active for \(span)" }
      let reading = EventSentence.reading(value, unit: event["unit"]?.string, quality: nil)
      return "\(event.subject("device")) has shown \(reading) for \(span)"
    }
  }

  /// - Parameters:
  ///   - span: how long.
  ///   - reading: the newest reading of a sensor; nil for an input.
  package static func stuck(_ device: DeviceID, for span: Duration, reading: Reading? = nil) -> DaemonEvent {
    var payload: Fields = ["device": .string(device.rawValue), "for_ms": .int(span.nanoseconds / 1_000_000)]
    payload.add("value", reading.map { .double($0.value) })
    payload.add("unit", reading.map { .string($0.unit) })
    return DaemonEvent(stuckDeclaration, payload)
  }

  static var unstuckDeclaration: EventDeclaration {
    EventDeclaration(
      "device:unstuck", .normal, journal: .notice, "a device that was stuck has changed", [.device],
      example: unstuck("soil")
    ) { event in "\(event.subject("device")) changes again" }
  }

  /// A device that was stuck has changed.
  package static func unstuck(_ device: DeviceID) -> DaemonEvent {
    DaemonEvent(unstuckDeclaration, ["device": .string(device.rawValue)])
  }
}
