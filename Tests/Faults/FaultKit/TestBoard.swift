import Model

/// The board of a run, with random limits of every kind.
enum TestBoard {
  static func make(_ seed: UInt64) -> Board {
    var chance = Chance(seed, "board")
    func actuator(_ id: DeviceID, _ settings: ActuatorSettings, _ options: Fields = [:]) -> Device {
      Device(id: id, kind: .actuator(settings), driver: "simulated", options: options)
    }
    let heater = ActuatorSettings(
      onExit: chance.happens(50) ? .hold : .safe, maxOn: chance.milliseconds(3000...20_000),
      minOff: chance.milliseconds(500...5000), exclusiveWith: ["cooler"],
      lease: chance.milliseconds(500...10_000))
    let cooler = ActuatorSettings(
      onExit: chance.happens(50) ? .hold : .safe, maxOn: chance.milliseconds(3000...30_000),
      lease: chance.milliseconds(500...10_000))
    let pump = ActuatorSettings(
      maxOn: chance.milliseconds(1000...8000),
      maxRate: Rate(count: chance.within(1...5), per: chance.milliseconds(2000...15_000)),
      exclusiveWith: ["valve"], lease: chance.milliseconds(200...5000))
    let valve = ActuatorSettings(
      onExit: chance.happens(50) ? .keepDriving : .safe, minOff: chance.milliseconds(100...2000),
      lease: chance.milliseconds(200...5000))
    let brake = ActuatorSettings(safe: 1, maxOn: chance.milliseconds(1000...8000), lease: .seconds(2))
    let lamp = ActuatorSettings(onExit: .hold, lease: chance.milliseconds(200...20_000))
    return Board(
      name: "campaign", backend: .simulated, clock: chance.happens(50) ? .trusted : .any,
      devices: [
        sensor("temperature", 1000, ["model": "sine", "mean": 25, "amplitude": 10, "period": "20s"]),
        sensor("humidity", 400, ["model": "sine", "mean": 50, "amplitude": 20, "period": "7s"]),
        Device(id: "button", kind: .input(InputSettings()), driver: "simulated"),
        Device(id: "stop", kind: .input(InputSettings(emergencyStop: true)), driver: "simulated"),
        actuator("heater", heater), actuator("cooler", cooler, ["power_on": 1]),
        // Chips whose own supply may dip.
        actuator("pump", pump, ["forgets": true, "power_on": 1]),
        actuator("valve", valve, ["latency": .string("\(chance.within(1...40))ms"), "forgets": true, "power_on": 1]),
        actuator("brake", brake, ["analogue": false]), actuator("lamp", lamp, ["power_on": 0.5]),
        Device(
          id: "eye", kind: .camera(CameraSettings(format: FrameFormat(pixels: .grey, width: 16, height: 12, rate: 1))),
          driver: "simulated"),
      ])
  }

  private static func sensor(_ id: DeviceID, _ milliseconds: Int, _ model: Fields) -> Device {
    Device(
      id: id, kind: .sensor(SensorSettings(every: .milliseconds(milliseconds))), driver: "simulated",
      options: ["model": .map(model)])
  }
}
