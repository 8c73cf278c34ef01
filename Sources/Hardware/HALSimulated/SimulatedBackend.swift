import HAL
import Model

/// A simulated board: scripted and modelled sensors, outputs that influence them, inputs that can be pressed, cameras
/// that draw scenes. Deterministic: the same board, seed and times give the same readings and pictures.
///
/// Devices keep their state between uses, as real hardware does: a device that is opened again has its earlier levels
/// and faults.
package final class SimulatedBackend: Backend, SimulationControl {
  private let board: Board
  private let world: World
  private let encoder: JPEGEncoder?
  private var inputs: [DeviceID: SimulatedInput] = [:]
  private var outputs: [DeviceID: SimulatedOutput] = [:]
  private var cameras: [DeviceID: SimulatedCamera] = [:]
  private var injectables: [DeviceID: any Injectable] = [:]
  private var opened: [DeviceID: OpenDevice] = [:]

  /// Called with the id and the level, 0 to 1, of an output that has taken a level, from any source.
  package var onOutput: (DeviceID, Double) -> Void = { _, _ in }

  /// Creates the board; scripts and scenes begin now.
  /// - Parameters:
  ///   - board: only devices of the driver `simulated` can be opened here.
  ///   - clock: the time of scripts and models.
  ///   - seed: determines noise and backgrounds.
  ///   - encoder: encodes RGB24, YUYV and grey frames as JPEG; without one, snapshots fail.
  package init(board: Board, clock: any Timekeeper, seed: UInt64, encoder: JPEGEncoder? = nil) {
    self.board = board
    self.encoder = encoder
    world = World(board, clock, seed: seed)
  }

  package func open(_ device: Device) throws(HALError) -> OpenDevice {
    guard device.driver == "simulated" else {
      throw .invalid(device.id, "driver '\(device.driver)' is not simulated: use 'simulated', or a real board")
    }
    if let known = opened[device.id] { return known }
    let made = try make(device)
    opened[device.id] = made
    return made
  }

  private func make(_ device: Device) throws(HALError) -> OpenDevice {
    switch device.kind {
    case .sensor:
      let sensor = try SimulatedSensor(device, world)
      injectables[device.id] = sensor
      return .sensor(sensor)
    case .input(let settings):
      let input = try SimulatedInput(device, settings, world)
      (inputs[device.id], injectables[device.id]) = (input, input)
      return .input(input)
    case .actuator:
      let output = try SimulatedOutput(device, world) { [weak self] in self?.onOutput(device.id, $0) }
      (outputs[device.id], injectables[device.id]) = (output, output)
      return .output(output)
    case .camera:
      let camera = try SimulatedCamera(device, world, encoder: encoder)
      (cameras[device.id], injectables[device.id]) = (camera, camera)
      return .camera(camera)
    }
  }

  package func close() {
    for input in inputs.values { input.stop() }
    for camera in cameras.values { camera.stop() }
  }

  /// Simulates the sudden death of the process that used the board: callbacks end, and levels under way to an output
  /// arrive or are lost.
  /// - Parameter lands: whether the levels under way to this output arrive.
  package func abandon(_ lands: (DeviceID) -> Bool) {
    close()
    for device in board.devices { outputs[device.id]?.abandon(lands: lands(device.id)) }
  }

  /// Drives an output directly, as a guardian that holds its line does; commands under way are superseded.
  /// - Returns: whether the hardware confirmed: false under a fault that refuses, true (without effect) while stuck.
  package func drive(_ device: DeviceID, to level: Double) -> Bool { outputs[device]?.drive(level) ?? false }

  /// Writes to an output as an unrelated program does; commands under way still arrive.
  package func interfere(_ device: DeviceID, level: Double) { outputs[device]?.interfere(level) }

  /// The levels that an output has taken, oldest first; at most the newest 1024.
  /// - Returns: empty for a device that is not an opened simulated output.
  package func history(of device: DeviceID) -> [OutputChange] { outputs[device]?.history ?? [] }

  /// The mode in which an output was released; nil before that.
  package func released(_ device: DeviceID) -> ActuatorSettings.OnExit? { outputs[device]?.released }

  package func inject(_ device: DeviceID, _ change: Value) throws(HALError) {
    guard let target = injectables[device] else {
      let known = injectables.keys.map(\.rawValue)
      throw .notFound(
        device, kind: "simulated device", suggestion: Suggestion.closest(to: device.rawValue, in: known))
    }
    if change.string != nil || change["fault"] != nil {
      let plan = try FaultPlan.read(device, change, world.clock.now)
      if let kind = board.device(device)?.kind, let why = plan?.misfit(kind) { throw .invalid(device, why) }
      target.take(plan)
      return
    }
    if let fields = change.map, try target.take(fields) { return }
    throw .invalid(
      device,
      "expected {fault: …}" + (board.device(device).map { Self.expected($0.kind) } ?? ""))
  }

  private static func expected(_ kind: Device.Kind) -> String {
    switch kind {
    case .sensor: " or {value: 21.5}"
    case .input: ", {active: true} or {press: 300ms}"
    case .actuator, .camera: ""
    }
  }
}
