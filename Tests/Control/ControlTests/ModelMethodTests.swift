import Agent
import Model
import RPC
import Testing

@testable import Control

/// One model, and what a test has it say.
final class ModelsDouble: ModelControl {
  private var listeners: [UInt64: (ModelText) -> Void] = [:]
  private var last: UInt64 = 0
  var listening: Int { listeners.count }
  private(set) var groupings: [UsageGrouping] = []

  let modelRows: [Fields] = [["model": "local", "url": "http://127.0.0.1:8080/v1"]]

  var notStored: String?

  func usage(by grouping: UsageGrouping) -> Fields {
    groupings.append(grouping)
    return ["rows": [], "days": 31, "gaps": []]
  }

  func transcript(of agent: AgentID?, last: Int) -> [Fields] {
    [["agent": .string(agent?.rawValue ?? "all"), "left_out": .int(Int64(last))]]
  }

  func listen(_ hear: @escaping (ModelText) -> Void) -> UInt64 {
    last += 1
    listeners[last] = hear
    return last
  }

  func endListen(_ listener: UInt64) { listeners[listener] = nil }

  func say(_ text: String, in trace: ULID?, to agent: AgentID = "climate") {
    for hear in listeners.values { hear(ModelText(agent: agent, trace: trace, text: text)) }
  }
}

@Suite struct ModelMethodTests {
  private func answered(
    _ harness: Harness, _ cause: Event, tools: [String] = [], finish: String = "stop", to agent: AgentID = "climate"
  ) {
    let call = ModelEvents.Call(
      agent, model: "local", promptTokens: 9, answerTokens: 2, first: .milliseconds(1), total: .milliseconds(2))
    harness.events.publish(
      ModelEvents.answered(call, finish: finish, tools: tools, text: ""), from: "agent/\(agent)", cause: Cause(cause))
  }

