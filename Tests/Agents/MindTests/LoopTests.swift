import OpenStarryAgent
import Testing

@testable import MindAgent

/// The loop: how an event becomes tool calls, and how each bound ends it.
@Suite struct LoopTests {
  @Test func anEventBecomesACallAndAnAnswer() throws {
    let host = ScriptedHost([.calls(.fan()), ModelAnswer(text: "Fan on.", promptTokens: 120, answerTokens: 4)])
    var bench = Bench(host)
    try bench.handle()
    #expect(host.effects == ["control fan on 60.0 seconds"])
    #expect(bench.end == .answered)
    #expect(
      bench.report == [
        "events": 1, "model_calls": 2, "tool_calls": 1, "failures": 0, "prompt_tokens": 220, "answer_tokens": 14,
        "last_end": "answered", "last_answer": "Fan on.",
      ])
    // The second request repeats the call, with the tool's answer after it.
    let messages = host.requests[1].messages
    #expect(messages.map(\.role) == [.system, .user, .assistant, .tool])
    #expect(messages[2].toolCalls == [.fan()] && messages[3].toolCallID == "c1")
    #expect(host.requests[1].toolAnswers == [["ok": true, "state": 1.0, "previous": 0.0, "confirmed": true]])
  }

  @Test func settingsReachTheModel() throws {
    let host = ScriptedHost([])
    host.mind = ["model": "big", "temperature": 0.5, "max_tokens": 77, "guide": "You keep the house."]
    var bench = Bench(host)
    try bench.handle()
    let request = host.requests[0]
    #expect(request.model == "big" && request.temperature == 0.5 && request.maxTokens == 77)
    #expect(request.messages[0].text.hasPrefix("You keep the house.\n\n"))
    #expect(request.messages[1].text.contains("2026-07-01T04:05:06Z"))
    #expect(request.messages[1].text.contains(#""fan":"off""#), "the state of the devices now")
  }

  @Test func refusalsAreExplainedAndMayBeFollowedBySuccess() throws {
    let host = ScriptedHost([.calls(.fan()), .calls(.fan(id: "c2")), ModelAnswer(text: "on")])
    host.refusals = [AgentError(.busy, "'fan' is held by client/ada", retryAfter: .milliseconds(24_500))]
    var bench = Bench(host)
    try bench.handle()
    #expect(
      host.requests[1].toolAnswers == [
        ["ok": false, "error": "busy: 'fan' is held by client/ada", "retry_after_s": 25]
      ])
    #expect(host.effects == ["control fan on 60.0 seconds"] && bench.end == .answered)
    #expect(bench.report["failures"] == 1)
  }

  @Test(arguments: TurnEnd.allCases) func everyBoundEndsTheWork(_ end: TurnEnd) throws {
    var turn = 0
    let host = ScriptedHost { (_, number) throws(AgentError) in
      turn = number
      func read(_ id: Value) -> ModelAnswer { .calls(ToolCall("getSensorData", ["id": id])) }
      switch end {
      case .answered: return ModelAnswer(text: "x")
      case .cut: return .calls(.fan(), finish: "length")
      case .toolRounds, .loopTicks: return read("temperature")
      case .repetitiveFail: return read("nothing")
      case .frustration: return read(.string("nothing \(number)"))
      case .errorRate: return read(number % 4 == 0 ? "temperature" : .string("nothing \(number)"))
      case .tooLong: return ModelAnswer(text: String(repeating: "x", count: 500_000), toolCalls: [.fan()])
      case .notAccepted: throw AgentError(.invalid, "the request has 9000 tokens")
      case .refused: throw AgentError(.limited, "budget.tokens is used up")
      }
    }
    host.mind = ["max_tool_rounds": end == .toolRounds ? 10 : 1000, "max_loop_ticks": 50, "error_rate_threshold": 0.7]
    var bench = Bench(host)
    if end == .refused {
      #expect(throws: AgentError(.limited, "budget.tokens is used up")) { try bench.handle() }
    } else {
      try bench.handle()
    }
    #expect(bench.end == end)
    let calls: [TurnEnd: Int] = [
      .answered: 1, .cut: 1, .toolRounds: 11, .loopTicks: 50, .repetitiveFail: 3, .frustration: 5, .errorRate: 10,
      .tooLong: 12, .notAccepted: 1, .refused: 1,
    ]
    #expect(turn + 1 == calls[end])
    // What is cut may be half a call.
    if end == .cut { #expect(host.effects.isEmpty) }
    if end != .answered && end != .refused { #expect(host.logs.contains { $0.contains(end.sentence) }) }
  }

  @Test func callsBeyondTheBoundAreNotCarriedOut() throws {
    let many = (0..<1000).map { ToolCall.fan(id: "c\($0)") }
    let host = ScriptedHost([ModelAnswer(text: "", toolCalls: many), ModelAnswer(text: "")])
    host.mind = ["max_concurrent_tools": 2]
    var bench = Bench(host)
    try bench.handle()
    #expect(host.effects.count == 2)
    let answers = host.requests[1].toolAnswers
    #expect(answers.count == 6 && answers[1]["ok"] == true && answers[2]["ok"] == false)
    #expect(answers[2]["error"]?.string?.contains("at most 2 in one answer") == true)
    // Every call that the conversation has is answered.
    #expect(host.requests[1].messages[2].toolCalls.count == 6)
    #expect(bench.report["failures"] == 0)
  }

  @Test func idsAreMadeUnique() throws {
    let host = ScriptedHost([
      ModelAnswer(text: "", toolCalls: [.fan(id: "a"), .fan("off", id: "a"), .fan(id: ""), .fan(id: "<x>")]),
      .calls(.fan(id: "a")),
    ])
    host.mind = ["max_concurrent_tools": 8]
    var bench = Bench(host)
    try bench.handle()
    #expect(host.effects.count == 4, "one of the two with the same id is not carried out")
    let ids = host.requests[2].messages.flatMap(\.toolCalls).map(\.id)
    #expect(ids == ["a", "call00001", "call00002", "call00003", "call00004"])
    #expect(host.requests[2].messages.filter { $0.role == .tool }.map(\.toolCallID) == ids)
  }

  @Test func aConversationThatIsTooLongForTheModelLosesItsHistory() throws {
    let host = ScriptedHost { (request, _) throws(AgentError) in
      if request.messages.count > 4 { throw AgentError(.invalid, "exceed_context_size_error") }
      return ModelAnswer(text: "fine")
    }
    var bench = Bench(host)
    for _ in 0..<4 {
      try bench.handle()
      #expect(bench.end == .answered)
    }
    #expect(host.requests.map(\.messages.count) == [2, 4, 6, 2, 8, 2])
  }

  @Test func aCallThatTakesTooLongCountsAsFailed() throws {
    let host = ScriptedHost { (_, _) in .calls(.fan()) }
    host.mind = ["tool_timeout_ms": 100]
    host.delay = 200_000_000
    var bench = Bench(host)
    try bench.handle()
    #expect(bench.end == .repetitiveFail && host.effects.count == 3)
    // Nothing false is said: the command was carried out.
    #expect(host.requests[1].toolAnswers.first?["ok"] == true)
    #expect(host.logs.contains { $0.contains("longer than toolTimeout") })
  }

  @Test func withoutCognitionItRefuses() throws {
    final class Plain: AgentHost {
      var now: UInt64 { 0 }
      func surroundings() throws(AgentError) -> Value { ["mind": nil] }
      func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.denied, "") }
      func control(_ id: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
        throw AgentError(.denied, "")
      }
      func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { [] }
      func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, "") }
      func log(_ level: LogLevel, _ message: String) {}
      func state(_ key: String) -> Value? { nil }
      func setState(_ key: String, _ value: Value?) throws(AgentError) {}
      func file(_ path: String) throws(AgentError) -> [UInt8] { [] }
    }
    var mind = MindAgent(data: nil) { _ in }
    var context = Context(agent: "x", host: Plain())
    #expect(throws: AgentError.self) { try mind.handle(Event(id: ULID(high: 1, low: 1), type: "a:b"), &context) }
  }
}
