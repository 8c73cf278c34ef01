import HAL
import HALSimulated
import Model

/// A simulated board behind a gate, on a manual clock, with all events recorded.
package final class GateBench {
  package let clock = ManualClock()
  package let sink: RecordingSink
  package let backend: SimulatedBackend
  package let hardware: Hardware

  /// Opens a board with `devices`.
  /// - Parameters:
  ///   - encoder: makes the pictures that snapshots return.
  ///   - isInSafeMode: whether to open only the devices that safe mode opens.
  package init(_ devices: [Device], seed: UInt64 = 1, encoder: JPEGEncoder? = nil, isInSafeMode: Bool = false) {
    sink = RecordingSink(clock: clock)
    let board = Board(name: "bench", backend: .simulated, devices: devices)
    backend = SimulatedBackend(board: board, clock: clock, seed: seed, encoder: encoder)
    hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    if isInSafeMode { hardware.openActuators(takingOver: false) } else { hardware.open() }
  }

  /// Advances time by so many milliseconds.
  package func wait(_ milliseconds: Int) { clock.advance(by: .milliseconds(milliseconds)) }

  /// The last level written to an output; nil before the first.
  package func level(_ id: DeviceID) -> Double? { backend.history(of: id).last?.level }

  /// The reasons of the `device:changed` events of one device, oldest first.
  package func reasons(_ id: DeviceID) -> [String] {
    sink.of("device:changed").filter { $0.source == id.rawValue }.compactMap { $0["reason"]?.string }
  }
}

extension Device {
  package static func sensor(_ id: DeviceID, _ settings: SensorSettings = SensorSettings(), model: Value = .null)
    -> Device
  {
    let options: Fields = model == .null ? [:] : ["model": model]
    return Device(id: id, kind: .sensor(settings), driver: "simulated", options: options)
  }

  package static func actuator(
    _ id: DeviceID, _ settings: ActuatorSettings = ActuatorSettings(), options: Fields = [:]
  ) -> Device {
    Device(id: id, kind: .actuator(settings), driver: "simulated", options: options)
  }

  package static func input(_ id: DeviceID, _ settings: InputSettings = InputSettings(), script: Value = []) -> Device {
    Device(id: id, kind: .input(settings), driver: "simulated", options: ["script": script])
  }

  package static func camera(_ id: DeviceID, _ settings: CameraSettings = CameraSettings(), scene: Value = [:])
    -> Device
  {
    Device(id: id, kind: .camera(settings), driver: "simulated", options: ["scene": scene])
  }
}

extension Principal {
  /// A principal with all permissions.
  package static func named(_ name: String) -> Principal { Principal(name: name, permissions: .all) }
}

/// The error that `body` throws; nil when it throws none.
package func failure(_ body: () throws(HALError) -> some Any) -> HALError? {
  do throws(HALError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}
