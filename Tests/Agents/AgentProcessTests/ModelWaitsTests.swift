import Model
import OpenStarryAgent
import Testing

@testable import AgentProcess

/// Questions of a program that wait for a model.
@Suite struct ModelWaitsTests {
  /// A model that answers when the test says so.
  private final class Host: AgentHost {
    var waiting: [UInt64: (Result<ModelAnswer, AgentError>) -> Void] = [:]
    var cancelled: [UInt64] = []
    var isQuick = false
    private var last: UInt64 = 0

    var now: UInt64 { 0 }
    func complete(
      _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
    ) throws(AgentError) -> CompletionID {
      last += 1
      if isQuick { done(.success(ModelAnswer(text: "quick"))) } else { waiting[last] = done }
      return CompletionID(last)
    }
    func cancel(_ completion: CompletionID) { cancelled.append(completion.number) }
    func answer(_ number: UInt64) { waiting.removeValue(forKey: number)?(.success(ModelAnswer(text: "\(number)"))) }

    func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.notFound, sensor) }
    func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
      throw AgentError(.notFound, actuator)
    }
    func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { [] }
    func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { ULID(high: 0, low: 0) }
    func log(_ level: LogLevel, _ message: String) {}
    func state(_ key: String) -> Value? { nil }
    func setState(_ key: String, _ value: Value?) throws(AgentError) {}
    func file(_ path: String) throws(AgentError) -> [UInt8] { [] }
  }

  private let host = Host()
  private let waits = ModelWaits()
  private let request = ModelRequest(prompt: "why?")

  /// The time of the activation stands still from the first question to the last answer.
  @Test func theBeginAndTheEndAreTold() throws {
    var changes: [Bool] = []
    var answers: [String] = []
    waits.onChange = { changes.append($0) }
    for _ in 0..<3 { try waits.ask(host, request) { answers.append((try? $0.get().text) ?? "") } }
    #expect(changes == [true])
    for number in [2, 1, 3] { host.answer(UInt64(number)) }
    #expect(changes == [true, false] && answers == ["2", "1", "3"])
    host.isQuick = true
    try waits.ask(host, request) { answers.append((try? $0.get().text) ?? "") }
    #expect(changes == [true, false] && answers.last == "quick")
  }

  @Test func thereAreOnlySoManyAtATime() throws {
    for _ in 0..<4 { try waits.ask(host, request) { _ in } }
    #expect(throws: AgentError.self) { try waits.ask(host, request) { _ in } }
    host.answer(1)
    try waits.ask(host, request) { _ in }
  }

  /// The model's server is to stop its work when the agent is gone, and nobody hears of it any more.
  @Test func theyEndWithTheAgent() throws {
    var answers = 0
    for _ in 0..<2 { try waits.ask(host, request) { _ in answers += 1 } }
    host.answer(1)
    waits.close(host)
    #expect(host.cancelled == [2] && answers == 1)
    host.answer(2)
    #expect(answers == 1)
  }
}
