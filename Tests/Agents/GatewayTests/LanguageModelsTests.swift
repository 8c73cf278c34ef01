import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import TestKit
import Testing
import Tokens

@testable import Gateway

@Suite struct LanguageModelsTests {
  // MARK: Answers

  @Test func anAnswerIsPutTogetherAndPaid() throws {
    let desk = Desk([Desk.model("local") { $0.price = .init(input: 1_000_000, output: 2_000_000) }])
    let cause = Cause(id: ULID(high: 1, low: 1), trace: ULID(high: 1, low: 1), depth: 1)
    try desk.ask(
      ModelRequest(prompt: "how warm?", system: "be brief"), ModelCaller("keeper", parents: ["chief"], cause: cause))
    let body = try #require(desk.asked.first?.body)
    #expect(desk.asked.first?.request.url == "http://127.0.0.1:8080/local/chat/completions")
    #expect(body["max_tokens"] == 100 && body["stream"] == true && body["stream_options"]?["include_usage"] == true)
    #expect(body["messages"]?.list?.map { $0["role"]?.string } == ["system", "user"])
    #expect(body["tools"] == nil && body["response_format"] == nil)
    #expect(desk.reserved.first?.accounts == ["agent/keeper", "agent/chief", "board"])
    desk.say(
      .text("thirty "), .text("degrees"),
      .answered(finish: "stop", usage: LanguageModelUsage(prompt: 20, completion: 5)))
    #expect(
      desk.answer
        == ModelAnswer(
          text: "thirty degrees", finish: "stop", promptTokens: 20, answerTokens: 5, model: "local"))
    #expect(desk.settled[1] == TokenUsage(prompt: 20, completion: 5, money: 30))
    let event = try #require(desk.events.last)
    #expect(event.type == "model:answered" && event.cause == cause.id && event["text"] == "thirty degrees")
    // What the agent does next is due to the answer.
    #expect(desk.causes.last??.id == event.id)
  }

  @Test func callsOfToolsComeInPieces() throws {
    let desk = Desk([Desk.model("local")])
    try desk.ask(ModelRequest([ChatMessage(.user, "hot")], tools: [ModelTool("set_fan", "sets the fan")]))
    #expect(desk.asked.last?.body["parallel_tool_calls"] == false)
    #expect(desk.asked.last?.body["tools"]?.list?.first?["function"]?["name"] == "set_fan")
    desk.say(
      .toolCall(index: 0, id: "a", name: "set_fan"), .arguments(index: 0, "{\"le"), .arguments(index: 0, "vel\":1}"),
      .toolCall(index: 1, id: "a", name: "set_fan"), .arguments(index: 1, "{"),
      .toolCall(index: 2, id: "", name: "rm"), .answered(finish: "tool_calls", usage: nil))
    #expect(
      desk.answer?.toolCalls == [
        ToolCall(id: "a", name: "set_fan", arguments: ["level": 1]),
        ToolCall(id: "call_2", name: "set_fan", arguments: nil),
        ToolCall(id: "call_3", name: "rm", arguments: [:]),
      ])
    // Without a usage everything that was reserved counts.
    #expect(desk.settled[1] == .some(nil))
  }

  /// OpenAI's own API refuses dots in names.
  @Test func namesOfToolsAreWhatServersTake() throws {
    let desk = Desk([Desk.model("cloud")])
    let tools = ["fs.read", "fs_read", "mcp.a.b"].map { ModelTool($0, "") }
    let call = ToolCall(id: "x", name: "fs.list", arguments: [:])
    try desk.ask(ModelRequest([ChatMessage(.assistant, "", toolCalls: [call])], tools: tools))
    let body = desk.asked.last?.body
    #expect(body?["tools"]?.list?.map { $0["function"]?["name"]?.string } == ["fs__read", "fs_read", "mcp__a__b"])
    #expect(
      body?["messages"]?.list?.first?["tool_calls"]?.list?.first?["function"]?["name"] == "fs__list")
    desk.say(
      .toolCall(index: 0, id: "a", name: "fs__read"), .toolCall(index: 1, id: "b", name: "mcp__a__b"),
      .toolCall(index: 2, id: "c", name: "fs.read"), .toolCall(index: 3, id: "d", name: "other__x"),
      .answered(finish: "tool_calls", usage: nil))
    #expect(desk.answer?.toolCalls.map(\.name) == ["fs.read", "mcp.a.b", "fs.read", "other__x"])
  }

  @Test func aModelThatKnowsNoToolsIsGivenASchema() throws {
    let desk = Desk([Desk.model("small") { $0.tools = .schema }])
    let parameters: Value = ["type": "object", "properties": ["why": ["type": "string"], "level": ["type": "number"]]]
    let tool = ModelTool("set_fan", "sets the fan", parameters: parameters)
    try desk.ask(
      ModelRequest(
        [
          ChatMessage(.user, "hot"),
          ChatMessage(.assistant, "", toolCalls: [ToolCall(id: "x", name: "set_fan", arguments: ["level": 2])]),
          ChatMessage(.tool, "level is too high", toolCallID: "x"),
        ], tools: [tool]))
    let body = try #require(desk.asked.last?.body)
    #expect(body["tools"] == nil)
    let forms = body["response_format"]?["json_schema"]?["schema"]?["oneOf"]?.list
    #expect(forms?.count == 2 && forms?.last?["properties"]?["tool"]?["const"] == "set_fan")
    #expect(forms?.last?["properties"]?["arguments"]?["properties"]?["why"]?["maxLength"] == 200)
    #expect(body["messages"]?.list?.map { $0["role"]?.string } == ["system", "user", "assistant", "user"])
    #expect(body["messages"]?.list?.allSatisfy { $0["tool_calls"] == nil } == true)
    desk.say(.text(#"{"tool": "set_fan", "arguments": {"level": 1}}"#), .answered(finish: "stop", usage: nil))
    #expect(desk.answer?.toolCalls == [ToolCall(id: "call_1", name: "set_fan", arguments: ["level": 1])])
    #expect(desk.answer?.text == "")
    try desk.ask(ModelRequest([ChatMessage(.user, "hot")], tools: [tool]))
    desk.say(.text(#"{"answer": "it is on"}"#), .answered(finish: "stop", usage: nil))
    #expect(desk.answer?.text == "it is on")
    try desk.ask(ModelRequest([ChatMessage(.user, "hot")], tools: [tool]))
    desk.say(.text("well, "), .answered(finish: "length", usage: nil))
    #expect(desk.answer?.text == "well, " && desk.answer?.toolCalls == [])
  }

  @Test func picturesGoToModelsThatSee() throws {
    let question = ModelRequest([ChatMessage(.user, "who is there?", pictures: [[0xFF, 0xD8]])])
    let desk = Desk([Desk.model("seer"), Desk.model("blind") { $0.sees = false }])
    try desk.ask(question)
    let parts = desk.asked.last?.body["messages"]?.list?.first?["content"]?.list
    #expect(parts?.last?["image_url"]?["url"] == "data:image/jpeg;base64,/9g=")
    var other = question
    other.model = "blind"
    try desk.ask(other)
    #expect(desk.asked.last?.body["messages"]?.list?.first?["content"]?.string?.contains("cannot see") == true)
    #expect(desk.reserved[0].tokens > desk.reserved[1].tokens + 1000)
  }

  // MARK: Failures

  @Test func theNextModelAnswersWhenTheFirstCannotBeReached() throws {
    let desk = Desk([Desk.model("cloud"), Desk.model("local")])
    try desk.ask()
    desk.fail(.unreachable, wasSent: false)
    #expect(desk.names == ["cloud", "local"] && desk.released == [1])
    desk.say(.text("yes"), .answered(finish: "stop", usage: LanguageModelUsage(prompt: 10, completion: 1)))
    #expect(desk.answer?.model == "local")
    #expect(desk.events.map(\.type) == ["model:failed", "model:answered"])
    // For a while the first one is not tried first.
    try desk.ask()
    #expect(desk.names.last == "local")
    desk.say(.answered(finish: "stop", usage: nil))
    desk.clock.advance(by: .seconds(5))
    try desk.ask()
    #expect(desk.names.last == "cloud")
  }

  @Test func anOverloadedServerIsAskedAgainWhenItSays() throws {
    let desk = Desk([Desk.model("cloud")])
    try desk.ask()
    desk.fail(.refused, status: 429, retryAfter: 7000)
    #expect(desk.asked.count == 1 && desk.answers.isEmpty && desk.released == [1])
    desk.clock.advance(by: .seconds(6))
    #expect(desk.asked.count == 1)
    desk.clock.advance(by: .seconds(1))
    #expect(desk.asked.count == 2)
    desk.fail(.refused, status: 429, retryAfter: 600_000)
    #expect(desk.error?.code == .limited && desk.error?.retryAfter == .seconds(600))
  }

  @Test func whatTheServerMayHaveWorkedOnCounts() throws {
    for (kind, status, isCharged) in [
      (.serverFailed, 500, true), (.timedOut(.idle), 200, true), (.lost, 200, true), (.malformed, 200, true),
      (.refused, 401, false), (.refused, 400, false), (.serverFailed, 503, false), (.tls, 0, false),
    ] as [(LanguageModelFailure.Kind, UInt16, Bool)] {
      let desk = Desk([Desk.model("cloud")])
      try desk.ask()
      desk.fail(kind, status: status, wasSent: status != 0)
      #expect(desk.settled.isEmpty != isCharged && desk.released.isEmpty == isCharged, "\(kind) \(status)")
      let charged = desk.events.last?["charged_tokens"]?.int ?? -1
      #expect(isCharged ? charged == desk.reserved[0].tokens : charged == 0, "\(kind) \(status)")
    }
  }

  @Test func aWrongRequestIsTheAgentsFault() throws {
    let desk = Desk([Desk.model("local")])
    for (kind, status) in [(.contextExceeded, 400), (.refused, 400), (.invalid, 0)]
      as [(LanguageModelFailure.Kind, UInt16)]
    {
      try desk.ask()
      desk.fail(kind, status: status, wasSent: status != 0)
      #expect(desk.error?.code == .invalid, "\(kind)")
    }
    #expect(throws: AgentError.self) { try desk.ask(ModelRequest([])) }
    #expect(throws: AgentError.self) { try desk.ask(ModelRequest([ChatMessage(.user, "x")], model: "none")) }
  }

  @Test func endlessAnswersAreCut() throws {
    let desk = Desk([Desk.model("local")])
    try desk.ask()
    for _ in 0..<300 { desk.say(.text(String(repeating: "a", count: 1024))) }
    #expect(desk.cancelled.first == 1 && desk.error != nil && desk.settled[1] == .some(nil))
    desk.clock.advance(by: .seconds(1))
    try desk.ask()
    for index in 0..<40 { desk.say(.toolCall(index: index, id: "", name: "x")) }
    #expect(desk.cancelled.last == 2 && desk.answers.count == 2)
  }

  /// Whatever servers do, a call ends after a few attempts.
  @Test(arguments: 0..<200) func everyCallEnds(_ seed: Int) throws {
    var chance = SeededGenerator(UInt64(seed))
    let desk = Desk((0...Int.random(in: 0...3, using: &chance)).map { Desk.model("m\($0)") })
    try desk.ask()
    var kinds = LanguageModelFailure.Kind.plain
    kinds += LanguageModelFailure.Limit.allCases.map { .timedOut($0) }
    var told = 0
    while desk.answers.isEmpty {
      told += 1
      try #require(told < 100)
      if desk.asked.count + desk.cancelled.count < told { desk.clock.advance(by: .seconds(10)) }
      let kind = kinds.randomElement(using: &chance) ?? .lost
      let status: UInt16 = [0, 200, 400, 401, 429, 500, 503].randomElement(using: &chance) ?? 0
      desk.fail(kind, status: status, retryAfter: Bool.random(using: &chance) ? 5000 : nil, wasSent: status != 0)
      desk.clock.advance(by: .seconds(31))
    }
    #expect(desk.answers.count == 1)
    #expect(desk.settled.count + desk.released.count == desk.reserved.count)
  }

  // MARK: Lies

  @Test func aServerThatLiesAboutItsUsageIsNotBelieved() throws {
    let desk = Desk([Desk.model("local")])
    try desk.ask()
    desk.say(
      .text(String(repeating: "word ", count: 100)),
      .answered(finish: "stop", usage: LanguageModelUsage(prompt: 0, completion: 0)))
    #expect((desk.answer?.answerTokens ?? 0) >= 31)
    try desk.ask()
    desk.say(.text("a"), .answered(finish: "stop", usage: LanguageModelUsage(prompt: .max, completion: .max)))
    #expect((desk.answer?.tokens ?? .max) < 3000)
    // What it counts raises the next estimate, within reason.
    let long = ModelRequest(prompt: String(repeating: "7", count: 1000))
    try desk.ask(long)
    let before = desk.reserved.last?.tokens ?? 0
    desk.say(.answered(finish: "stop", usage: LanguageModelUsage(prompt: 1000, completion: 1)))
    try desk.ask(long)
    let after = desk.reserved.last?.tokens ?? 0
    #expect(after > before && after <= 1200 + 100)
  }

  // MARK: Budgets

  private var shortage: TokenRefusal {
    .overLimit(
      TokenShortage(
        account: "agent/keeper", limit: TokenLimit(.tokens, 100, per: .seconds(3600)), used: 90, inFlight: 0,
        asked: 120, remedy: .nextWindow(.seconds(60))))
  }

  @Test func aCallBeyondTheBudgetIsRefused() throws {
    let desk = Desk([Desk.model("local")])
    desk.refusal = shortage
    try desk.ask()
    #expect(desk.error?.code == .limited && desk.error?.retryAfter == .seconds(60) && desk.asked.isEmpty)
    #expect(desk.events.last?.type == "model:refused" && desk.events.last?["waits"] == false)
  }

  @Test func orItWaits() throws {
    let desk = Desk([Desk.model("local")])
    desk.refusal = shortage
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", waitsForBudget: true))
    #expect(desk.answers.isEmpty && desk.events.last?["waits"] == true)
    desk.clock.advance(by: .seconds(60))
    #expect(desk.answers.isEmpty && desk.events.count == 1)
    desk.refusal = nil
    desk.clock.advance(by: .seconds(60))
    #expect(desk.asked.count == 1)
    // One that can never fit does not wait.
    desk.refusal = .overLimit(
      TokenShortage(
        account: "board", limit: TokenLimit(.tokens, 100), used: 0, inFlight: 0, asked: 120, remedy: .never))
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", waitsForBudget: true))
    #expect(desk.error?.code == .limited && desk.error?.retryAfter == nil)
  }

  @Test func whatIsNearlyUsedUpIsSaid() throws {
    let desk = Desk([Desk.model("local")])
    var status = TokenLimitStatus(
      limit: TokenLimit(.money, 500_000, per: .seconds(86_400)), used: 400_000, inFlight: 0, windowEnds: .seconds(60),
      level: .warned)
    _ = desk.models
    desk.onNotice(TokenNotice(account: "agent/keeper", status: status))
    status.level = .exhausted
    desk.onNotice(TokenNotice(account: "board", status: status))
    status.level = .normal
    desk.onNotice(TokenNotice(account: "board", status: status))
    desk.onProblem("the disk is full")
    #expect(desk.models.notStored == "the disk is full")
    desk.onProblem(nil)
    #expect(desk.models.notStored == nil)
    #expect(
      desk.events.map(\.type) == ["budget:warning", "budget:throttled", "budget:recovered", "model:not_stored"])
    #expect(desk.events[0]["agent"] == "keeper" && desk.events[1]["agent"] == nil)
    #expect(desk.events[0]["budget"] == "money" && desk.events[0]["limit"] == 500_000)
  }

  @Test func whatWasSaidIsKeptWithinABound() throws {
    let desk = Desk([Desk.model("local")])
    for number in 0..<200 {
      try desk.ask(
        ModelRequest(
          [
            ChatMessage(.system, String(repeating: "s", count: 3000)),
            ChatMessage(.user, "question \(number)", pictures: [[1, 2, 3]]),
          ]), ModelCaller(number % 2 == 0 ? "keeper" : "other"))
      desk.say(.text("answer \(number)"), .answered(finish: "stop", usage: nil))
    }
    let all = desk.models.transcript(of: nil, last: 100)
    #expect((5...60).contains(all.count) && all.last?["text"] == "answer 199")
    #expect(all.reduce(0) { $0 + Value.map($1).memory } <= 65_536)
    let own = desk.models.transcript(of: "keeper", last: 2)
    #expect(own.map { $0["text"] } == ["answer 196", "answer 198"])
    #expect(own.last?["messages"]?.list?.last?["pictures"] == 1)
    let silent = LanguageModels(
      [Desk.model("local")], clock: desk.clock, server: desk, ledger: desk, events: desk, transcript: 0)
    _ = try silent.complete(ModelRequest(prompt: "x"), for: ModelCaller("keeper")) { _, _ in }
    desk.say(.text("y"), .answered(finish: "stop", usage: nil))
    #expect(silent.transcript(of: nil, last: 10).isEmpty)
  }

  // MARK: Who is asked

  @Test func whoIsAskedFirst() throws {
    let desk = Desk([Desk.model("cloud"), Desk.model("local")])
    try desk.ask(ModelRequest([ChatMessage(.user, "x")], model: "local"))
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", model: "local"))
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", model: "gpt-unknown"))
    let own = Desk.model("own")
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", own: own, model: "gpt-unknown"))
    // A mind passes on what its manifest says.
    try desk.ask(
      ModelRequest([ChatMessage(.user, "x")], model: "gpt-unknown"),
      ModelCaller("keeper", own: own, model: "gpt-unknown"))
    #expect(desk.names == ["local", "local", "cloud", "own", "own"])
    #expect(throws: AgentError.self) { try Desk([]).ask() }
    #expect(desk.models.modelRows.map { $0["model"] } == ["cloud", "local", "own"])
    #expect(desk.models.modelRows.map { $0["from"] } == ["settings", "settings", "manifest"])
  }

  @Test func aCancelledCallIsEndedAndPaid() throws {
    let desk = Desk([Desk.model("local")])
    let id = try desk.ask()
    desk.say(.text("so"))
    desk.models.cancel(id)
    desk.models.cancel(id)
    #expect(desk.cancelled == [1] && desk.settled[1] == .some(nil) && desk.answers.isEmpty)
  }

  /// As many as the gateway's program makes; the others have their turn in order, and those that wait for a budget hold
  /// nobody up.
  @Test func theOthersWaitForTheirTurn() throws {
    let desk = Desk([Desk.model("local")])
    desk.refusal = shortage
    for _ in 0..<20 { try desk.ask(ModelRequest(prompt: "x"), ModelCaller("poor", waitsForBudget: true)) }
    desk.refusal = nil
    var ids: [CompletionID] = []
    for number in 0..<50 { ids.append(try desk.ask(ModelRequest(prompt: "\(number)"))) }
    #expect(desk.asked.count == 16 && desk.reserved.count == 16)
    desk.models.cancel(ids[17])
    func prompt(_ index: Int) -> String? { desk.asked[index].body["messages"]?.list?.first?["content"]?.string }
    for number in 0..<49 {
      desk.asked[number].hear(.answered(finish: "stop", usage: nil))
      desk.clock.advance(by: .zero)
    }
    #expect(desk.answers.count == 49 && desk.asked.count == 49)
    #expect((0..<49).map(prompt) == (0..<50).filter { $0 != 17 }.map { "\($0)" })
    // One that is cancelled makes room, too.
    for _ in 0..<17 { ids.append(try desk.ask()) }
    desk.models.cancel(ids[50])
    desk.clock.advance(by: .zero)
    #expect(desk.asked.count == 49 + 17)
  }

  /// The next call finds the budgets as this one leaves them, and one that is refused at once begins no other within itself.
  @Test func theNextOneBeginsWhenThisOneIsSettled() throws {
    let desk = Desk([Desk.model("local")])
    for _ in 0..<17 { try desk.ask() }
    for _ in 0..<400 { try desk.ask(ModelRequest(prompt: "x"), ModelCaller("poor")) }
    desk.asked[0].hear(.answered(finish: "stop", usage: LanguageModelUsage(prompt: 20, completion: 5)))
    #expect(desk.settled.count == 1 && desk.reserved.count == 16)
    desk.clock.advance(by: .zero)
    #expect(desk.reserved.count == 17)
    desk.refusal = shortage
    desk.asked[1].hear(.failed(LanguageModelFailure(.refused, status: 400, wasSent: true, "it is wrong")))
    #expect(desk.answers.count == 2)
    desk.clock.advance(by: .zero)
    #expect(desk.answers.count == 402)
  }

  @Test func nothingBeginsWhenTheDaemonEnds() throws {
    let desk = Desk([Desk.model("local")])
    for _ in 0..<40 { try desk.ask() }
    desk.models.close {}
    desk.clock.advance(by: .seconds(100))
    #expect(desk.asked.count == 16 && desk.reserved.count == 16 && desk.settled.count == 16)
    #expect(desk.answers.isEmpty && desk.events.isEmpty)
    #expect(throws: AgentError.self) { try desk.ask() }
  }

  @Test func thereAreOnlySoMany() throws {
    let desk = Desk([Desk.model("local")])
    for _ in 0..<512 { try desk.ask() }
    #expect(throws: AgentError.self) { try desk.ask() }
  }

  /// The program that asks may hang.
  @Test func theDaemonGivesUpItself() throws {
    let desk = Desk([Desk.model("local") { $0.timeout = .seconds(20) }, Desk.model("other")])
    try desk.ask()
    desk.clock.advance(by: .seconds(36))
    #expect(desk.cancelled == [1] && desk.settled[1] == .some(nil) && desk.names == ["local", "other"])
    desk.say(.text("yes"), .answered(finish: "stop", usage: nil))
    desk.clock.advance(by: .seconds(1000))
    #expect(desk.answer?.text == "yes" && desk.cancelled == [1])
  }

  /// A mind that asks twenty times is no chain of twenty agents.
  @Test func roundsOfOneActivationAreOneHop() throws {
    let desk = Desk([Desk.model("local")])
    var cause = Cause(id: ULID(high: 1, low: 1), trace: ULID(high: 1, low: 1), depth: 3)
    for _ in 0..<20 {
      try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", cause: cause))
      desk.say(.answered(finish: "stop", usage: nil))
      cause = try #require(desk.causes.last ?? nil)
    }
    #expect(cause.depth == 3 && cause.id == desk.events.last?.id)
  }

  @Test func moneyThatIsUsedUpLeavesModelsThatCostNothing() throws {
    let desk = Desk([Desk.model("dear") { $0.price = .init(input: 1, output: 1) }, Desk.model("free")])
    desk.refusal = .overLimit(
      TokenShortage(
        account: "agent/keeper", limit: TokenLimit(.money, 10, per: .seconds(3600)), used: 10, inFlight: 0, asked: 5,
        remedy: .nextWindow(.seconds(60))))
    desk.refusesOnce = true
    try desk.ask()
    #expect(desk.names == ["free"] && desk.answers.isEmpty)
    // Nobody waits for the other one.
    desk.fail(.refused, status: 404)
    #expect(desk.error?.code == .unavailable)
  }

  /// The free model fails, and the agent waits for its budget.
  @Test func aModelThatWasPassedOverIsWaitedFor() throws {
    let desk = Desk([Desk.model("dear") { $0.price = .init(input: 1, output: 1) }, Desk.model("free")])
    desk.refusal = .overLimit(
      TokenShortage(
        account: "agent/keeper", limit: TokenLimit(.money, 10, per: .seconds(3600)), used: 10, inFlight: 0, asked: 5,
        remedy: .nextWindow(.seconds(60))))
    desk.refusesOnce = true
    try desk.ask(ModelRequest(prompt: "x"), ModelCaller("keeper", waitsForBudget: true))
    desk.fail(.refused, status: 404)
    #expect(desk.answers.isEmpty && desk.events.last?.type == "model:refused" && desk.events.last?["waits"] == true)
    desk.clock.advance(by: .seconds(60))
    #expect(desk.names == ["free", "dear"])
    desk.say(.text("yes"), .answered(finish: "stop", usage: nil))
    #expect(desk.answer?.model == "dear")
  }
}
