import Agent
import Model
import RPC

extension ControlMethods {
  /// Language models, and the agents that think with them.
  static let modelMethods: [Method<Call>] = [
    Method(
      "models.list", .view,
      "Lists the language models of the settings, in the order in which they are tried, and those of manifests that were asked.",
      result:
        "`{\"models\": [model (4.16)], \"not_stored\": why what models use cannot be stored, so that none is asked; or null}`"
    ) { call throws(RPCError) in
      let models = call.services.models
      return [
        "models": .list((models?.modelRows ?? []).map(Value.map)),
        "not_stored": models?.notStored.map(Value.string) ?? .null,
      ]
    },
    Method(
      "tokens.usage", .view, "Sums up what agents have used of language models in the last 31 days.",
      Parameter.optional(
        "by", .choice(of: UsageGrouping.self), default: "agent", "`agent`, `model` or `day`"),
      result: "the use (4.17)"
    ) { call, grouping throws(RPCError) in
      guard let models = call.services.models else {
        return ["rows": [], "days": 31, "gaps": []]
      }
      return .map(models.usage(by: grouping))
    },
    Method(
      "models.transcript", .operate, "Returns the newest questions to models with their answers, oldest first.",
      .agent("of which agent; by default of all"),
      Parameter.optional("last", .integer(1...100), default: 10, "how many, 1 to 100"),
      result: "`{\"exchanges\": [exchange (4.18)]}`"
    ) { call, agent, last throws(RPCError) in
      let exchanges = call.services.models?.transcript(of: agent, last: Int(last)) ?? []
      return ["exchanges": .list(exchanges.map(Value.map))]
    },
    Method(
      "agent.chat", .operate, chatSummary, .agent,
      Parameter.required("text", .anyText, "what is said: not empty, with the sender's name at most 16 KiB"),
      result: "`{\"subscription\": N, \"event\": id}`",
      errors: [.agentNotFound, .agentNotRunning, .quarantined, .overloaded, .cannotRun], isCommand: true, chat),
  ]

  private static let chatSummary = """
    Says something to an agent, as the event `chat:message`, and sends what models answer it as `chat.news` \
    notifications until it has handled the event: `{"kind": "waits"}` first if it is busy with another event, \
    `{"kind": "text", "text"}`, `{"kind": "answered"}` with the payload of `model:answered`, \
    `{"kind": "failed", "message"}`, `{"kind": "log", "level", "message"}` for warnings of its log, and at last \
    `{"kind": "end", "text": the last answer, "error": why it is missing or incomplete, or null}`, which ends the \
    subscription. If the subscription or the connection ends before, the event is given up: it is dropped if it waits; \
    otherwise the call of the model is hung up, and the agent is refused further ones until it has finished that event.
    """

  @Sendable private static func chat(_ call: Call, _ agent: AgentID, _ text: String) throws(RPCError) -> Value? {
    try call.agents { control throws(AgentControlError) in try control.checkWake(agent) }
    let payload = try payload(text, from: call.client.source)
    let session = try call.openSession()
    let subscription = try session.subscribe(call.request.dialect)
    let (sink, events, models) = (call.services.sink, call.services.events, call.services.models)
    let isBehind = (try? call.services.agents.agentStatus(agent))?.state == .active
    // Only the agent gets it: it is no business of rules.
    let event = sink.address(.agents([])) {
      sink.publish("chat:message", source: call.client.source, cause: nil, priority: .normal, payload: payload)
    }
    let listening = ChatListening(session, subscription, isBehind: isBehind)
    // Another agent may think about the same, if this one tells it.
    let texts = models?.listen { if $0.agent == agent, $0.trace == event.trace { listening.hear($0.text) } }
    let listener = events.listen(EventPattern("model:*")) {
      if $0["agent"]?.string == agent.rawValue, $0.trace == event.trace { listening.hear($0) }
    }
    let agents = call.services.agents
    let activations = events.listen(EventPattern("agent:activated")) {
      if $0["agent"]?.string == agent.rawValue, $0.cause == event.id { listening.agentBegins() }
    }
    let follow = try? agents.followLogs(agent) { listening.hear($0) }
    subscription.end = {
      for listener in [listener, activations] { events.endListen(listener) }
      if let follow { agents.endFollow(follow) }
      if let texts { models?.endListen(texts) }
      if !listening.isOver { agents.abandon(event.id, of: agent, because: "the person who asked has gone") }
    }
    do throws(AgentControlError) {
      try agents.wakeAgent(agent, with: event) { listening.end($0, try? agents.agentStatus(agent)) }
    } catch {
      _ = session.unsubscribe(subscription.number)
      throw RPCError(error)
    }
    call.answer(
      .success(["subscription": .int(subscription.number), "event": .string(event.id.description)]))
    listening.begin()
    return nil
  }

  /// The event of a message.
  /// - Throws: it is empty, or longer than an event may be.
  private static func payload(_ text: String, from source: String) throws(RPCError) -> Fields {
    guard !text.utf8.allSatisfy({ $0 <= UInt8(ascii: " ") }) else {
      throw RPCError(parameter: "text", "a message", "the message is empty")
    }
    let payload: Fields = ["text": .string(text), "from": .string(source)]
    let (bytes, most) = (text.utf8.count, PayloadLimit.bytes - (payload.weight - text.utf8.count))
    guard bytes > most else { return payload }
    throw RPCError(
      parameter: "text", "at most \(most) bytes", "the message has \(bytes) bytes, at most \(most) are possible",
      hint: "at most \(most) are possible")
  }
}
