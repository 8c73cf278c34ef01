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
      "agent.chat", .operate,
      "Says something to an agent, as the event `chat:message`, and sends what models answer it as `chat.news` "
        + "notifications until it has handled the event: `{\"kind\": \"text\", \"text\"}`, `{\"kind\": \"answered\"}` with the "
        + "payload of `model:answered`, `{\"kind\": \"failed\", \"message\"}`, `{\"kind\": \"log\", \"level\", "
        + "\"message\"}` for warnings of its log, and at last `{\"kind\": \"end\", \"text\": the last answer, \"error\": why there is none, or null}`, which ends the subscription.",
      .agent,
      Parameter.required("text", .anyText, "what is said, at most 16 KiB"),
      result: "`{\"subscription\": N, \"event\": id}`",
      errors: [.agentNotFound, .agentNotRunning, .quarantined, .overloaded, .cannotRun], isCommand: true, chat),
  ]

  @Sendable private static func chat(_ call: Call, _ agent: AgentID, _ text: String) throws(RPCError) -> Value? {
    try call.agents { control throws(AgentControlError) in try control.checkWake(agent) }
    let payload: Fields = ["text": .string(text), "from": .string(call.client.source)]
    try call.checkSize(payload)
    let session = try call.openSession()
    let subscription = try session.subscribe(call.request.dialect)
    let (sink, events, models) = (call.services.sink, call.services.events, call.services.models)
    let before = try? call.services.agents.agentStatus(agent)
    // Only the agent gets it: it is no business of rules.
    let event = sink.address(.agents([])) {
      sink.publish("chat:message", source: call.client.source, cause: nil, priority: .normal, payload: payload)
    }
    let listening = ChatListening(session, subscription, before)
    // Another agent may think about the same, if this one tells it.
    let texts = models?.listen { if $0.agent == agent, $0.trace == event.trace { listening.hear($0.text) } }
    let listener = events.listen(EventPattern("model:*")) {
      if $0["agent"]?.string == agent.rawValue, $0.trace == event.trace { listening.hear($0) }
    }
    let agents = call.services.agents
    let follow = try? agents.followLogs(agent) { listening.hear($0) }
    subscription.end = {
      events.endListen(listener)
      if let follow { agents.endFollow(follow) }
      if let texts { models?.endListen(texts) }
    }
    do throws(AgentControlError) {
      try agents.wakeAgent(agent, with: event) { listening.end(try? agents.agentStatus(agent)) }
    } catch {
      _ = session.unsubscribe(subscription.number)
      throw RPCError(error)
    }
    call.answer(
      .success(["subscription": .int(subscription.number), "event": .string(event.id.description)]))
    listening.begin()
    return nil
  }
}

/// What one client hears of an agent while that handles what the client has said.
private final class ChatListening {
  private weak var session: (any Session)?
  private weak var subscription: Subscription?
  /// What the model says, since the agent has asked it last.
  private var text = ""
  /// Whether the next piece begins another answer.
  private var isWhole = false
  private var failure: String?
  private var wasAnswered = false
  private let before: AgentStatus?
  private var hasBegun = false
  /// What came before the answer to the request.
  private var early: [Fields] = []

  /// The longest text of `end`, in bytes: in a line, each may take six.
  private static let longestText = 65_536

  /// - Parameter before: the agent's status before it was asked.
  init(_ session: any Session, _ subscription: Subscription, _ before: AgentStatus?) {
    (self.session, self.subscription, self.before) = (session, subscription, before)
  }

  func begin() {
    hasBegun = true
    for fields in early { send(fields) }
    early = []
  }

  func hear(_ piece: String) {
    if isWhole { endText() }
    text += piece
    send(["kind": "text", "text": .string(piece)])
  }

  func hear(_ event: Event) {
    if event.type.isSame(as: "model:answered") {
      // What it says while it asks for tools is no answer yet.
      if event["tools"]?.list?.isEmpty == false { endText() }
      isWhole = true
      send(["kind": "answered"] + event.payload)
      (failure, wasAnswered) = (nil, true)
    } else {
      failure = event["message"]?.string
      // What a model has begun to say is no part of the next one's answer.
      endText()
      send(["kind": "failed"] + event.payload)
    }
  }

  /// What comes next is on a line of its own.
  private func endText() {
    if !text.isEmpty { send(["kind": "text", "text": "\n"]) }
    (text, isWhole) = ("", false)
  }

  /// Why it has not done what it was asked is in its log.
  func hear(_ line: LogLine) {
    guard line.level <= .warning else { return }
    send(["kind": "log", "level": .string("\(line.level)"), "message": .string(line.message)])
  }

  func end(_ status: AgentStatus?) {
    let text = String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self)
    send(["kind": "end", "text": .string(text), "error": problem(status).map(Value.string) ?? .null])
  }

  /// Why there is no answer; nil when there is one, or the agent has only used tools.
  private func problem(_ status: AgentStatus?) -> String? {
    guard text.isEmpty else { return nil }
    if let failure { return failure }
    if let status, let before {
      if status.refusals > before.refusals { return status.lastRefusal }
      if status.failures > before.failures { return status.lastError }
    }
    return wasAnswered ? nil : "the agent has asked no model; its log may say why"
  }

  private func send(_ fields: Fields) {
    guard hasBegun else { return early.append(fields) }
    guard let subscription else { return }
    if fields["kind"] == "end" {
      session?.end(subscription, "chat.news", fields)
    } else {
      session?.notify(subscription, "chat.news", fields)
    }
  }
}

extension Fields {
  fileprivate static func + (left: Fields, right: Fields) -> Fields {
    right.reduce(into: left) { $0[$1.key] = $1.value }
  }
}
