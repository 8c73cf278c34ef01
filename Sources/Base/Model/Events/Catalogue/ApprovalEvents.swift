/// Events of commands that wait for a person.
package enum ApprovalEvents {
  static var all: [EventDeclaration] {
    [
      waitingDeclaration, grantedDeclaration, repeatedDeclaration, deniedDeclaration, expiredDeclaration,
      voidDeclaration,
    ]
  }

  /// What is approved or not: it does not change while it waits.
  package struct Command: Sendable, Hashable {
    /// The output.
    package var device: DeviceID
    /// The level that the command leads to, 0 to 1.
    package var level: Double
    /// The pulse's length; nil for a lasting level.
    package var pulse: Duration?
    /// The lease that was asked for; nil for the board file's.
    package var lease: Duration?
    /// Whether it takes the output over from another holder.
    package var override: Bool
    /// Who asks: `agent/climate`, `mcp/ada/17`, `client/bob`.
    package var asker: String
    /// What the asker gives as its reason; nil for none.
    package var reason: String?

    package init(
      _ device: DeviceID, level: Double, pulse: Duration? = nil, lease: Duration? = nil, override: Bool = false,
      asker: String,
      reason: String? = nil
    ) {
      self.device = device
      self.level = level
      self.pulse = pulse
      self.lease = lease
      self.override = override
      self.asker = asker
      self.reason = reason
    }

    /// Reads `fields`.
    package init?(_ value: Value) {
      guard let device = value["device"]?.string, let level = value["level"]?.double,
        let asker = value["asker"]?.string
      else { return nil }
      self.init(
        DeviceID(device), level: level, pulse: value["pulse_ms"]?.int.map { .milliseconds($0) },
        lease: value["lease_ms"]?.int.map { .milliseconds($0) },
        override: value["override"]?.bool ?? false, asker: asker, reason: value["reason"]?.string)
    }

    /// For events and lists.
    package var fields: Fields {
      var fields = Fields(uniquePairs: [
        ("device", .string(device.rawValue)), ("level", .double(level)), ("asker", .string(asker)),
      ])
      fields.add("pulse_ms", pulse.map { .int($0.nanoseconds / 1_000_000) })
      fields.add("lease_ms", lease.map { .int($0.nanoseconds / 1_000_000) })
      if override { fields["override"] = true }
      fields.add("reason", reason.map { .string($0) })
      return fields
    }
  }

  private static let command: [EventField] = [
    .device, .level("level", "the level that the command leads to"),
    .text("asker", "who asks: `agent/<id>`, `mcp/<user>/<number>`, `client/<name>`"),
    .integer("pulse_ms", "ms", "the length of a pulse").sometimes,
    .integer("lease_ms", "ms", "the lease that was asked for; left out for the board file's").sometimes,
    .flag("override", "whether it takes the output over from its holder").sometimes,
    .text("reason", "what the asker gives as its reason").sometimes,
  ]

  private static let example = Command(
    "valve", level: 1, pulse: .seconds(5), lease: .seconds(600), override: true, asker: "agent/watering",
    reason: "the soil is dry")
  private static let id = ULID(high: 1, low: 1)

  private static func level(_ event: Event) -> String { event["level"]?.double.map { levelText($0) } ?? "-" }

  /// `on`, `off`, `50%` or `50.49%`: what is decided about is not rounded.
  package static func levelText(_ level: Double) -> String {
    let hundredths = (level * 10_000).rounded()
    if level == 0 || level == 1 || hundredths.truncatingRemainder(dividingBy: 100) == 0 {
      return EventSentence.level(level)
    }
    return "\((hundredths / 100).text)%"
  }

  /// `valve on for agent/watering`.
  private static func subject(_ event: Event) -> String {
    "\(event.subject("device")) \(level(event)) for \(event.text("asker", "-"))"
  }

  // MARK: Waiting

  /// The name of the event of a command that begins to wait; its id is the approval's.
  package static var waitingName: String { "approval:waiting" }

  private static var waitingDeclaration: EventDeclaration {
    EventDeclaration(
      waitingName, .high, journal: .notice, "a command waits for a person; the event's id is that of the approval",
      command + [.integer("expires_ms", "ms", "how long it waits")],
      example: waiting(example, for: .seconds(120))
    ) { event in
      let time = event["expires_ms"]?.int.map { " (\(Duration.milliseconds($0).text))" } ?? ""
      let reason = event["reason"]?.string.map { ", who says: \"\($0.printable)\"" } ?? ""
      return "\(subject(event))\(reason) waits for approval\(time)"
    }
  }

  /// - Parameter time: how long it waits.
  package static func waiting(_ command: Command, for time: Duration) -> DaemonEvent {
    var payload = command.fields
    payload["expires_ms"] = .int(time.nanoseconds / 1_000_000)
    return DaemonEvent(waitingDeclaration, payload)
  }

  // MARK: Decided

  private static let approval = EventField.text("approval", "its id")

  private static func fields(_ id: ULID, _ command: Command) -> Fields {
    var fields = command.fields
    fields["reason"] = nil
    fields["approval"] = .string(id.description)
    return fields
  }

  private static let decided: [EventField] = [approval] + command.filter { $0.name != "reason" }

  private static var grantedDeclaration: EventDeclaration {
    EventDeclaration(
      "approval:granted", .high, journal: .notice, "somebody has approved a command, which is carried out now",
      decided + [
        .text("by", "`client/<name>`, or the device id of an input"),
        .integer("for_ms", "ms", "how long the asker may repeat it without asking").sometimes,
      ],
      example: granted(id, example, by: "client/ada", for: .seconds(3600))
    ) { event in "\(event.text("by", "-")) approved \(subject(event))" }
  }

  /// - Parameters:
  ///   - by: `client/<name>`, or the device id of an input.
  ///   - time: how long the asker may repeat the command without asking; nil for once.
  package static func granted(_ id: ULID, _ command: Command, by: String, for time: Duration?) -> DaemonEvent {
    var payload = fields(id, command)
    payload["by"] = .string(by)
    payload.add("for_ms", time.map { .int($0.nanoseconds / 1_000_000) })
    return DaemonEvent(grantedDeclaration, payload)
  }

  private static var repeatedDeclaration: EventDeclaration {
    EventDeclaration(
      "approval:repeated", .normal, "an asker repeats a command that somebody has allowed it to repeat",
      decided + [.text("by", "who has approved it")], example: repeated(id, example, by: "client/ada")
    ) { event in
      "\(event.text("by", "-")) lets \(event.text("asker", "-")) repeat \(event.subject("device")) \(level(event))"
    }
  }

  /// - Parameter by: who has approved it.
  package static func repeated(_ id: ULID, _ command: Command, by: String) -> DaemonEvent {
    var payload = fields(id, command)
    payload["by"] = .string(by)
    return DaemonEvent(repeatedDeclaration, payload)
  }

  private static var deniedDeclaration: EventDeclaration {
    EventDeclaration(
      "approval:denied", .high, journal: .notice, "somebody has denied a command",
      decided + [.text("by", "`client/<name>`"), .text("why", "what that person says").sometimes],
      example: denied(id, example, by: "client/ada", why: "not while it rains")
    ) { event in
      let why = event["why"]?.string.map { ": \($0.printable)" } ?? ""
      return "\(event.text("by", "-")) denied \(subject(event))\(why)"
    }
  }

  /// - Parameters:
  ///   - by: `client/<name>`.
  ///   - why: what that person says; nil for nothing.
  package static func denied(_ id: ULID, _ command: Command, by: String, why: String?) -> DaemonEvent {
    var payload = fields(id, command)
    payload["by"] = .string(by)
    payload.add("why", why.map { .string($0) })
    return DaemonEvent(deniedDeclaration, payload)
  }

  private static var expiredDeclaration: EventDeclaration {
    EventDeclaration(
      "approval:expired", .high, journal: .notice,
      "nobody has decided about a command in time, or the daemon has restarted meanwhile: it is refused",
      decided + [.text("why", "`time` or `restart`")], example: expired(id, example, why: "time")
    ) { event in
      "\(subject(event)) was not approved "
        + (event["why"]?.string == "restart" ? "before the daemon restarted" : "in time")
    }
  }

  /// - Parameter why: `time` or `restart`.
  package static func expired(_ id: ULID, _ command: Command, why: String) -> DaemonEvent {
    var payload = fields(id, command)
    payload["why"] = .string(why)
    return DaemonEvent(expiredDeclaration, payload)
  }

  private static var voidDeclaration: EventDeclaration {
    EventDeclaration(
      "approval:void", .normal, journal: .notice,
      "a command waits no more, because of something other than a decision",
      decided + [.text("why", "why, in words")], example: void(id, example, why: "agent/watering has ended")
    ) { event in "\(subject(event)) waits no more: \(event.text("why", "-"))" }
  }

  /// - Parameter why: in words.
  package static func void(_ id: ULID, _ command: Command, why: String) -> DaemonEvent {
    var payload = fields(id, command)
    payload["why"] = .string(why)
    return DaemonEvent(voidDeclaration, payload)
  }

  /// The agent whose command an event has decided about; nil for other events and askers.
  package static func asker(of event: Event) -> AgentID? {
    guard
      ["approval:granted", "approval:denied", "approval:expired", "approval:void"].contains(where: {
        $0.isSame(as: event.type)
      }),
      let asker = event["asker"]?.string, asker.hasPrefix("agent/")
    else { return nil }
    return AgentID(String(asker.dropFirst("agent/".count)))
  }
}
