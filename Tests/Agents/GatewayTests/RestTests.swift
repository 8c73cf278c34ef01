import Agent
import LanguageModel
import LanguageModelClient
import Model
import OpenStarryAgent
import Testing
import Tokens

@testable import Gateway

/// Which model answers, who is left alone, and the bounds of a request.
@Suite struct RestTests {
  /// The first model that does not rest answers; if all do, the call waits for the one that rests the shortest.
  @Test func aCallWaitsForTheShortestRest() throws {
    let desk = Desk([Desk.model("cloud"), Desk.model("local")])
    try desk.ask()
    desk.fail(.refused, status: 429, retryAfter: 20_000)
    desk.fail(.refused, status: 429, retryAfter: 5000)
    #expect(desk.names == ["cloud", "local"] && desk.answers.isEmpty)
    desk.clock.advance(by: .seconds(4))
    #expect(desk.names.count == 2)
    desk.clock.advance(by: .seconds(1))
    #expect(desk.names == ["cloud", "local", "local"])
    desk.say(.text("yes"), .answered(finish: "stop", usage: nil))
    #expect(desk.answer?.model == "local")
  }

  @Test func aModelThatRestsForLongIsNotAsked() throws {
    let desk = Desk([Desk.model("cloud")])
    try desk.ask()
    desk.fail(.refused, status: 429, retryAfter: 600_000)
    try desk.ask()
    #expect(desk.asked.count == 1 && desk.answers.count == 2)
    #expect(desk.error?.code == .limited && desk.error?.retryAfter == .seconds(600))
    #expect(desk.error?.message == "model 'cloud' is left alone for 10 min: it is refused")
    desk.clock.advance(by: .seconds(600))
    try desk.ask()
    #expect(desk.asked.count == 2)
  }

  /// The server may have worked on it, and would be paid again.
  @Test func whatWasPaidIsNotAskedAgain() throws {
    let desk = Desk([Desk.model("cloud")])
    try desk.ask()
    desk.fail(.serverFailed, status: 500)
    #expect(desk.error?.code == .unavailable && desk.asked.count == 1)
    desk.clock.advance(by: .seconds(100))
    #expect(desk.asked.count == 1 && desk.settled.count == 1)
  }

  private func rest(_ desk: Desk) -> Int64? { desk.models.modelRows[0]["rests_ms"]?.int }

  /// Sixteen calls that a server drops when it is restarted are one failure.
  @Test func callsThatFailTogetherAreOneFailure() throws {
    let desk = Desk([Desk.model("cloud")])
    for _ in 0..<16 { try desk.ask() }
    for asked in desk.asked { asked.hear(.failed(LanguageModelFailure(.lost, status: 200, wasSent: true, "lost"))) }
    #expect(rest(desk) == 1000 && desk.answers.count == 16)
    #expect(desk.models.modelRows[0]["failures"] == 16)
  }

  @Test func whatTheServerAskedForIsHeld() throws {
    let desk = Desk([Desk.model("cloud")])
    for _ in 0..<4 { try desk.ask() }
    func fail(_ call: Int, _ retryAfter: UInt32?) {
      let failure = LanguageModelFailure(.refused, status: 429, retryAfter: retryAfter, wasSent: true, "too much")
      desk.asked[call].hear(.failed(failure))
    }
    fail(0, 60_000)
    fail(1, 5000)
    fail(2, nil)
    #expect(rest(desk) == 60_000)
    // Neither does an answer to what it was asked before.
    desk.clock.advance(by: .seconds(1))
    desk.asked[3].hear(.answered(finish: "stop", usage: nil))
    #expect(rest(desk) == 59_000)
  }

  /// A wrong key does not heal in a second, and a request that is wrong says nothing of its model.
  @Test func whoIsAtFaultIsLeftAlone() throws {
    for (kind, status, rests) in [
      (.refused, 401, true), (.refused, 403, true), (.refused, 404, true), (.tls, 0, true), (.noKey, 0, true),
      (.redirected, 301, true), (.malformed, 200, true), (.refused, 400, false), (.refused, 413, false),
      (.refused, 422, false), (.contextExceeded, 400, false), (.invalid, 0, false),
    ] as [(LanguageModelFailure.Kind, UInt16, Bool)] {
      let desk = Desk([Desk.model("cloud")])
      try desk.ask()
      desk.fail(kind, status: status, wasSent: status != 0)
      #expect((rest(desk) != nil) == rests, "\(kind) \(status)")
      #expect((desk.models.modelRows[0]["last_failure"] != .null) == rests, "\(kind) \(status)")
      #expect(desk.error?.code == (rests ? .unavailable : .invalid), "\(kind) \(status)")
    }
  }

