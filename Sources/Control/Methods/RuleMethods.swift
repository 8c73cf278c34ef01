import Model
import Rules
import Wire

extension MethodRegistry {
  static let ruleMethods: [Method] = [
    Method(
      "rules.list", .view, "Every rule and what became of it.", result: "`{\"rules\": [rule (4.8)]}`"
    ) { call throws(RPCError) in
      let now = call.services.time.now
      return ["rules": .list(call.services.rules.listRules().map { .map($0.fields(at: now)) })]
    },
    Method(
      "rules.test", .view, "What an event would set off, without doing it.",
      [
        .optional("type", .text, nil, "the event's name; either this or `event`"),
        .optional("payload", .object, [:], "what it would carry"),
        .optional("event", .text, nil, "the id of an event that is still known"),
      ], result: "`{\"verdicts\": [verdict (4.8)]}`", errors: [.notFound], test),
    Method(
      "rules.reload", .admin, "Reads the rule files again. On any error the old rules stay.",
      result: "`{\"rules\": how many there are now}`", errors: [.invalidFile], isCommand: true
    ) { call throws(RPCError) in
      do throws(Diagnostics) {
        return ["rules": .int(Int64(try call.services.rules.reloadRules()))]
      } catch {
        throw RPCError(error, "the rules stay as they were")
      }
    },
  ]

  @Sendable private static func test(_ call: Call) throws(RPCError) -> Value? {
    let event: Event
    switch (call.arguments.text("type"), try call.arguments.eventID("event")) {
    case (let type?, nil):
      guard EventPattern.isEventName(type) else {
        throw Arguments.invalid(
          "type", "a name such as 'sensor:temperature'", "'\(type.prefix(130))' is not an event name")
      }
      let time = call.services.time
      event = Event(
        id: ULID(milliseconds: time.wallMilliseconds, random: (0, 0)), type: type, time: time.wallMilliseconds,
        clockSynchronised: time.wallIsSynchronised, monotonic: time.now.nanoseconds, source: call.client.source,
        payload: call.arguments.object("payload") ?? [:])
    case (nil, let id?):
      guard let known = call.services.events.event(id) else {
        throw RPCError(.notFound, "no event '\(id)' is known", hint: "only the newest are kept")
      }
      event = known
    default: throw Arguments.invalid("type", "an event name, or 'event'", "either 'type' or 'event' must be there")
    }
    return ["verdicts": .list(call.services.rules.testRules(event).map { .map($0.fields) })]
  }
}
