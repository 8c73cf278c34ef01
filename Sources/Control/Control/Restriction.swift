import HAL
import Model
import RPC

/// What a connection has bound itself to for the rest of its life: `docs/control.md`, 1.7.
///
/// Its client is no person any more but a program that acts for somebody else, such as a language model.
package struct Restriction: Sendable, Hashable {
  /// The connection, so that two programs of one user are two holders.
  package var session: UInt64
  /// The devices within reach.
  package var devices: [EventPattern]

  /// Creates a restriction.
  package init(session: UInt64, devices: [EventPattern]) {
    self.session = session
    self.devices = devices
  }

  /// Whether every device is within reach.
  var reachesAll: Bool { devices.contains { $0.text.isSame(as: "*") } }

  /// What it may call of the methods that need more than the role view. Everything else that changes the board is a
  /// person's.
  private static let commands = [
    "hal.control", "controlActuator", "hal.release", "hal.emergencyStop", "events.emit", "eventbridge.publish",
  ]

  func reaches(_ device: DeviceID) -> Bool { devices.contains { $0.matches(device.rawValue) } }

  /// - Throws: -32003 when `method` is a person's.
  func require(_ method: Method<Call>) throws(RPCError) {
    guard method.role > .view, !Self.commands.contains(where: { $0.isSame(as: method.name) }) else { return }
    throw RPCError(
      .permissionDenied, "a restricted session may not call '\(method.name)'",
      data: ["role": "restricted", "required": .string(method.role.name)],
      hint: "somebody has to do it with a session of their own, such as the command 'openstarry'")
  }
}

extension Client {
  /// Whether it may know of a device.
  func reaches(_ device: DeviceID) -> Bool { restriction?.reaches(device) ?? true }

  /// Whether it may know of an event: not if a device beyond its reach published it, or it is about one.
  func sees(_ event: Event, on board: Board) -> Bool {
    guard let restriction else { return true }
    let about = [event.source] + [event.payload["device"]?.string, event.payload["sensor"]?.string].compactMap(\.self)
    return about.allSatisfy { name in
      restriction.reaches(DeviceID(name)) || !board.devices.contains { $0.id.rawValue.isSame(as: name) }
    }
  }
}
