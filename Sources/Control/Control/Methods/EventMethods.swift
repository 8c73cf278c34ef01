import Document
import HAL
import Model
import RPC

extension Call {
  /// Refuses malformed event names, and those of the daemon's own domains.
  func checkForeign(_ type: String) throws(RPCError) {
    guard EventPattern.isEventName(type) else {
      throw RPCError(
        parameter: "type", "a name such as 'git:commit_pushed'", "'\(type.prefix(130))' is not an event name",
        hint: "domain:verb, of letters, digits, '_', '-', '.' and '/', at most 128 characters")
    }
    if let domain = EventPattern.builtInDomain(of: type) {
      throw RPCError(
        parameter: "type", "a domain other than \(EventPattern.builtInDomains.joined(separator: ", "))",
        "only the daemon publishes '\(domain):' events")
    }
  }

  /// Refuses payloads that are too large for the ring of retained events.
  func checkSize(_ payload: Fields) throws(RPCError) {
    if let complaint = PayloadLimit.complaint(payload) {
      throw RPCError(
        parameter: "payload", "at most \(PayloadLimit.bytes) bytes, and \(PayloadLimit.memory) bytes of memory",
        complaint)
    }
  }

  fileprivate func event(_ id: ULID) throws(RPCError) -> Event {
    guard let event = services.events.event(id), client.sees(event) else {
      throw RPCError(
        .notFound, "no event '\(id)' is known",
        hint: "only the newest events are kept; 'openstarry events' lists them (events.list)")
    }
    return event
  }
}

extension Parameter where Argument == EventPattern {
  fileprivate static func pattern(aliases: [String] = []) -> Self {
    .optional(
      "pattern", .pattern, default: "*", "the event names; `*` matches any run of characters", aliases: aliases)
  }
}

extension ControlMethods {
  private static let emit = Method<Call>(
    "events.emit", .operate,
    "Publishes an event. The daemon's own domains ("
      + EventPattern.builtInDomains.map { "`\($0)`" }.joined(separator: ", ") + ") are refused.",
    Parameter.required("type", .text, "the event's name, `domain:verb`", aliases: ["event"]),
    Parameter.optional("payload", .object, default: [:], "the event's payload, at most 16 KiB", aliases: ["data"]),
    Parameter.optional(
      "priority", .priority, default: 3, "0 (emergency) to 5 (background); 0 and 1 require role admin"),
    result: "`{\"event\": id, \"trace\": id}`"
  ) { call, type, payload, priority throws(RPCError) in
    try call.checkForeign(type)
    try call.checkSize(payload)
    if priority < .high { try call.client.role.require(.admin, to: "publish urgent events") }
    let event = call.services.sink.publish(
      type, source: call.client.source, cause: call.cause, priority: priority, payload: payload)
    return ["event": .string(event.id.description), "trace": .string(event.trace.description)]
  }

  static let eventMethods: [Method<Call>] = [
    Method(
      "events.list", .view, "Lists retained events, oldest first.",
      .pattern(),
      Parameter.optional("last", .integer(1...1000), default: 50, "how many of the newest events at most, 1 to 1000"),
      Parameter.optional("since", .eventID, "only events after the event with this id"),
      result:
        "`{\"events\": [event (4.1)], \"total\": the number of events since the start, \"truncated\": whether older "
        + "events were omitted because the answer would be too long, \"withheld\": how many more this session may not know "
        + "of, if any}`", list),
    Method(
      "events.get", .view, "Returns one event.", Parameter.required("event", .eventID, "its id", aliases: ["id"]),
      result: "an event (4.1)", errors: [.notFound]
    ) { call, id throws(RPCError) in
      .map(try call.event(id).fields)
    },
    Method(
      "events.chain", .view,
      "Returns the causal chain of an event, or of a device's last change, first cause first. `openstarry why` shows "
        + "it.",
      Parameter.optional("event", .eventID, "the event's id; either this or `device`"),
      Parameter.optional("device", .device, "the device"),
      result:
        "`{\"events\": [event (4.1)], \"withheld\": how many more this session may not know of, if any}`, empty when the "
        + "device has not changed yet",
      errors: [.notFound, .deviceNotFound], chain),
    emit,
    Method(
      "events.subscribe", .view, "Sends each matching event as an `events.event` notification.",
      .pattern(),
      Parameter.optional(
        "last", .integer(0...1000), default: 0, "how many retained events are sent first, 0 to 1000"),
      Parameter.optional("since", .eventID, "of the retained events, only those after the event with this id"),
      result: "`{\"subscription\": N}`"
    ) { call, pattern, last, since throws(RPCError) in
      try subscribe(call, pattern, last: last, since: since) { _ in
        "events.event"
      } params: {
        ["event": .map($0.fields)]
      }
    },
    Method(
      "events.unsubscribe", .view, "Ends any subscription of this connection.",
      Parameter.required("subscription", .integer(1...Int64.max), "its number"),
      result: "`{\"subscription\": N}`", errors: [.notFound]
    ) { call, number throws(RPCError) in
      guard try call.openSession().unsubscribe(number) else {
        throw RPCError(.notFound, "this connection has no subscription \(number)")
      }
      return ["subscription": .int(number)]
    },
    Method(
      "eventbridge.subscribe", .view,
      "The upstream name of `events.subscribe`; notifications carry the event's own name: `{\"event\": type, \"data\": "
        + "event (4.1)}`.",
      .pattern(aliases: ["event"]), result: "`{\"subscription\": N}`"
    ) { call, pattern throws(RPCError) in
      try subscribe(call, pattern, method: \.type, params: \.fields)
    },
    emit.named("eventbridge.publish", summary: "The upstream name of `events.emit`."),
  ]

