import Model

/// An event for the agent, as the user wrote it.
package struct TrialEvent: Sendable, Hashable {
  /// `domain:verb`.
  package var type: String
  /// The payload as written. The fields that the board's own events also have are added on delivery.
  package var payload: Fields

  /// - Parameter type: `domain:verb`.
  package init(_ type: String, _ payload: Fields = [:]) {
    self.type = type
    self.payload = payload
  }

  /// The sensor or input of the event; nil when its type is of another domain.
  var device: DeviceID? { TrialBoard.device("sensor", type) ?? TrialBoard.device("input", type) }

  /// The change to the simulated device that makes the event true: `{value}` or `{active}`. nil when the board does not
  /// have the device, or the payload has no value.
  func injection(_ board: Board) -> (DeviceID, Value)? {
    guard let id = device, let found = board.device(id) else { return nil }
    switch found.kind {
    case .sensor(let settings):
      guard let value = payload["value"]?.double, settings.scale != 0 else { return nil }
      return (id, ["value": .double((value - settings.offset) / settings.scale)])
    case .input: return (id, ["active": .bool(payload["active"]?.bool ?? true)])
    case .actuator, .camera: return nil
    }
  }

  /// The payload completed with the fields of the board's own events: `value`, `unit`, `quality` and `previous` for a
  /// sensor; `active`, `edge`, `initial`, `sequence` and `kernel_ns` for an input. Fields as written take precedence.
  func payload(_ reading: Reading?, sequence: Int64, now: Instant) -> Fields {
    var full: Fields = [:]
    if TrialBoard.device("sensor", type) != nil, let reading {
      full = [
        "value": .double(reading.value), "unit": .string(reading.unit), "quality": .string(reading.quality.rawValue),
        "previous": nil,
      ]
    } else if TrialBoard.device("input", type) != nil, let reading {
      let isActive = payload["active"]?.bool ?? (reading.value == 1)
      let isInitial = payload["initial"]?.bool ?? false
      full = [
        "active": .bool(isActive), "edge": .string(isInitial ? "none" : isActive ? "rising" : "falling"),
        "initial": .bool(isInitial), "sequence": .int(isInitial ? 0 : sequence),
        "kernel_ns": .int(Int64(clamping: now.nanoseconds)),
      ]
    }
    for (key, value) in payload { full[key] = value }
    return full
  }
}
