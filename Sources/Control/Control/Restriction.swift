import HAL
import Model
import RPC

/// What a connection has bound itself to for the rest of its life: `docs/control.md`, 1.7.
///
/// Its client is no person any more but a program that acts for somebody else, such as a language model.
package struct Restriction: Sendable, Hashable {
  /// The connection, so that two programs of one user are two holders.
  package let session: UInt64
  /// The devices within reach.
  package let devices: [EventPattern]
  /// Whether every device is within reach.
  package let reachesAll: Bool

  /// Creates a restriction.
  /// - Parameters:
  ///   - session: the number of the connection.
  ///   - devices: patterns for the devices within reach.
  package init(session: UInt64, devices: [EventPattern]) {
    self.session = session
    self.devices = devices
    reachesAll = devices.contains { $0.text.isSame(as: "*") }
  }

  func reaches(_ device: DeviceID) -> Bool { devices.contains { $0.matches(device.rawValue) } }

  // MARK: Requests

  /// What it may call of the methods that need more than the role view. Everything else that changes the board is a
  /// person's.
  private static let commands = Set<Name>(
    [
      "hal.control", "controlActuator", "hal.release", "hal.emergencyStop", "events.emit", "eventbridge.publish",
    ].map(Name.init))

  /// What it may call if devices are beyond its reach. All other answers may tell of them: what rules and agents have
  /// read, what files and logs say.
  private static let ofSomeDevices = commands.union(
    [
      "agent.ping", "approvals.list", "approvals.wait", "daemon.health", "daemon.methods", "events.chain", "events.get",
      "events.list", "events.subscribe",
      "events.unsubscribe", "eventbridge.subscribe", "getCameraStream", "getSensorData", "hal.devices", "hal.read",
      "hal.snapshot", "projection.get", "session.restrict", "state.get",
    ].map(Name.init))

  /// Whether it may call a method at all.
  func allows(_ method: Method<Call>) -> Bool {
    (method.role <= .view || Self.commands.contains(Name(method.name)))
      && (reachesAll || Self.ofSomeDevices.contains(Name(method.name)))
  }

  /// - Throws: -32003 when `method` is a person's, or tells of all devices and some are beyond its reach.
  func require(_ method: Method<Call>) throws(RPCError) {
    guard !allows(method) else { return }
    let isPersons = method.role > .view
    throw RPCError(
      .permissionDenied,
      "a \(isPersons ? "restricted session" : "session that is bound to some devices") may not call '\(method.name)'",
      data: ["role": "restricted", "required": .string(method.role.name)],
      hint: isPersons
        ? "somebody has to do it with a session of their own, such as the command 'openstarry'"
        : "its answer may tell of other devices")
  }

  /// - Throws: -32021 when the arguments name a device beyond its reach.
  func require(_ arguments: Arguments) throws(RPCError) {
    guard let device = arguments["device"]?.string, !reaches(DeviceID(device)) else { return }
    throw RPCError(
      .deviceDenied,
      "'\(Name(device).shown)' is not among the devices of this session: "
        + devices.map { "'\($0.text)'" }.joined(separator: ", "), data: ["device": .string(device)],
      hint: "'hal.devices' lists those that are")
  }

  // MARK: Answers

  /// Whether it may know of an event. What rules, agents and programs publish may tell of devices beyond its reach.
  /// - Parameter holder: the session's name as a source.
  func shows(_ event: Event, to holder: String) -> Bool {
    if reachesAll || event.source.isSame(as: holder) { return true }
    switch EventPattern.builtInDomain(of: event.type) {
    case "approval": return event["asker"]?.string?.isSame(as: holder) ?? false
    case "sensor", "input", "gesture", "camera", "device":
      return reaches(DeviceID(event["device"]?.string ?? event.source))
        && (event["sensor"]?.string.map { reaches(DeviceID($0)) } ?? true)
    case "system":
      // Whatever stops its outputs, it is told so.
      if event.type.hasPrefix("system:emergency_stop") { return true }
      guard event.type.isSame(as: SystemEvents.commandName), let device = event["device"]?.string else { return false }
      return reaches(DeviceID(device))
    default: return false
    }
  }

  /// The projection's tree without what tells of devices beyond its reach.
  func shown(_ tree: Fields) -> Fields {
    if reachesAll { return tree }
    return Fields(
      tree.compactMap { branch in
        switch branch.key {
        case "version", "board", "monotonic_ns", "events", "emergency_stop": (branch.key, branch.value)
        case "devices":
          (
            branch.key,
            .map(
              Fields(
                (branch.value.map ?? [:]).filter { reaches(DeviceID($0.key)) }.map { row in
                  (row.key, row.value.map.map { .map(shown(device: $0)) } ?? row.value)
                }))
          )
        default: nil
        }
      })
  }
}

extension Client {
  /// Whether it may know of a device.
  func reaches(_ device: DeviceID) -> Bool { restriction?.reaches(device) ?? true }

  /// Whether it may know of an event.
  func sees(_ event: Event) -> Bool { restriction?.shows(event, to: source) ?? true }
}
