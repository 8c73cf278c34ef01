import HAL
import Model
import RPC

extension ParameterType where Argument == [EventPattern] {
  /// Patterns for names of devices.
  static var patterns: Self {
    Self(
      "list", expected: "a list of 1 to 64 patterns",
      schema: [
        "type": "array", "minItems": 1, "maxItems": 64,
        "items": ["type": "string", "minLength": 1, "maxLength": .int(Int64(Name.longest))],
      ]
    ) { value in
      guard let list = value.list, (1...64).contains(list.count) else { return nil }
      var patterns: [EventPattern] = []
      for item in list {
        guard let text = item.string, !text.isEmpty, Name(text).isShort else { return nil }
        patterns.append(EventPattern(text))
      }
      return patterns
    }
  }
}

extension ControlMethods {
  static let sessionMethods: [Method<Call>] = [
    Method(
      "session.restrict", .view,
      "Binds this connection for the rest of its life, for a program that acts for somebody else, such as a language "
        + "model (1.7). Nothing takes it back.",
      Parameter.optional(
        "role", .choice(Role.view.name, Role.operate.name), default: "operate",
        "the highest role; a lower one of the user stays"),
      Parameter.optional(
        "devices", .patterns, default: ["*"], "patterns for the devices that it may know of, read and command"),
      Parameter.optional("rate", .integer(1...100), default: 100, "how many requests a second it may send"),
      result:
        "`{\"role\", \"devices\", \"reaches_all\": whether the patterns match every device, \"rate\", \"holder\": its name in "
        + "events and leases, \"approver\": whether its user may approve commands}`"
    ) { call, role, devices, rate throws(RPCError) in
      let session = try call.openSession()
      guard let connection = call.server.connections[session.number] else {
        throw RPCError(.internalError, "the connection has closed")
      }
      try connection.restrict(to: Role.allCases.first { $0.name == role } ?? .view, devices, rate: Int(rate))
      let client = connection.client
      return [
        "role": .string(client.role.name), "devices": .list(devices.map { .string($0.text) }),
        "reaches_all": .bool(client.restriction?.reachesAll ?? true), "rate": .int(rate),
        "holder": .string(client.source), "approver": .bool(client.isApprover),
      ]
    }
  ]
}