  @Sendable private static func list(
    _ call: Call, _ pattern: EventPattern, last: Int64, since: ULID?
  ) throws(RPCError) -> Value? {
    let found = call.services.events.events(matching: pattern, last: Int(last), since: since)
    let events = found.filter(call.client.sees)
    // If the answer would be too long, drop the oldest events.
    var chosen: [Value] = []
    var room = LineFramer.limit - 1024
    for event in events.reversed() {
      let value = Value.map(event.fields)
      room -= JSON.encode(value).count + 1
      if room < 0 { break }
      chosen.append(value)
    }
    return withheld(
      [
        "events": .list(chosen.reversed()), "total": .int(Int64(clamping: call.services.events.total)),
        "truncated": .bool(chosen.count < events.count),
      ], found.count - events.count)
  }

  /// Says how many events the caller may not know of, if there are any.
  private static func withheld(_ result: Fields, _ count: Int) -> Value {
    var result = result
    if count > 0 { result["withheld"] = .int(Int64(count)) }
    return .map(result)
  }

  @Sendable private static func chain(_ call: Call, id: ULID?, device: DeviceID?) throws(RPCError) -> Value? {
    let events: [Event]
    switch (id, device) {
    case (let id?, nil): events = call.services.events.chain(to: try call.event(id).id)
    case (nil, let device?):
      guard call.services.hardware.device(device) != nil else {
        let known = call.services.hardware.board.devices.map(\.id).filter(call.client.reaches).map(\.rawValue)
        throw call.refusal(
          .notFound(
            device, kind: "device", suggestion: Suggestion.closest(to: device.rawValue, in: known)))
      }
      events = call.services.events.chain(toLastChangeOf: device.rawValue)
    default:
      throw RPCError(parameter: "event", "an event id, or 'device'", "either 'event' or 'device' is needed")
    }
    let seen = events.filter(call.client.sees)
    return withheld(["events": .list(seen.map { .map($0.fields) })], events.count - seen.count)
  }

  private static func subscribe(
    _ call: Call, _ pattern: EventPattern, last: Int64 = 0, since: ULID? = nil,
    method: @escaping (Event) -> String, params: @escaping (Event) -> Fields
  ) throws(RPCError) -> Value? {
    let session = try call.openSession()
    let subscription = try session.subscribe(call.request.dialect)
    call.answer(.success(["subscription": .int(subscription.number)]))
    if last > 0 {
      for event in call.services.events.events(matching: pattern, last: Int(last), since: since)
      where
        call.client.sees(event)
      {
        session.notify(subscription, method(event), params(event))
      }
    }
    let events = call.services.events
    let client = call.client
    let listener = events.listen(pattern) { [weak session, weak subscription] event in
      guard let subscription, client.sees(event) else { return }
      session?.notify(subscription, method(event), params(event))
    }
    let measuring = measure(pattern, call)
    let hardware = call.services.hardware
    subscription.end = {
      events.endListen(listener)
      if let measuring { hardware.unsubscribe(measuring) }
    }
    return nil
  }

  /// Keeps a sensor measuring while somebody is subscribed to its events by their exact name.
  private static func measure(_ pattern: EventPattern, _ call: Call) -> SubscriptionID? {
    guard pattern.isExact, let sensor = SensorEvents.sensor(of: pattern.text),
      call.client.reaches(sensor)
    else { return nil }
    return try? call.services.hardware.subscribe(sensor)
  }
}
