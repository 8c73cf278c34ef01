import Document
import HAL
import Model
import Wire

extension Call {
  /// Refuses event names that the daemon alone may use, and what is no name.
  func checkForeign(_ type: String) throws(RPCError) {
    guard EventPattern.isEventName(type) else {
      throw Arguments.invalid(
        "type", "a name such as 'git:commit_pushed'", "'\(type.prefix(130))' is not an event name",
        hint: "domain:verb, of letters, digits, '_', '-', '.' and '/', at most 128 characters")
    }
    if let domain = EventPattern.builtInDomain(of: type) {
      throw Arguments.invalid(
        "type", "another domain than \(EventPattern.builtInDomains.joined(separator: ", "))",
        "only the daemon publishes '\(domain):' events")
    }
  }

  /// Refuses payloads that would fill the memory ring.
  func checkSize(_ payload: Fields) throws(RPCError) {
    let size = JSON.encode(.map(payload)).count
    guard size <= 16384 else {
      throw Arguments.invalid(
        "payload", "at most 16384 bytes", "the payload is \(size) bytes long", hint: "pass large things as files")
    }
  }

  fileprivate func event(_ id: ULID) throws(RPCError) -> Event {
    guard let event = services.events.event(id) else {
      throw RPCError(
        .notFound, "no event '\(id)' is known",
        hint: "only the newest are kept; 'openstarry events' shows them (events.list)")
    }
    return event
  }
}

extension Parameter {
  fileprivate static let pattern = pattern()
  fileprivate static func pattern(aliases: [String] = []) -> Parameter {
    optional("pattern", .text, "*", "which names; `*` stands for any run of characters", aliases: aliases)
  }
}

extension MethodRegistry {
  private static let emit = Method(
    "events.emit", .operate,
    "Publishes an event. The daemon's own domains (`sensor`, `input`, `camera`, `device`, `agent`, `budget`, `rule`, "
      + "`timer`, `system`) are refused.",
    [
      .required("type", .text, "its name, `domain:verb`", aliases: ["event"]),
      .optional("payload", .object, [:], "what it carries, at most 16 KiB", aliases: ["data"]),
      .optional(
        "priority", .integer(0...5), 3, "0 (emergency) to 5 (background); 0 and 1 take the role admin"),
    ], result: "`{\"event\": id, \"trace\": id}`"
  ) { call throws(RPCError) in
    let type = call.arguments.required("type")
    try call.checkForeign(type)
    let payload = call.arguments.object("payload") ?? [:]
    try call.checkSize(payload)
    let priority = call.arguments.integer("priority").flatMap { Priority(rawValue: Int($0)) } ?? .normal
    if priority < .high { try ControlServer.check(call.client.role, .admin, "publish urgent events") }
    let event = call.services.sink.publish(
      type, source: call.client.source, cause: nil, priority: priority, payload: payload)
    return ["event": .string(event.id.description), "trace": .string(event.trace.description)]
  }

  static let eventMethods: [Method] = [
    Method(
      "events.list", .view, "Events that are still known, oldest first.",
      [
        .pattern, .last(50, 1...1000, "at most how many, the newest; 1 to 1000"),
        .optional("since", .text, nil, "only those after the event of this id"),
      ],
      result:
        "`{\"events\": [event (4.1)], \"total\": how many there have been since the start, \"truncated\": whether older "
        + "ones were left out because the answer would be too long}`", list),
    Method(
      "events.get", .view, "One event.", [.required("event", .text, "its id", aliases: ["id"])],
      result: "an event (4.1)", errors: [.notFound]
    ) { call throws(RPCError) in
      guard let id = try call.arguments.eventID("event") else { return nil }
      return .map(try call.event(id).fields)
    },
    Method(
      "events.chain", .view,
      "What led to an event, or to the last change of a device, from the beginning. This is what `openstarry why` "
        + "shows.",
      [
        .optional("event", .text, nil, "the event's id; either this or `device`"),
        .optional("device", .text, nil, "the device"),
      ], result: "`{\"events\": [event (4.1)]}`, empty when the device has not changed yet",
      errors: [.notFound, .deviceNotFound], chain),
    emit,
    Method(
      "events.subscribe", .view, "Sends each event that fits as an `events.event` notification.",
      [
        .pattern, .last(0, 0...1000, "how many that are already there come first, 0 to 1000"),
        .optional("since", .text, nil, "of those, only the ones after the event of this id"),
      ], result: "`{\"subscription\": N}`"
    ) { call throws(RPCError) in
      try subscribe(call) { _ in
        "events.event"
      } params: {
        ["event": .map($0.fields)]
      }
    },
    Method(
      "events.unsubscribe", .view, "Ends any subscription of this connection.",
      [.required("subscription", .integer(1...Int64.max), "its number")], result: "`{\"subscription\": N}`",
      errors: [.notFound]
    ) { call throws(RPCError) in
      let number = call.arguments.integer("subscription") ?? 0
      guard try call.openConnection().unsubscribe(number) else {
        throw RPCError(.notFound, "this connection has no subscription \(number)")
      }
      return ["subscription": .int(number)]
    },
    Method(
      "eventbridge.subscribe", .view,
      "The upstream name of `events.subscribe`; notifications carry the event's own name: `{\"event\": type, \"data\": "
        + "event (4.1)}`.",
      [.pattern(aliases: ["event"])], result: "`{\"subscription\": N}`"
    ) { call throws(RPCError) in
      try subscribe(call, method: \.type, params: \.fields)
    },
    emit.named("eventbridge.publish", summary: "The upstream name of `events.emit`."),
  ]

