import HAL
import Model

/// A map in the options of a simulated device. Its accessors throw `invalid` with the path of the wrong value.
struct Declaration {
  let device: DeviceID
  /// The path of the map in the options, for messages: `model`, `scene.objects[0]`.
  let path: String
  let fields: Fields

  init(_ device: DeviceID, _ path: String, _ value: Value?, allowed: [String]) throws(HALError) {
    self.device = device
    self.path = path
    guard let value else {
      fields = [:]
      return
    }
    guard let map = value.map else { throw .invalid(device, "\(path) must be a map") }
    fields = map
    for key in map.keys where !allowed.contains(key) {
      throw .invalid(device, "\(path) has no key '\(key)'\(Suggestion.phrase(for: key, in: allowed))")
    }
  }

  func has(_ key: String) -> Bool { fields[key] != nil }

  func number(_ key: String, _ defaultValue: Double? = nil) throws(HALError) -> Double {
    guard let value = fields[key] else {
      guard let defaultValue else { throw .invalid(device, "\(path).\(key) is missing: a number is expected") }
      return defaultValue
    }
    guard let number = value.double, number.isFinite else { throw .invalid(device, "\(path).\(key) must be a number") }
    return number
  }

  func bool(_ key: String, _ defaultValue: Bool) throws(HALError) -> Bool {
    guard let value = fields[key] else { return defaultValue }
    guard let bool = value.bool else { throw .invalid(device, "\(path).\(key) must be true or false") }
    return bool
  }

  func text(_ key: String) throws(HALError) -> String? {
    guard let value = fields[key] else { return nil }
    guard let text = value.string else { throw .invalid(device, "\(path).\(key) must be text") }
    return text
  }

  func duration(_ key: String) throws(HALError) -> Duration? {
    guard let value = fields[key] else { return nil }
    guard let duration = Self.duration(value) else {
      throw .invalid(device, "\(path).\(key) must be a duration such as 1.5s or 200ms")
    }
    return duration
  }

  func duration(_ key: String, _ defaultValue: Duration) throws(HALError) -> Duration {
    try duration(key) ?? defaultValue
  }

  func list(_ key: String) throws(HALError) -> [Value] {
    guard let value = fields[key] else { return [] }
    guard let list = value.list else { throw .invalid(device, "\(path).\(key) must be a list") }
    return list
  }

  /// A map from actuators of the board to numbers; empty when it is left out.
  func weights(_ key: String, _ world: World) throws(HALError) -> [Influence] {
    guard let value = fields[key] else { return [] }
    guard let map = value.map else { throw .invalid(device, "\(path).\(key) must be a map of actuators to numbers") }
    var influences: [Influence] = []
    for (name, weight) in map {
      guard let weight = weight.double, weight.isFinite else {
        throw .invalid(device, "\(path).\(key).\(name) must be a number")
      }
      let id = DeviceID(name)
      guard world.hasActuator(id) else {
        let hint = Suggestion.phrase(for: name, in: world.actuators.map(\.rawValue))
        throw .invalid(device, "\(path).\(key): the board has no actuator '\(name)'\(hint)")
      }
      influences.append(Influence(actuator: id, weight: weight))
    }
    return influences
  }

  /// A text such as `200ms`, or a number of seconds; nil for anything else.
  static func duration(_ value: Value) -> Duration? {
    if let text = value.string { return Quantity.duration(text) }
    guard let seconds = value.double, seconds >= 0, seconds < 1e9 else { return nil }
    return .nanoseconds(Int64(seconds * 1e9))
  }
}

/// The effect of an actuator on a model.
struct Influence {
  var actuator: DeviceID
  /// The contribution at full level, in the model's unit.
  var weight: Double
}
