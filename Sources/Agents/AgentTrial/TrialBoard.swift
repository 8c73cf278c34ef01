import HAL
import Model

/// The board that an agent is tried on.
public enum TrialBoard {
  /// A board with exactly what a manifest names, each a plain simulated device without limits: sensors that measure 0,
  /// inputs that are not active, actuators that are off, cameras.
  ///
  /// A device is an input where an event `input:<id>` is subscribed to or is going to be delivered, else a sensor.
  /// Names with `*` stand for no device; those of `named` and `events` that fit them become one.
  /// - Parameters:
  ///   - events: types of the events that will be delivered.
  ///   - named: devices that are given a value.
  public static func madeUp(for manifest: Manifest, events: [String], named: [DeviceID]) -> Board {
    let permissions = manifest.permissions
    var devices: [Device] = []
    func add(_ id: DeviceID, _ kind: Device.Kind) {
      guard !devices.contains(where: { $0.id == id }) else { return }
      devices.append(Device(id: id, kind: kind, driver: "simulated"))
    }
    func exact(_ patterns: [EventPattern]) -> [DeviceID] { patterns.filter(\.isExact).map { DeviceID($0.text) } }

    for id in exact(permissions.actuators) { add(id, .actuator(ActuatorSettings())) }
    for id in exact(permissions.cameras) { add(id, .camera(CameraSettings(format: picture))) }
    // A misspelt event is about no device.
    let meant = events.filter { type in
      let device = device("sensor", type) ?? device("input", type)
      return manifest.subscribe.contains { $0.matches(type) }
        || device.map { permissions.mayRead(sensor: $0.rawValue) } == true
    }
    let types = manifest.subscribe.filter(\.isExact).map(\.text) + meant
    for id in types.compactMap({ device("input", $0) }) { add(id, .input(InputSettings())) }
    for id in types.compactMap({ device("sensor", $0) }) + exact(permissions.sensors) {
      add(id, .sensor(onChange))
    }
    for id in named where permissions.mayRead(sensor: id.rawValue) { add(id, .sensor(onChange)) }
    return Board(name: "made up from the manifest", backend: .simulated, devices: devices)
  }

  /// A board of a file with every device simulated: one that drives hardware keeps its limits and settings, and gets a
  /// plain simulated device behind them. Inputs say at once what they are set to: nothing bounces here.
  public static func simulated(_ board: Board) -> Board {
    var board = board
    board.backend = .simulated
    for index in board.devices.indices {
      guard case .input(var settings) = board.devices[index].kind else { continue }
      settings.debounce = .zero
      board.devices[index].kind = .input(settings)
    }
    for index in board.devices.indices where board.devices[index].driver != "simulated" {
      board.devices[index].driver = "simulated"
      board.devices[index].options = [:]
    }
    return board
  }

  /// The device that a type such as `sensor:temperature` is about; nil when it is of another domain.
  static func device(_ domain: String, _ type: String) -> DeviceID? {
    let parts = type.split(separator: ":")
    guard parts.count == 2, parts[0] == domain else { return nil }
    return DeviceID(String(parts[1]))
  }

  /// What does not change is no event.
  private static let onChange = SensorSettings(deadband: .leastNormalMagnitude)
  private static let picture = FrameFormat(pixels: .rgb24, width: 320, height: 240, rate: 5)
}
