import HAL
import HALSimulated
import Model

/// The board's backend for one daemon. A dead daemon drives nothing and receives nothing; a stuck one drives nothing
/// and receives results later.
final class LifeBackend: Backend {
  private let simulated: SimulatedBackend
  private unowned let loop: ManualLoop
  /// Called before an output is opened.
  var onStep: () -> Void = {}
  /// Called when a level is sent to an output.
  var onTold: (DeviceID) -> Void = { _ in }

  init(_ simulated: SimulatedBackend, _ loop: ManualLoop) {
    self.simulated = simulated
    self.loop = loop
  }

  func open(_ device: Device) throws(HALError) -> OpenDevice {
    if case .actuator = device.kind { onStep() }
    guard !loop.isDead else { throw .unavailable(device.id, "the daemon is dead") }
    return switch try simulated.open(device) {
    case .output(let output): .output(LifeOutput(output, loop) { [unowned self] in onTold(device.id) })
    case .sensor(let sensor): .sensor(LifeSensor(sensor, loop))
    case .input(let input): .input(LifeInput(input, loop))
    case .camera(let camera): .camera(LifeCamera(camera, loop))
    }
  }

  func close() { if !loop.isDead { simulated.close() } }
  func abandon(_ lands: (DeviceID) -> Bool) { simulated.abandon(lands) }
}

private final class LifeOutput: OutputDriver {
  private let output: any OutputDriver
  private let loop: ManualLoop
  private let onTold: () -> Void

  init(_ output: any OutputDriver, _ loop: ManualLoop, _ onTold: @escaping () -> Void) {
    self.output = output
    self.loop = loop
    self.onTold = onTold
  }

  var isAnalogue: Bool { output.isAnalogue }
  var forgets: Bool { output.forgets }

  func watch(_ onPresence: @escaping (OutputPresence) -> Void) {
    output.watch { [loop] presence in loop.arrives { onPresence(presence) } }
  }

  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    guard loop.isActive else { return }
    onTold()
    output.set(level) { [loop] result in loop.arrives { done(result) } }
  }

  func release(_ mode: ActuatorSettings.OnExit) { if loop.isActive { output.release(mode) } }
}

private final class LifeSensor: SensorDriver {
  private let sensor: any SensorDriver
  private let loop: ManualLoop

  init(_ sensor: any SensorDriver, _ loop: ManualLoop) {
    self.sensor = sensor
    self.loop = loop
  }

  var unit: String { sensor.unit }

  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void) {
    // A transfer may outlive the daemon.
    sensor.measure { [loop] result in loop.arrives { done(result) } }
  }
}

private final class LifeInput: InputDriver {
  private let input: any InputDriver
  private let loop: ManualLoop

  init(_ input: any InputDriver, _ loop: ManualLoop) {
    self.input = input
    self.loop = loop
  }

  var isActive: Bool? { input.isActive }

  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) {
    try input.start { [loop] change in loop.arrives { onChange(change) } }
  }

  func stop() { if !loop.isDead { input.stop() } }
}

private final class LifeCamera: CameraDriver {
  private let camera: any CameraDriver
  private let loop: ManualLoop

  init(_ camera: any CameraDriver, _ loop: ManualLoop) {
    self.camera = camera
    self.loop = loop
  }

  func watch(_ onPresence: @escaping (CameraOutput) -> Void) {
    camera.watch { [loop] output in loop.arrives { onPresence(output) } }
  }

  func start(_ format: FrameFormat, _ onFrame: @escaping (CameraOutput) -> Void) throws(HALError.Fault) {
    try camera.start(format) { [loop] output in loop.arrives { onFrame(output) } }
  }

  func stop() { if !loop.isDead { camera.stop() } }

  func encodeJPEG(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
    camera.encodeJPEG(frame) { [loop] result in loop.arrives { done(result) } }
  }
}
