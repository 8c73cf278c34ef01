import HAL
import Model

/// Makes the simulated boards for trials.
package enum TrialBoard {
  /// A board with exactly the devices that a manifest names, all simulated and without limits: sensors that measure 0,
  /// inactive inputs, actuators that are off, cameras.
  ///
  /// A device is an input when the manifest subscribes to `input:<id>` or `events` contains it, otherwise a sensor.
  /// A pattern with `*` makes no device by itself, but devices of `named` and `events` that match it are made.
  /// - Parameters:
  ///   - events: the types of the events that will be delivered.
  ///   - named: the devices whose values the user sets.
  package static func madeUp(for manifest: Manifest, events: [String], named: [DeviceID]) -> Board {
    let permissions = manifest.permissions
    var devices: [Device] = []
    func add(_ id: DeviceID, _ kind: Device.Kind) {
      guard !devices.contains(where: { $0.id == id }) else { return }
      devices.append(Device(id: id, kind: kind, driver: "simulated"))
    }
    func exact(_ patterns: [EventPattern]) -> [DeviceID] { patterns.filter(\.isExact).map { DeviceID($0.text) } }

    for id in exact(permissions.actuators) { add(id, .actuator(ActuatorSettings())) }
    for id in exact(permissions.cameras) { add(id, .camera(CameraSettings(format: picture))) }
    // Ignore events that the agent neither subscribes to nor may read: they are probably misspelt.
    let known = events.filter { type in
      let device = device("sensor", type) ?? device("input", type)
      return manifest.subscribe.contains { $0.matches(type) }
        || device.map { permissions.mayRead(sensor: $0.rawValue) } == true
    }
    let types = manifest.subscribe.filter(\.isExact).map(\.text) + known
    for id in types.compactMap({ device("input", $0) }) { add(id, .input(InputSettings())) }
    for id in types.compactMap({ device("sensor", $0) }) + exact(permissions.sensors) {
      add(id, .sensor(onChange))
    }
    for id in named where permissions.mayRead(sensor: id.rawValue) { add(id, .sensor(onChange)) }
    return Board(name: "made up from the manifest", backend: .simulated, devices: devices)
  }

  /// A copy of `board` with every device simulated. Limits and settings stay, except that inputs have no debounce, and
  /// sensors no filter and no curve: a simulated input does not bounce, and a value that is set takes effect as it is.
  package static func simulated(_ board: Board) -> Board {
    var board = board.simulated
    for index in board.devices.indices {
      switch board.devices[index].kind {
      case .input(var settings):
        settings.debounce = .zero
        board.devices[index].kind = .input(settings)
      case .sensor(var settings):
        settings.unit = settings.convert ?? settings.unit
        (settings.points, settings.convert, settings.filter, settings.stuck) = ([], nil, nil, nil)
        board.devices[index].kind = .sensor(settings)
      case .actuator, .camera: break
      }
    }
    return board
  }

  /// The device in an event type such as `sensor:temperature`; nil when the type is of another domain.
  static func device(_ domain: String, _ type: String) -> DeviceID? {
    let parts = type.split(separator: ":")
    guard parts.count == 2, parts[0] == domain else { return nil }
    return DeviceID(String(parts[1]))
  }

  /// Publishes every change, and only changes.
  private static let onChange = SensorSettings(deadband: .leastNormalMagnitude)
  private static let picture = FrameFormat(pixels: .rgb24, width: 320, height: 240, rate: 5)
}
