import OpenStarryAgent
import Testing

@Suite struct AgentContextTests {
  private struct Quiet: Agent {
    mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
      context.log("seen \(event.type)", .notice)
      try context.control("fan", .level(0.4), lease: .seconds(5))
      try context.emit("a:b")
    }
  }

  /// Records the calls that reach it.
  private final class Host: AgentHost {
    var calls: [String] = []
    var now: UInt64 { 42 }
    func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.unavailable, sensor) }
    func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
      calls.append("\(actuator) \(command) \(lease ?? .zero)")
      return Receipt(id: ULID(high: 0, low: 0), state: 0.4, previous: 0, at: 42)
    }
    func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.unavailable, camera) }
    func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
    func log(_ level: LogLevel, _ message: String) { calls.append("\(level) \(message)") }
    func state(_ key: String) -> Value? { nil }
    func setState(_ key: String, _ value: Value?) throws(AgentError) {}
    func file(_ path: String) throws(AgentError) -> [UInt8] { [] }
  }

  @Test func everyCallReachesTheHost() {
    let host = Host()
    var context = Context(agent: "q", host: host)
    var agent = AgentType("quiet", Quiet.self).make()
    var caught: AgentError?
    do throws(AgentError) {
      try agent.handle(Event(id: ULID(high: 0, low: 1), type: "x:y"), &context)
    } catch {
      caught = error
    }
    #expect(caught?.description == "denied: a:b")
    #expect(host.calls == ["notice seen x:y", "fan level 0.4 5.0 seconds"])
    #expect(context.now == 42)
    #expect(agent.snapshot() == [:])
  }
}