  @Test func aConversationIsHeardUntilItsEnd() throws {
    let harness = try Harness()
    let client = try harness.connect()
    var finish: () -> Void = {}
    harness.agents.onWake = { event, done in
      #expect(event.type == "chat:message" && event["text"] == "how warm?" && event["from"]?.string != nil)
      finish = done
      harness.models.say("I look. ", in: event.trace)
      answered(harness, event, tools: ["getSensorData {}"])
      harness.models.say("thirty", in: event.trace)
      // Not of this conversation.
      harness.models.say("nonsense", in: nil)
      // The agent has told another one, which thinks about the same.
      harness.models.say("I am not asked", in: event.trace, to: "other")
      answered(harness, event, to: "other")
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let event = try #require(harness.agents.woken.last?.1)
    harness.models.say(" degrees", in: event.trace)
    answered(harness, event)
    finish()
    let news = try client.notifications("chat.news", 7)
    #expect(news.map { $0["kind"]?.string } == ["text", "text", "answered", "text", "text", "answered", "end"])
    #expect(news.compactMap { $0["text"]?.string }.prefix(2) == ["I look. ", "\n"])
    #expect(news[2]["tools"] == ["getSensorData {}"] && news[2]["prompt_tokens"] == 9)
    // What it says while it asks for tools is no answer.
    #expect(news.last?["text"] == "thirty degrees" && news.last?["error"] == .null)
    // The subscription is over.
    #expect(harness.models.listening == 0 && harness.events.listening == 0)
    #expect(try client.refusal("events.unsubscribe", ["subscription": news.last?["subscription"] ?? 0]) != nil)
  }

  /// An agent may ask several times without tools: the last answer is the answer.
  @Test func theLastAnswerIsTheAnswer() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.onWake = { event, done in
      harness.models.say("Let me think.", in: event.trace)
      answered(harness, event)
      harness.models.say("Thirty", in: event.trace)
      harness.models.say(" degrees.", in: event.trace)
      answered(harness, event)
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let news = try client.notifications("chat.news", 7)
    let pieces = news.filter { $0["kind"] == "text" }.compactMap { $0["text"]?.string }
    #expect(pieces == ["Let me think.", "\n", "Thirty", " degrees."])
    #expect(news.last?["kind"] == "end" && news.last?["text"] == "Thirty degrees.")
  }

  /// Whoever reads slowly loses pieces, and never the end.
  @Test func theEndIsNeverDropped() throws {
    var limits = Limits()
    limits.waiting = 1000
    let harness = try Harness(limits: limits)
    let client = try harness.connect()
    var finish: () -> Void = {}
    harness.agents.onWake = { finish = $1 }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "tell me all"]).get()
    let event = try #require(harness.agents.woken.last?.1)
    for number in 0..<100 {
      harness.models.say("piece \(number) \(String(repeating: "x", count: 100))", in: event.trace)
    }
    finish()
    #expect(harness.server.status.missed > 0)
    var kinds: [String] = []
    while kinds.last != "end" {
      let message = try #require(try client.next())
      if message["method"] == "chat.news" { kinds.append(message["params"]?["kind"]?.string ?? "") }
      if message["method"] == "events.missed" { kinds.append("missed") }
    }
    #expect(kinds.suffix(2) == ["missed", "end"])
    #expect(harness.models.listening == 0)
  }

  @Test func aConversationWithoutAnAnswerSaysWhy() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.onWake = { event, done in
      harness.events.publish(
        ModelEvents.failed("climate", model: "local", status: 0, message: "nobody listens", charged: 0),
        from: "agent/climate", cause: Cause(event))
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "hello"]).get()
    let news = try client.notifications("chat.news", 2)
    #expect(news.map { $0["kind"]?.string } == ["failed", "end"])
    #expect(news.last?["error"] == "nobody listens" && news.last?["text"] == "")
  }

  private func activate(_ harness: Harness, _ event: Event) {
    harness.events.publish(
      AgentEvents.activated("climate", by: event.type, .normal), from: "agent/climate", cause: Cause(event))
  }

  @Test func anAnswerThatBreaksOffIsNoSuccess() throws {
    let cases: [(EventOutcome, AgentStatus.Ending?, String)] = [
      (.failed("signal 9 ended it"), nil, "signal 9 ended it"),
      (.refused("limited: no tokens"), nil, "limited: no tokens"),
      (.dropped, .stopped, "the agent was stopped while it was answering"),
      (.dropped, .killed, "the agent was killed while it was answering"),
      (.dropped, .restarted, "the agent was restarted while it was answering"),
      (.handled, nil, "the answer broke off"),
    ]
    for (outcome, ending, error) in cases {
      let harness = try Harness()
      let client = try harness.connect()
      harness.agents.onWake = { event, done in
        activate(harness, event)
        harness.models.say("It is ", in: event.trace)
        harness.agents.change = { $0.ending = ending }
        harness.agents.outcome = outcome
        done()
      }
      _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
      let news = try client.notifications("chat.news", 2)
      #expect(news.last?["text"] == "It is " && news.last?["error"]?.string == error)
    }
  }

  /// A failure before the agent began concerns another event, and a whole answer stays one.
  @Test func whatHappensToOtherEventsIsNotTold() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.states["climate"] = .active
    harness.agents.onWake = { event, done in
      harness.agents.log("climate", "of another event", .warning)
      harness.agents.change = {
        $0.failures = 1
        $0.lastError = "of another event"
      }
      activate(harness, event)
      harness.agents.log("climate", "of this one", .warning)
      answered(harness, event)
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let news = try client.notifications("chat.news", 4)
    #expect(news.map { $0["kind"]?.string } == ["waits", "log", "answered", "end"])
    #expect(news[1]["message"] == "of this one" && news[3]["error"] == "the model gave no answer")
  }

  @Test func anAnswerThatWasCutIsNoSuccess() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.onWake = { event, done in
      activate(harness, event)
      harness.models.say("It is about", in: event.trace)
      answered(harness, event, finish: "length")
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let news = try client.notifications("chat.news", 3)
    #expect(news[2]["text"] == "It is about" && news[2]["error"]?.string?.hasPrefix("the answer was cut") == true)
  }

  @Test func aMessageThatTheAgentNeverGetsFails() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.outcome = .dropped
    harness.agents.onWake = { _, done in
      harness.agents.change = { $0.ending = .stopped }
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let news = try client.notifications("chat.news", 1)
    #expect(news[0]["error"] == "the agent was stopped before it could answer")
  }

  @Test func aBoundThatEndsTheWorkIsTheError() throws {
    let harness = try Harness()
    let client = try harness.connect()
    harness.agents.onWake = { event, done in
      activate(harness, event)
      harness.models.say("I look.", in: event.trace)
      answered(harness, event, tools: ["getSensorData {}"])
      harness.agents.log("climate", "ended: the model asked for tools again and again", .warning)
      done()
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let news = try client.notifications("chat.news", 5)
    #expect(news.map { $0["kind"]?.string } == ["text", "text", "answered", "log", "end"])
    #expect(news[4]["error"] == "the model asked for tools again and again" && news[4]["text"] == "")
  }

  /// The model's server is to stop its work when nobody listens any more.
  @Test func aConversationThatTheClientLeavesIsGivenUp() throws {
    let harness = try Harness()
    let client = try harness.connect()
    _ = try client.call("agent.chat", ["agent": "climate", "text": "one"]).get()
    _ = try client.notifications("chat.news", 1)
    #expect(harness.agents.abandoned.isEmpty)
    // It thinks, and goes on when the conversation is given up.
    harness.agents.onWake = { _, _ in }
    let answer = try client.call("agent.chat", ["agent": "climate", "text": "two"]).get()
    _ = try client.call("events.unsubscribe", ["subscription": answer["subscription"] ?? 0]).get()
    _ = try client.call("agent.chat", ["agent": "climate", "text": "three"]).get()
    client.close()
    harness.turn { harness.agents.abandoned.count == 2 }
    #expect(harness.agents.abandoned == harness.agents.woken.suffix(2).map { $0.1.id })
    #expect(harness.models.listening == 0 && harness.events.listening == 0 && harness.agents.following == 0)
  }

  @Test func anEmptyOrTooLongMessageIsRefused() throws {
    let harness = try Harness()
    let client = try harness.connect()
    func refusal(_ text: String) throws -> RPCError? {
      try client.refusal("agent.chat", ["agent": "climate", "text": .string(text)])
    }
    for text in ["", " \n"] { #expect(try refusal(text)?.message == "the message is empty") }
    let message = try #require(try refusal(String(repeating: "x", count: 100_000))?.message)
    let numbers = message.split { $0 == " " || $0 == "," }.compactMap { Int($0) }
    let most = try #require(numbers.last)
    #expect(message == "the message has 100000 bytes, at most \(most) are possible")
    #expect(try refusal(String(repeating: "x", count: most + 1)) != nil && harness.agents.woken.isEmpty)
    #expect(try refusal(String(repeating: "x", count: most)) == nil && harness.agents.woken.count == 1)
  }

  @Test func whatIsRefused() throws {
    let harness = try Harness()
    let client = try harness.connect()
    try harness.agents.setEnabled("idle", false, cause: nil)
    #expect(try client.refusal("agent.chat", ["agent": "idle", "text": "x"]) != nil)
    #expect(try client.refusal("agent.chat", ["agent": "climate"])?.known == .invalidParams)
    let long = String(repeating: "x", count: 100_000)
    #expect(try client.refusal("agent.chat", ["agent": "climate", "text": .string(long)])?.known == .invalidParams)
    #expect(harness.agents.woken.isEmpty && harness.models.listening == 0)
    #expect(try client.refusal("tokens.usage", ["by": "colour"])?.known == .invalidParams)
    let viewer = try Harness(role: .view).connect()
    #expect(try viewer.refusal("agent.chat", ["agent": "climate", "text": "x"]) != nil)
  }

  @Test func modelsAndTheirUseAreShown() throws {
    let harness = try Harness()
    let client = try harness.connect()
    let list = try client.call("models.list").get()
    #expect(list["models"]?.list?.first?["model"] == "local" && list["not_stored"] == .null)
    harness.models.notStored = "the disk is full"
    #expect(try client.call("models.list").get()["not_stored"] == "the disk is full")
    for by in ["agent", "model", "day"] { _ = try client.call("tokens.usage", ["by": .string(by)]).get() }
    _ = try client.call("tokens.usage").get()
    let asked = try client.call("models.transcript", ["agent": "climate", "last": 3]).get()["exchanges"]?.list
    #expect(asked == [["agent": "climate", "left_out": 3]])
    #expect(harness.models.groupings == [.agent, .model, .day, .agent])
  }
}
