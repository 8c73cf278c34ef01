import Model

/// An event that is to be handed to the agent, as somebody wrote it down.
public struct TrialEvent: Sendable, Hashable {
  /// `domain:verb`.
  public var type: String
  /// What was said of it. What the board's own events carry besides is filled in.
  public var payload: Fields

  /// Puts an event together.
  public init(_ type: String, _ payload: Fields = [:]) {
    self.type = type
    self.payload = payload
  }

  /// The sensor or input that it is about; nil when it is neither's.
  var device: DeviceID? { TrialBoard.device("sensor", type) ?? TrialBoard.device("input", type) }

  /// What its device must say, so that the event is true: `{value}` or `{active}`; nil when it does not say.
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

  /// The payload with what the board's own events have: for a sensor `value`, `unit`, `quality`, `previous`; for an
  /// input `active`, `edge`, `initial`, `sequence`, `kernel_ns`.
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
