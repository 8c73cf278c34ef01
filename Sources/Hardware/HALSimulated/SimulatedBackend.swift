import HAL
import Model

/// A board that exists only here: scripted and modelled sensors, outputs that act on them, inputs with a finger,
/// cameras that draw. Deterministic: the same board, seed and times give the same readings and pictures.
///
/// It outlives who uses it, as wires do: what is opened again is as it was left, faults and levels and all.
public final class SimulatedBackend: Backend, SimulationControl {
  private let board: Board
  private let world: World
  private let encoder: JPEGEncoder?
  private var inputs: [DeviceID: SimulatedInput] = [:]
  private var outputs: [DeviceID: SimulatedOutput] = [:]
  private var cameras: [DeviceID: SimulatedCamera] = [:]
  private var injectables: [DeviceID: any Injectable] = [:]
  private var opened: [DeviceID: OpenDevice] = [:]

  /// Called when an output has taken a level, whoever drove it there.
  public var onOutput: (DeviceID, Double) -> Void = { _, _ in }

  /// Makes a board; its time begins now.
  /// - Parameters:
  ///   - board: devices of drivers other than `simulated` are somebody else's to open.
  ///   - seed: noise and backgrounds follow from it.
  ///   - encoder: makes JPEGs of RGB24, YUYV and grey frames; without one, snapshots fail.
  public init(board: Board, clock: any Timekeeper, seed: UInt64, encoder: JPEGEncoder? = nil) {
    self.board = board
    self.encoder = encoder
    world = World(board, clock, seed: seed)
  }

  public func open(_ device: Device) throws(HALError) -> OpenDevice {
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

  public func close() {
    for input in inputs.values { input.stop() }
    for camera in cameras.values { camera.stop() }
  }

  /// As after the sudden death of who used the board: nobody is told anything any more, and what was on its way to an
  /// output lands or is lost.
  /// - Parameter lands: whether a level that was on its way to this output is taken.
  public func abandon(_ lands: (DeviceID) -> Bool) {
    close()
    for device in board.devices { outputs[device.id]?.abandon(lands: lands(device.id)) }
  }

  /// Drives an output past whoever has opened it, as another program that holds the line does.
  /// - Returns: whether the hardware said that it took it: it does not while a fault refuses, and lies while stuck.
  public func drive(_ device: DeviceID, to level: Double) -> Bool { outputs[device]?.drive(level) ?? false }

  /// Writes to an output as a program does that knows of nobody else, and is overtaken by nothing.
  public func interfere(_ device: DeviceID, level: Double) { outputs[device]?.interfere(level) }

  /// What an output was told, oldest first; the newest thousand or so.
  /// - Returns: empty for a device that is not an opened simulated output.
  public func history(of device: DeviceID) -> [OutputChange] { outputs[device]?.history ?? [] }

  /// How an output was let go at the end; nil while it is not.
  public func released(_ device: DeviceID) -> ActuatorSettings.OnExit? { outputs[device]?.released }

  public func inject(_ device: DeviceID, _ change: Value) throws(HALError) {
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
