import Agent
import Model
import OpenStarryAgent
import Testing

@testable import Orchestrator

/// Calls of models that are hung up while the agent waits for their answers.
@Suite struct HangUpTests {
  private final class Answers {
    var all: [String] = []
  }

  private let model = LateModel()
  private let world: World
  private let answers = Answers()

  init() throws {
    world = World(model: model)
    try world.adopt(slowAgent("a") { $0.permissions.model = true })
  }

  /// Hands the agent an event.
  @discardableResult
  private func wake(_ done: @escaping () -> Void = {}) throws -> Event {
    let event = world.log.publish("do:ask", from: "client/test", [:])
    try world.agents.wakeAgent("a", with: event) { _ in done() }
    world.wait(.seconds(1))
    return event
  }

  private func instance() throws -> SlowInstance { try #require(world.slow.instances.last) }

  /// The agent asks a model, and waits.
  private func ask() throws {
    let answers = answers
    _ = try instance().host.complete(ModelRequest(prompt: "why?")) { result in
      switch result {
      case .success(let answer): answers.all.append(answer.text)
      case .failure(let error): answers.all.append(error.description)
      }
    }
  }

  /// Why the agent may not ask a model; nil when it may.
  private func refusal() throws -> String? {
    let host = try instance().host
    do throws(AgentError) {
      _ = try host.complete(ModelRequest(prompt: "why?")) { _ in }
      return nil
    } catch {
      return error.message
    }
  }

  @Test func anAgentThatWaitsForAModelCanEnd() throws {
    try wake()
    try ask()
    try world.agents.killAgent("a", now: false, cause: nil) {}
    #expect(answers.all == ["unavailable: the agent is being stopped"] && model.cancelled == [1])
    #expect(try refusal() == "the agent is being stopped" && model.count == 0)
    // Its refusal is no failure.
    try instance().finish(.failure(AgentFailure(.error, answers.all[0])))
    #expect(try instance().stops == [false])
    try instance().end()
    let status = try world.agents.agentStatus("a")
    #expect(status.state == .idle && status.ending == .stopped && status.failures == 0 && status.refusals == 1)
    // The next instance may ask.
    try wake()
    #expect(try refusal() == nil && model.count == 1)
    #expect(try world.agents.agentStatus("a").ending == nil)
  }

  @Test func itIsToldWhatBecomesOfIt() throws {
    try wake()
    try ask()
    try world.agents.restartAgent("a", cause: nil)
    #expect(answers.all == ["unavailable: the agent is being restarted"])
    #expect(try world.agents.agentStatus("a").ending == .restarted)
    try instance().finish()
    try instance().end()
    world.wait(.seconds(1))
    #expect(try world.state("a") == .ready)
    #expect(world.slow.instances.count == 2)
    try wake()
    try ask()
    var isGone = false
    try world.agents.killAgent("a", now: true, cause: nil) { isGone = true }
    #expect(try instance().stops == [true])
    #expect(model.cancelled == [1, 2])
    #expect(try world.agents.agentStatus("a").ending == .killed)
    try instance().end()
    #expect(isGone)
  }

  @Test func theEndOfTheDaemonWaitsForNoModel() throws {
    try wake()
    try ask()
    var isOver = false
    world.agents.shutDown { isOver = true }
    #expect(answers.all == ["unavailable: the agent is being stopped"])
    try instance().finish()
    try instance().end()
    #expect(isOver)
  }

  @Test func whoHasAskedMayGo() throws {
    let event = try wake()
    try ask()
    // Another event, which nobody knows.
    world.agents.abandon(ULID(high: 0, low: 1), of: "a", because: "gone")
    #expect(answers.all.isEmpty)
    world.agents.abandon(event.id, of: "a", because: "gone")
    #expect(answers.all == ["unavailable: gone"] && model.cancelled == [1])
    #expect(try refusal() == "gone")
    try instance().finish()
    world.agents.abandon(event.id, of: "a", because: "gone")
    // It lives on, and may ask between events and during the next one.
    #expect(try refusal() == nil)
    #expect(try world.state("a") == .ready)
    try wake()
    #expect(try refusal() == nil && world.slow.instances.count == 1)
  }

  @Test func whatWaitsForNobodyIsDropped() throws {
    try wake()
    var isOver = false
    let event = try wake { isOver = true }
    try ask()
    world.agents.abandon(event.id, of: "a", because: "gone")
    #expect(isOver && answers.all.isEmpty && model.count == 1)
    try instance().finish()
    world.wait(.seconds(1))
    #expect(try instance().handled.count == 1)
    #expect(try world.state("a") == .ready)
    #expect(try world.agents.agentStatus("a").dropped == 1)
  }

  @Test func anAnswerInTimeIsAnAnswer() throws {
    try wake()
    try ask()
    model.answer("yes")
    try world.agents.killAgent("a", now: false, cause: nil) {}
    #expect(answers.all == ["yes"] && model.cancelled.isEmpty)
  }
}
