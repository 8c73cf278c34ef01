import Model

@testable import FaultKit

/// A history of outputs for `Invariants`, with times in seconds.
final class History {
  static func actuator(
    _ id: DeviceID, _ settings: ActuatorSettings = ActuatorSettings(), latency: String? = nil
  ) -> Device {
    Device(
      id: id, kind: .actuator(settings), driver: "simulated", options: latency.map { ["latency": .string($0)] } ?? [:])
  }

  static let board = Board(
    name: "test", backend: .simulated,
    devices: [
      actuator("heater", ActuatorSettings(maxOn: .seconds(5), minOff: .seconds(2), exclusiveWith: ["cooler"])),
      actuator("cooler"), actuator("pump", ActuatorSettings(maxRate: Rate(count: 2, per: .seconds(10)))),
      actuator("brake", ActuatorSettings(safe: 1)), actuator("valve", latency: "30ms"),
    ])

  let invariants: Invariants
  var views: [DeviceID: ActuatorView] = [:]
  var isStopped = false
  var dead: Set<String> = []

  init(_ board: Board) {
    invariants = Invariants(board, at: Instant(nanoseconds: 0))
    invariants.daemonStarts(at: Instant(nanoseconds: 0))
    for device in board.devices {
      guard case .actuator(let settings) = device.kind else { continue }
      views[device.id] = ActuatorView(level: settings.safe, isSettled: true, holder: nil, leaseEnd: nil)
    }
  }

  static func at(_ seconds: Double) -> Instant { Instant(nanoseconds: UInt64(seconds * 1e9)) }

  /// The daemon drives an output for `holder`, with a lease of this many seconds.
  func drive(_ id: DeviceID, _ level: Double, at time: Double, lease: Double? = nil, by holder: String = "agent/a") {
    invariants.output(id, takes: level, at: Self.at(time))
    views[id] = ActuatorView(
      level: level, isSettled: true, holder: lease == nil ? nil : holder, leaseEnd: lease.map { Self.at(time + $0) })
  }

  func look(_ time: Double) {
    invariants.look(at: Self.at(time), { self.views[$0] }, isStopped: isStopped, lives: { !self.dead.contains($0) })
  }

  var broken: [String] { invariants.violations.map(\.rule) }
}
