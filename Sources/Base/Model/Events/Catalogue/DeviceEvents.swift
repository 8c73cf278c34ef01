/// Events of devices: changes of outputs, and the health and presence of all devices.
package enum DeviceEvents {
  static var all: [EventDeclaration] {
    [
      changedDeclaration, limitedDeclaration, faultDeclaration, recoveredDeclaration, lostDeclaration, backDeclaration,
      resetDeclaration, overrunDeclaration, stuckDeclaration, unstuckDeclaration, freeDeclaration, noEffectDeclaration,
    ]
  }

  private static func text(_ device: DeviceID) -> (key: String, value: Value) { ("device", .string(device.rawValue)) }

  /// Whether `type` is the name of an event about a device.
  package static func isName(_ type: String) -> Bool { type.hasPrefix("device:") }

  /// The name of the event about a change of level.
  package static var changedName: String { "device:changed" }

  private static var changedDeclaration: EventDeclaration {
    EventDeclaration(
      changedName, .normal, "the level of an output has changed, and the hardware has confirmed it",
      [
        .device, .level("state", "its level"), .level("previous", "its level before"),
        .text("holder", "the present or the last holder"),
        .text(
          "reason",
          "`command`, `override` (a person made it safe), `pulse-ended`, `lease-expired`, `holder-ended`, `max-on`, "
            + "`only-while`, `no-effect`, `lost`, `overruled` (by the guardian), `taken-over` or `not-taken-over` (from the previous daemon), "
            + "`fault`, `emergency-stop` or `shutdown`"),
        .integer("lease_ms", "ms", "the lease that is left; null without one").orNull,
      ],
      example: changed(
        "fan", state: 1, previous: 0, holder: "agent/climate", reason: "command", lease: .seconds(60))
    ) { event in
      guard let state = event["state"]?.double else { return nil }
      return "\(event.subject("device")) \(EventSentence.level(state))\(how(event))"
    }
  }

  /// The holder and the lease in brackets; without a lease, the reason of the change.
  private static func how(_ event: Event) -> String {
    let holder = event["holder"]?.string?.printable
    let reason = event.text("reason", "command")
    var parts: [String] = []
    if let lease = event["lease_ms"]?.int, lease > 0 {
      parts.append("held by \(holder ?? "-")")
      if reason != "command" { parts.append(EventSentence.words(reason)) }
      parts.append("lease \(Duration.milliseconds(lease).text)")
    } else if reason != "command" {
      parts.append(EventSentence.words(reason))
    } else if let holder {
      parts.append("by \(holder)")
    }
    return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
  }

  /// - Parameters:
  ///   - state: the level that the hardware has confirmed, 0 to 1.
  ///   - previous: the level before, 0 to 1.
  ///   - holder: the present or the last holder.
  ///   - reason: one of the reasons in the declaration.
  ///   - lease: the lease that is left; zero without one.
  package static func changed(
    _ device: DeviceID, state: Double, previous: Double, holder: String, reason: String, lease: Duration
  ) -> DaemonEvent {
    DaemonEvent(
      changedDeclaration,
      Fields(uniquePairs: [
        text(device), ("state", .double(state)), ("previous", .double(previous)), ("holder", .string(holder)),
        ("reason", .string(reason)),
        ("lease_ms", lease == .zero ? .null : .int(lease.nanoseconds / 1_000_000)),
      ]))
  }

  private static var limitedDeclaration: EventDeclaration {
    EventDeclaration(
      "device:limited", .high, journal: .warning, "an output has reached a limit, and goes safe",
      [
        .device, .text("rule", "the limit's key in the board file"), .text("holder", "the holder of the output"),
        .integer("limit_ms", "ms", "the longest time away from the safe state"),
      ],
      example: limited("fan", rule: "max_on", holder: "agent/climate", limit: .seconds(300))
    ) { event in
      let limit = event.span("limit").map { " of \($0)" } ?? ""
      let holder = event["holder"]?.string.map { " (held by \($0.printable))" } ?? ""
      return "\(event.subject("device")) has reached its \(event.text("rule", "limit"))\(limit)\(holder)"
    }
  }

  /// - Parameters:
  ///   - rule: the limit's key in the board file.
  ///   - holder: the holder of the output.
  ///   - limit: the longest time away from the safe state.
  package static func limited(_ device: DeviceID, rule: String, holder: String, limit: Duration) -> DaemonEvent {
    DaemonEvent(
      limitedDeclaration,
      Fields(uniquePairs: [
        text(device), ("rule", .string(rule)), ("holder", .string(holder)),
        ("limit_ms", .int(limit.nanoseconds / 1_000_000)),
      ]))
  }

  private static var faultDeclaration: EventDeclaration {
    EventDeclaration(
      "device:fault", .high, journal: .warning, "a device that worked has failed",
      [.device, .text("operation", "what failed, as a verb"), .text("fault", "why, in words")],
      example: fault("t1", operation: "read", fault: "no answer at address 0x76")
    ) { event in
      "\(event.subject("device")) failed to \(event.text("operation", "work")): "
        + event.text("fault", "for an unknown reason")
    }
  }

  /// - Parameters:
  ///   - operation: what failed, as a verb.
  ///   - fault: why, in words.
  package static func fault(_ device: DeviceID, operation: String, fault why: String) -> DaemonEvent {
    DaemonEvent(
      faultDeclaration, Fields(uniquePairs: [text(device), ("operation", .string(operation)), ("fault", .string(why))]))
  }

  private static var recoveredDeclaration: EventDeclaration {
    EventDeclaration(
      "device:recovered", .normal, journal: .notice, "a device that had failed works again", [.device],
      example: recovered("t1")
    ) { event in "\(event.subject("device")) works again" }
  }

  /// A device that had failed works again.
  package static func recovered(_ device: DeviceID) -> DaemonEvent {
    DaemonEvent(recoveredDeclaration, Fields(uniquePairs: [text(device)]))
  }

  private static var freeDeclaration: EventDeclaration {
    EventDeclaration(
      "device:free", .normal, "an output that others wanted while somebody held it is free again",
      [.device, .list("refused", "who was refused meanwhile, eight at most")],
      example: free("fan", refused: ["agent/climate"])
    ) { event in
      let refused = event["refused"]?.list?.compactMap { $0.string?.printable } ?? []
      return "\(event.subject("device")) is free again for \(refused.joined(separator: ", "))"
    }
  }

  /// - Parameter refused: who was refused while another held it.
  package static func free(_ device: DeviceID, refused: [String]) -> DaemonEvent {
    DaemonEvent(
      freeDeclaration,
      Fields(uniquePairs: [text(device), ("refused", .list(refused.map { .string($0) }))]))
  }

  private static var lostDeclaration: EventDeclaration {
    EventDeclaration(
      "device:lost", .high, journal: .warning, "a device has disappeared",
      [.device, .text("reason", "why, in words")], example: lost("fan", reason: "/dev/gpiochip2 has gone")
    ) { event in "\(event.subject("device")) has gone\(event.reason)" }
  }

  /// - Parameter reason: why, in words.
  package static func lost(_ device: DeviceID, reason: String) -> DaemonEvent {
    DaemonEvent(lostDeclaration, Fields(uniquePairs: [text(device), ("reason", .string(reason))]))
  }

  private static var backDeclaration: EventDeclaration {
    EventDeclaration(
      "device:back", .high, journal: .notice, "a device that had disappeared is back",
      [
        .device, .level("state", "the level of an output").sometimes,
        .flag("active", "whether an input is active").sometimes,
      ],
      example: back("fan", state: 0.4, isActive: false)
    ) { event in
      "\(event.subject("device")) is back" + (event["state"]?.double.map { ", \(EventSentence.level($0))" } ?? "")
    }
  }

  /// - Parameters:
  ///   - state: the level of an output, 0 to 1; nil for other devices.
  ///   - isActive: whether an input is active; nil for other devices.
  package static func back(_ device: DeviceID, state: Double? = nil, isActive: Bool? = nil) -> DaemonEvent {
    var payload = Fields(uniquePairs: [text(device)])
    payload.add("state", state.map { .double($0) })
    payload.add("active", isActive.map { .bool($0) })
    return DaemonEvent(backDeclaration, payload)
  }

  private static var resetDeclaration: EventDeclaration {
    EventDeclaration(
      "device:reset", .high, journal: .warning,
      "the chip of an output lost its configuration, and got configuration and level again",
      [.device, .level("state", "the level")], example: reset("fan", state: 1)
    ) { event in
      let level = event["state"]?.double.map(EventSentence.level) ?? "configured"
      return "\(event.subject("device")) lost its configuration, and is \(level) again"
    }
  }

  /// - Parameter state: the level that the output has again, 0 to 1.
  package static func reset(_ device: DeviceID, state: Double) -> DaemonEvent {
    DaemonEvent(resetDeclaration, Fields(uniquePairs: [text(device), ("state", .double(state))]))
  }

  private static var overrunDeclaration: EventDeclaration {
    EventDeclaration(
      "device:overrun", .normal, journal: .warning, "an input changed faster than it could be read",
      [.device, .integer("lost", "number of lost edges")], example: overrun("door", lost: 12)
    ) { event in
      "\(event.subject("device")) changed faster than it could be read: \(event.shown("lost", "some")) edge(s) lost"
    }
  }

  /// - Parameter lost: number of lost edges.
  package static func overrun(_ device: DeviceID, lost: Int) -> DaemonEvent {
    DaemonEvent(overrunDeclaration, Fields(uniquePairs: [text(device), ("lost", .int(Int64(lost)))]))
  }
}