  @Sendable private static func list(_ call: Call) throws(RPCError) -> Value? {
    let events = call.services.events.events(
      matching: EventPattern(call.arguments.text("pattern") ?? "*"),
      last: Int(call.arguments.integer("last") ?? 50), since: try call.arguments.eventID("since"))
    // The newest count: filled from the end until the answer has its length.
    var chosen: [Value] = []
    var room = LineFramer.limit - 1024
    for event in events.reversed() {
      let value = Value.map(event.fields)
      room -= JSON.encode(value).count + 1
      if room < 0 { break }
      chosen.append(value)
    }
    return [
      "events": .list(chosen.reversed()), "total": .int(Int64(clamping: call.services.events.total)),
      "truncated": .bool(chosen.count < events.count),
    ]
  }

  @Sendable private static func chain(_ call: Call) throws(RPCError) -> Value? {
    let events: [Event]
    switch (try call.arguments.eventID("event"), call.arguments.text("device")) {
    case (let id?, nil): events = call.services.events.chain(to: try call.event(id).id)
    case (nil, let device?):
      guard call.services.hardware.device(DeviceID(device)) != nil else {
        let known = call.services.hardware.board.devices.map(\.id.rawValue)
        throw call.refusal(
          .notFound(
            DeviceID(device), kind: "device", suggestion: Suggestion.closest(to: device, in: known)))
      }
      events = call.services.events.chain(toLastChangeOf: device)
    default:
      throw Arguments.invalid("event", "an event id, or 'device'", "either 'event' or 'device' must be there")
    }
    return ["events": .list(events.map { .map($0.fields) })]
  }

  private static func subscribe(
    _ call: Call, method: @escaping (Event) -> String, params: @escaping (Event) -> Fields
  ) throws(RPCError) -> Value? {
    let connection = try call.openConnection()
    let pattern = EventPattern(call.arguments.text("pattern") ?? "*")
    let since = try call.arguments.eventID("since")
    let subscription = try connection.subscribe(call.request.dialect)
    call.answer(.success(["subscription": .int(subscription.number)]))
    if let last = call.arguments.integer("last"), last > 0 {
      for event in call.services.events.events(matching: pattern, last: Int(last), since: since) {
        connection.notify(subscription, method(event), params(event))
      }
    }
    let events = call.services.events
    let listener = events.listen(pattern) { [weak connection, weak subscription] event in
      guard let subscription else { return }
      connection?.notify(subscription, method(event), params(event))
    }
    let measuring = measure(pattern, call)
    let hardware = call.services.hardware
    subscription.end = {
      events.endListen(listener)
      if let measuring { hardware.unsubscribe(measuring) }
    }
    return nil
  }

  /// Who follows one sensor by its name has it measured meanwhile; a sensor nobody asks for is left alone.
  private static func measure(_ pattern: EventPattern, _ call: Call) -> SubscriptionID? {
    guard pattern.isExact, pattern.text.hasPrefix("sensor:") else { return nil }
    return try? call.services.hardware.subscribe(DeviceID(String(pattern.text.dropFirst("sensor:".count))))
  }
}
