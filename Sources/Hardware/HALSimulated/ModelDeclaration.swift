import HAL
import Model

/// Reads the `model` option of a simulated sensor.
enum ModelDeclaration {
  private static let common = ["model", "unit", "noise", "min", "max"]
  private static let keys: [String: [String]] = [
    "constant": ["value", "influences"],
    "sine": ["mean", "amplitude", "period", "phase", "influences"],
    "script": ["steps", "repeat", "ramp", "period"],
    "thermal": ["ambient", "start", "time_constant", "sunlight", "heaters", "coolers", "ventilation"],
    "lag": ["base", "start", "time_constant", "influences"],
  ]

  /// - Returns: the model and its unit.
  static func read(_ device: DeviceID, _ value: Value?, _ world: World) throws(HALError) -> (any SensorModel, String) {
    let value = value ?? ["model": "constant", "value": 0]
    guard let kind = value["model"]?.string, let own = keys[kind] else {
      let known = keys.keys.sorted()
      let given = value["model"]?.string ?? ""
      throw .invalid(
        device, "model.model must be one of \(known.joined(separator: ", "))\(Suggestion.phrase(for: given, in: known))"
      )
    }
    let declaration = try Declaration(device, "model", value, allowed: common + own)
    let model = try model(kind, declaration, world)
    let low = try declaration.number("min", -.greatestFiniteMagnitude)
    let high = try declaration.number("max", .greatestFiniteMagnitude)
    guard low <= high else { throw .invalid(device, "model.min is above model.max") }
    let bounded = Bounded(
      model: model, noise: try declaration.number("noise", 0), range: low...high, seed: world.seed,
      name: device.rawValue)
    return (bounded, try declaration.text("unit") ?? (kind == "thermal" ? "°C" : ""))
  }

  private static func model(
    _ kind: String, _ declaration: Declaration, _ world: World
  ) throws(HALError) -> any SensorModel {
    switch kind {
    case "sine":
      let period = try declaration.duration("period", .seconds(60))
      guard period > .zero else { throw .invalid(declaration.device, "model.period must be longer than zero") }
      return Wave(
        mean: try declaration.number("mean", 0), amplitude: try declaration.number("amplitude", 1), period: period,
        phase: try declaration.duration("phase", .zero), influences: try declaration.weights("influences", world),
        world: world)
    case "script": return try script(declaration, world)
    case "thermal": return try thermal(declaration, world)
    case "lag": return try lag(declaration, world)
    default:
      return Wave(
        mean: try declaration.number("value"), amplitude: 0, period: .seconds(1), phase: .zero,
        influences: try declaration.weights("influences", world), world: world)
    }
  }

  private static func timeConstant(_ declaration: Declaration) throws(HALError) -> Double {
    let constant = try declaration.duration("time_constant", .seconds(60))
    guard constant > .zero else {
      throw .invalid(declaration.device, "model.time_constant must be longer than zero")
    }
    return constant.seconds
  }

  /// Newton's law of cooling with sources: C T' = heat - cool - G (T - ambient); heaters and coolers in °C per minute
  /// at full level. `ventilation` increases G: a fan of 4 at full level makes the air follow the ambient five times as
  /// fast.
  private static func thermal(_ declaration: Declaration, _ world: World) throws(HALError) -> FirstOrder {
    let constant = try timeConstant(declaration)
    let ambient = try declaration.number("ambient", world.ambient)
    let sunlight = try declaration.number("sunlight", 0)
    let heaters = try declaration.weights("heaters", world)
    let coolers = try declaration.weights("coolers", world)
    let ventilation = try declaration.weights("ventilation", world)
    let start = try declaration.number("start", ambient)
    let model = FirstOrder(start: start, at: world.start) { [unowned world] in
      let rate = max(1e-6, (1 + world.sum(ventilation)) / constant)
      let heating = (sunlight + world.sum(heaters) - world.sum(coolers)) / 60
      return (rate, ambient + heating / rate)
    }
    world.add(model)
    return model
  }

  private static func lag(_ declaration: Declaration, _ world: World) throws(HALError) -> FirstOrder {
    let constant = try timeConstant(declaration)
    let base = try declaration.number("base")
    let influences = try declaration.weights("influences", world)
    let start = try declaration.number("start", base)
    let model = FirstOrder(start: start, at: world.start) { [unowned world] in
      (1 / constant, base + world.sum(influences))
    }
    world.add(model)
    return model
  }

  private static func script(_ declaration: Declaration, _ world: World) throws(HALError) -> Script {
    var steps: [Script.Step] = []
    var end = Duration.zero
    for (index, value) in try declaration.list("steps").enumerated() {
      let path = "model.steps[\(index)]"
      let step = try Declaration(declaration.device, path, value, allowed: ["at", "for", "value"])
      let at = try step.duration("at", end)
      guard at >= end || steps.isEmpty else {
        throw .invalid(declaration.device, "\(path).at comes before the step above it ends")
      }
      steps.append(Script.Step(at: at, value: try step.number("value")))
      end = at + (try step.duration("for", .zero))
    }
    guard !steps.isEmpty else { throw .invalid(declaration.device, "model.steps needs at least one {for, value}") }
    let length = try declaration.duration("period", end)
    let repeats = try declaration.bool("repeat", false)
    guard !repeats || length > .zero, length >= end else {
      throw .invalid(declaration.device, "model.period must be as long as its steps: give the last one a 'for'")
    }
    return Script(
      steps: steps, length: length, repeats: repeats, ramps: try declaration.bool("ramp", false), start: world.start)
  }
}