  /// A question may lead any model to an answer without end: the others must not suffer for it.
  @Test func anAnswerWithoutEndSaysNothingOfItsModel() throws {
    let desk = Desk([Desk.model("local")])
    try desk.ask()
    desk.fail(.tooLong, status: 200)
    #expect(rest(desk) == nil && desk.error?.code == .unavailable)
    try desk.ask()
    #expect(desk.asked.count == 2)
  }

  /// A wait does not mend a key.
  @Test func nobodyWaitsForWhatOnlyAPersonCanMend() throws {
    let desk = Desk([Desk.model("cloud")])
    try desk.ask()
    desk.fail(.refused, status: 401)
    for count in 2...4 {
      try desk.ask()
      #expect(desk.answers.count == count && desk.asked.count == 1)
    }
    #expect(desk.error?.message == "model 'cloud' is left alone for 1 s: it is refused")
    desk.clock.advance(by: .seconds(1))
    try desk.ask()
    #expect(desk.asked.count == 2)
  }

  // MARK: What it costs

  /// The gateway may be starting again, and has not got the call.
  @Test(arguments: [true, false]) func whatNeverLeftCostsNothing(_ isHanded: Bool) throws {
    let desk = Desk([Desk.model("local")])
    desk.isHanded = isHanded
    desk.models.cancel(try desk.ask())
    #expect(desk.cancelled == [1] && desk.settled.count == (isHanded ? 1 : 0) && desk.released == (isHanded ? [] : [1]))
    try desk.ask()
    // Its model's time, and the daemon's patience.
    desk.clock.advance(by: .seconds(3600))
    #expect(desk.cancelled.prefix(2) == [1, 2])
    #expect((desk.settled[2] != nil) == isHanded && desk.released.contains(2) != isHanded)
  }

  // MARK: Bounds

  @Test func noMoreTokensAreAskedForThanTheAgentWants() throws {
    let desk = Desk([Desk.model("local") { $0.context = 2000 }])
    func most(_ prompt: Int, _ tokens: Int?) throws -> Int64? {
      try desk.ask(ModelRequest(prompt: String(repeating: "a", count: prompt), maxTokens: tokens))
      return desk.asked.last?.body["max_tokens"]?.int
    }
    #expect(try most(10, nil) == 100)
    #expect(try most(10, 5) == 5)
    #expect(try most(3800, nil) == 60)
    #expect(try most(10_000, nil) == 16)
    #expect(try most(10_000, 5) == 5)
    #expect(try most(10, 0) == 1)
    #expect(desk.reserved.allSatisfy { $0.tokens > 0 })
  }

  @Test func anEstimateComesDownAgain() {
    var estimate = TokenEstimate()
    let first = estimate.tokens(bytes: 1024, messages: 1, pictures: 0)
    estimate.learn(bytes: 1024, tokens: 1024, pictures: 0)
    let high = estimate.tokens(bytes: 1024, messages: 1, pictures: 0)
    #expect(high == first + 512)
    estimate.learn(bytes: 1024, tokens: 256, pictures: 0)
    let next = estimate.tokens(bytes: 1024, messages: 1, pictures: 0)
    #expect(next < high && next > first)
    for _ in 0..<100 { estimate.learn(bytes: 1024, tokens: 256, pictures: 0) }
    #expect(estimate.tokens(bytes: 1024, messages: 1, pictures: 0) == first)
  }

  /// A file that a mind writes is an argument.
  @Test func longArgumentsAreCutForPeople() throws {
    let desk = Desk([Desk.model("local")])
    let long = String(repeating: "x", count: 20_000)
    let call = ToolCall(id: "a", name: "fs.write", arguments: ["text": .string(long)])
    try desk.ask(ModelRequest([ChatMessage(.assistant, "", toolCalls: [call])], tools: [ModelTool("fs.write", "")]))
    desk.say(.toolCall(index: 0, id: "b", name: "fs.write"), .arguments(index: 0, "{\"text\": \"\(long)\"}"))
    for index in 1..<10 { desk.say(.toolCall(index: index, id: "", name: "fs.write")) }
    desk.say(.answered(finish: "tool_calls", usage: nil))
    let exchange = try #require(desk.models.transcript(of: nil, last: 1).first)
    let calls = [exchange["messages"]?.list?.first?["tool_calls"]?.list?.first, exchange["tool_calls"]?.list?.first]
    for case let call? in calls { #expect((call["arguments"]?.string?.utf8.count ?? 0) == 4096 + "…".utf8.count) }
    #expect(calls.count == 2 && exchange["tool_calls"]?.list?.count == 8)
    let tools = try #require(desk.events.last?["tools"]?.list)
    #expect(tools.count == 4 && tools.allSatisfy { ($0.string?.utf8.count ?? 200) <= 123 })
    // The agent gets all of it.
    #expect(desk.answer?.toolCalls.count == 10 && desk.answer?.toolCalls.first?.arguments?["text"] == .string(long))
  }
}
