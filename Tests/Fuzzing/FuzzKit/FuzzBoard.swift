import Linux
import Model

/// The board and the agent for targets that need them but do not test them.
enum FuzzBoard {
  static let board = Board(
    name: "fuzz", backend: .simulated,
    devices: [
      Device(id: "temperature", kind: .sensor(SensorSettings(unit: "°C")), driver: "simulated"),
      Device(id: "door", kind: .input(InputSettings()), driver: "simulated"),
      Device(
        id: "fan", kind: .actuator(ActuatorSettings(lease: .seconds(60))), driver: "simulated",
        options: ["analogue": true]),
      Device(id: "lamp", kind: .actuator(ActuatorSettings(minOff: .seconds(10))), driver: "simulated"),
      Device(
        id: "pump", kind: .actuator(ActuatorSettings(maxOn: .seconds(20), exclusiveWith: ["lamp"])), driver: "simulated"
      ),
      Device(
        id: "valve",
        kind: .actuator(
          ActuatorSettings(
            approval: ApprovalSettings(.above(0.5), time: .seconds(30), input: "door"),
            verify: EffectSettings(
              sensor: "temperature", within: .seconds(5),
              expect: RuleDeclaration.Condition(text: "value > 0.2", location: Location(file: "fuzz")), otherwise: .safe
            ),
            atStart: .last)), driver: "simulated", options: ["analogue": true]),
      Device(
        id: "cam0",
        kind: .camera(CameraSettings(format: FrameFormat(pixels: .grey, width: 64, height: 48, rate: 10))),
        driver: "simulated"),
    ])

  /// The manifest of `Probe`.
  static let probe = Manifest(
    id: "probe", name: "Probe", runtime: .init(driver: .inProcess, entry: "probe"), permissions: .all,
    subscribe: [EventPattern("probe:*")])
}
