import Agent
import HAL
import Model
import Rules

/// What the methods work on.
struct Services {
  let zone: any ZoneControl
  let agents: any AgentControl
  let events: any EventHistory
  let sink: any EventSink
  let rules: any RuleControl
  let hardware: Hardware
  /// nil on a board with nothing simulated.
  let simulation: (any SimulationControl)?
  let time: any Timekeeper
  let leases: LeaseTable
  let methods: MethodRegistry
  let status: ServerStatus
}

/// What the server knows of itself.
final class ServerStatus {
  let socket: String
  let started: Instant
  /// How many clients are connected.
  var connections = 0
  /// How many messages came.
  var requests: UInt64 = 0
  /// How many notifications were dropped because clients were slow.
  var missed: UInt64 = 0

  init(socket: String, started: Instant) {
    self.socket = socket
    self.started = started
  }
}

/// Which connection each lease ends with.
///
/// All connections of a user are one holder to the hardware; a lease that shall outlive its connection is not in here.
final class LeaseTable {
  private var owners: [DeviceID: UInt64] = [:]

  /// The lease on `device` was taken or renewed: it ends with `connection`, or with none.
  func note(_ device: DeviceID, endsWith connection: UInt64?) { owners[device] = connection }

  /// Takes out what ends with `connection`, in the order of names.
  func take(of connection: UInt64) -> [DeviceID] {
    let devices = owners.filter { $0.value == connection }.map(\.key).sorted()
    for device in devices { owners[device] = nil }
    return devices
  }
}
