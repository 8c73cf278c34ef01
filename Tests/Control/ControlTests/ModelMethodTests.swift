import Agent
import Model
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

  func say(_ text: String, in trace: ULID?) {
    for hear in listeners.values { hear(ModelText(agent: "climate", trace: trace, text: text)) }
  }
}

@Suite struct ModelMethodTests {
  private func answered(_ harness: Harness, _ cause: Event, tools: [String] = []) {
    let call = ModelEvents.Call(
      "climate", model: "local", promptTokens: 9, answerTokens: 2, first: .milliseconds(1), total: .milliseconds(2))
    harness.events.publish(
      ModelEvents.answered(call, finish: "stop", tools: tools, text: ""), from: "agent/climate", cause: Cause(cause))
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
    }
    _ = try client.call("agent.chat", ["agent": "climate", "text": "how warm?"]).get()
    let event = try #require(harness.agents.woken.last?.1)
    harness.models.say(" degrees", in: event.trace)
    answered(harness, event)
    finish()
    let news = try client.notifications("chat.news", 6)
    #expect(news.map { $0["kind"]?.string } == ["text", "answered", "text", "text", "answered", "end"])
    #expect(news[1]["tools"] == ["getSensorData {}"] && news[1]["prompt_tokens"] == 9)
    // What it says while it asks for tools is no answer.
    #expect(news.last?["text"] == "thirty degrees" && news.last?["error"] == .null)
    client.close()
    harness.settle()
    #expect(harness.models.listening == 0 && harness.events.listening == 0)
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
