/// Outputs that were switched without their effect.
extension DeviceEvents {
  static var noEffectDeclaration: EventDeclaration {
    EventDeclaration(
      "device:no_effect", .high, journal: .warning,
      "an output was switched, and the sensor of its `verify` does not show the effect in time",
      [
        .device, .level("state", "the level of the output"), .text("sensor", "the sensor that should show the effect"),
        .number("before", "in `unit`", "its newest good reading before the output was switched").orNull,
        .number("after", "in `unit`", "its newest good reading since then").orNull,
        .text("detail", "why `after` is null, or why it is unknown whether there is an effect").sometimes,
        .text("unit", "the unit of the readings; empty for none"),
        .integer("within_ms", "ms", "how long the effect was waited for"),
      ],
      example: noEffect(
        "pump",
        NoEffect(
          since: 0, state: 1, sensor: "current", before: 0.01, after: 0.02, unit: "A",
          detail: "'expect' is unknown: the clock is not trusted yet"), within: .seconds(5))
    ) { event in
      guard let state = event["state"]?.double else { return nil }
      let unit = event["unit"]?.string
      func reading(_ name: String) -> String? {
        event[name].flatMap { value in
          value == .null ? nil : EventSentence.reading(value, unit: unit, quality: nil)
        }
      }
      let sensor = event.text("sensor", "its sensor")
      let shown: String
      if let after = reading("after") {
        shown = "shows \(after)" + (reading("before").map { ", and before \($0)" } ?? "")
      } else {
        shown = "has no good reading"
      }
      let time = event.span("within").map { " in \($0)" } ?? ""
      let detail = event["detail"]?.string.map { ": \($0.printable)" } ?? ""
      return
        "\(event.subject("device")) is \(EventSentence.level(state)) without effect\(time): \(sensor) \(shown)\(detail)"
    }
  }

  /// An output was switched without its effect.
  /// - Parameters:
  ///   - found: the output's level and what its sensor shows; `since` is not part of the event.
  ///   - time: how long the effect was waited for.
  package static func noEffect(_ device: DeviceID, _ found: NoEffect, within time: Duration) -> DaemonEvent {
    var payload: Fields = [
      "device": .string(device.rawValue), "state": .double(found.state), "sensor": .string(found.sensor.rawValue),
      "before": found.before.map { .double($0) } ?? .null, "after": found.after.map { .double($0) } ?? .null,
    ]
    payload.add("detail", found.detail.map { .string($0) })
    payload["unit"] = .string(found.unit)
    payload["within_ms"] = .int(time.nanoseconds / 1_000_000)
    return DaemonEvent(noEffectDeclaration, payload)
  }
}
