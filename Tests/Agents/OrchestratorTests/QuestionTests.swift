import Agent
import AgentInProcess
import HAL
import Model
import OpenStarryAgent
import TestKit
import Testing

@testable import Orchestrator

/// Asks without waiting, and does what the answer says.
private struct Asker: OpenStarryAgent.Agent {
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    switch event.type {
    case "do:ask": try context.send(ModelRequest(prompt: "on?"), as: event["name"]?.string ?? "")
    case "agent:answer":
      context.log("\(event["name"]?.string ?? ""): \(event["text"]?.string ?? event["error"]?.string ?? "")")
      if event["text"]?.string == "again" { try context.send(ModelRequest(prompt: "on?"), as: "again") }
      if event["text"]?.string == "on" { try context.control("fan", .on, lease: .seconds(60)) }
    default: break
    }
  }
}

/// A model that answers when the test says so.
final class LateModel: ModelGateway {
  private var waiting: [UInt64: (Result<ModelAnswer, AgentError>, Cause?) -> Void] = [:]
  private var last: UInt64 = 0
  private(set) var cancelled: [UInt64] = []
  var count: Int { waiting.count }

  func complete(
    _ request: ModelRequest, for caller: ModelCaller,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID {
    last += 1
    waiting[last] = done
    return CompletionID(last)
  }

  func cancel(_ completion: CompletionID) {
    if waiting.removeValue(forKey: completion.number) != nil { cancelled.append(completion.number) }
  }

  func answer(_ text: String) {
    let all = waiting.sorted { $0.key < $1.key }.map(\.value)
    waiting = [:]
    for done in all { done(.success(ModelAnswer(text: text)), nil) }
  }
}

/// Questions to models whose answers come as events.
@Suite struct QuestionTests {
  private let model = LateModel()
  private let world: World

  init() throws {
    world = World(types: [AgentType("asker", Asker.self)], model: model)
    try world.adopt(
      doer("a") {
        $0.runtime.entry = "asker"
        $0.permissions.model = true
        $0.permissions.actuators = [EventPattern("fan")]
      })
  }

  private func ask(_ name: String) throws {
    try world.agents.wakeAgent("a", with: world.log.publish("do:ask", from: "client/test", ["name": .string(name)]))
    world.settle()
  }

  @Test func theAnswerIsAnEvent() throws {
    try ask("q")
    #expect(model.count == 1)
    model.answer("on")
    world.settle()
    #expect(try world.lines("a") == ["q: on"])
    #expect(world.of("device:changed").count == 1)
  }

  @Test func thereAreOnlySoManyAtATime() throws {
    for number in 1...6 { try ask("q\(number)") }
    #expect(model.count == 4)
    model.answer("no")
    world.settle()
    #expect(try world.lines("a").suffix(4) == ["q1: no", "q2: no", "q3: no", "q4: no"])
  }

  @Test func theyEndWhenSomebodyStopsTheAgent() throws {
    try ask("q")
    try world.agents.killAgent("a", now: false, cause: nil) {}
    world.settle()
    #expect(model.cancelled == [1])
  }

  /// What was asked before an emergency stop moves nothing after it, and the agent does not wait for ever.
  @Test func aStopEndsWhatWasAskedBefore() throws {
    try ask("during")
    _ = world.hardware.stopEverything(by: "client/test", reason: nil, cause: nil)
    world.agents.isPaused = true
    let timers = world.clock.waiting
    model.answer("on")
    world.settle()
    // Nothing asks from time to time whether the stop is over.
    #expect(world.clock.waiting == timers)
    #expect(try world.lines("a") == [])
    _ = try world.hardware.clearEmergencyStop(by: "client/test", cause: nil)
    world.agents.isPaused = false
    world.settle()
    #expect(try world.lines("a") == ["during: unavailable: it was asked before the emergency stop"])
    #expect(world.of("device:changed").allSatisfy { $0["state"] != 1.0 })
  }

  @Test func aKillDropsAnswersThatCameDuringAStop() throws {
    try ask("during")
    _ = world.hardware.stopEverything(by: "client/test", reason: nil, cause: nil)
    world.agents.isPaused = true
    model.answer("on")
    var isKilled = false
    try world.agents.killAgent("a", now: true, cause: nil) { isKilled = true }
    world.settle()
    #expect(isKilled)
    _ = try world.hardware.clearEmergencyStop(by: "client/test", cause: nil)
    world.agents.isPaused = false
    world.wait(.seconds(5))
    #expect(try world.lines("a") == [] && world.of("agent:answer").isEmpty)
  }

  @Test func anAnswerCountsUntilItIsDelivered() {
    var questions = Questions()
    for number in 1...4 {
      #expect(!questions.isFull)
      let question = questions.next()
      if number == 1 { questions.asked(question, CompletionID(7)) }
      questions.keep(
        Questions.Answer(name: "q\(number)", result: .success(ModelAnswer(text: "")), cause: nil, stops: 0),
        of: question)
    }
    #expect(questions.isFull)
    #expect(questions.takeAnswers().map(\.name) == ["q1", "q2", "q3", "q4"])
    #expect(!questions.isFull && questions.takeAnswers().isEmpty)
    questions.asked(questions.next(), CompletionID(8))
    let left = questions.endAll()
    #expect(left.count == 1 && left.underWay == [CompletionID(8)] && questions.endAll().count == 0)
  }

  /// An agent that asks again in each answer is no chain of agents.
  @Test func answersAreAsDeepAsTheirQuestions() throws {
    try ask("q")
    for _ in 0..<30 {
      try #require(model.count == 1)
      model.answer("again")
      world.settle()
    }
    #expect(Set(world.of("agent:answer").map(\.depth)).count == 1 && world.of("system:chain_cut").isEmpty)
    // And `why` knows them all.
    let last = try #require(world.of("agent:activated").last)
    #expect(world.log.chain(to: last.id).first?.type == "do:ask")
  }
}
