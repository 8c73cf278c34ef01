import Agent
import AgentInProcess
import Model
import OpenStarryAgent
import Testing

/// Counts events, calls its host, and fails on request.
private struct Counter: OpenStarryAgent.Agent {
  var count = 0

  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    count += 1
    context.log("event \(count)")
    if event.type == "test:fail" { throw AgentError(.invalid, "no such thing") }
    if event.type == "test:call" { try context.setState("count", .int(Int64(count))) }
  }

  func snapshot() -> Value { ["count": .int(Int64(count))] }
}

/// Records log lines, and runs `onState` during an activation.
private final class Host: AgentHost {
  var lines: [String] = []
  var onState: (() -> Void)?
  var now: UInt64 { 7 }

  func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.denied, sensor) }
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    throw AgentError(.denied, actuator)
  }
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, camera) }
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
  func log(_ level: LogLevel, _ message: String) { lines.append(message) }
  func state(_ key: String) -> Value? { nil }
  func setState(_ key: String, _ value: Value?) throws(AgentError) { onState?() }
  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

/// Records the calls into agents' code.
private final class Witness: CodeWitness {
  var calls: [String] = []
  func begin(_ call: CodeCall, _ agent: AgentID, _ event: Event?) {
    calls.append("\(call) \(agent) \(event?.type ?? "-")")
  }
  func end() { calls.append("end") }
}

@Suite struct InProcessDriverTests {
  @Test func everyCallIntoAnAgentIsReportedToTheWitness() throws {
    let witness = Witness()
    let driver = InProcessDriver(types: [AgentType("counter", Counter.self)], witness: witness)
    var started: (any AgentInstance)?
    driver.start(manifest("counter"), host: Host(), ended: { _ in }) { started = try? $0.get() }
    let instance = try #require(started)
    instance.activate(Event(id: ULID(high: 1, low: 1), type: "test:fail")) { _ in }
    instance.snapshot { _ in }
    instance.stop(now: false) {}
    instance.stop(now: true) {}
    #expect(
      witness.calls == ["start a -", "end", "activation a test:fail", "end", "snapshot a -", "end", "end a -", "end"])
  }

  private let driver = InProcessDriver(types: [AgentType("counter", Counter.self), AgentType("other", Counter.self)])

  private func manifest(_ entry: String, _ kind: Manifest.Driver = .inProcess) -> Manifest {
    Manifest(id: "a", name: "A", runtime: Manifest.Runtime(driver: kind, entry: entry))
  }

  private func instance(_ host: Host) throws -> any AgentInstance {
    var made: (any AgentInstance)?
    driver.start(manifest("counter"), host: host, ended: { _ in }) {
      if case .success(let instance) = $0 { made = instance }
    }
    return try #require(made)
  }

  private func event(_ type: String) -> Event { Event(id: ULID(high: 0, low: 1), type: type) }

  private func complaint(_ driver: InProcessDriver, _ manifest: Manifest) -> String? {
    do throws(AgentFailure) {
      try driver.validate(manifest)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func errorsForUnknownEntriesListTheLinkedAgents() {
    #expect(complaint(driver, manifest("counter")) == nil)
    #expect(
      complaint(driver, manifest("countr"))
        == "start-failed: no linked agent is called 'countr' (did you mean 'counter'?); linked are 'counter', 'other'")
    #expect(
      complaint(InProcessDriver(types: []), manifest("x"))
        == "start-failed: no linked agent is called 'x'; no agent is linked into this daemon")
    #expect(
      complaint(driver, manifest("counter", .wasm)) == "start-failed: runtime.driver is 'wasm', not 'in-process'")
    var failure: AgentFailure?
    driver.start(manifest("nope"), host: Host(), ended: { _ in }) {
      if case .failure(let error) = $0 { failure = error }
    }
    #expect(failure?.reason == .startFailed)
  }

  @Test func propertiesSurviveActivations() throws {
    let host = Host()
    let instance = try instance(host)
    #expect(instance.pid == nil)
    for _ in 0..<3 {
      var hasSucceeded = false
      instance.activate(event("test:x")) { if case .success = $0 { hasSucceeded = true } }
      #expect(hasSucceeded)
    }
    #expect(host.lines == ["event 1", "event 2", "event 3"])
    var snapshot: Value?
    instance.snapshot { snapshot = $0 }
    #expect(snapshot == ["count": 3])
  }

  @Test func aThrownErrorFailsTheActivationOnly() throws {
    let instance = try instance(Host())
    var failure: AgentFailure?
    instance.activate(event("test:fail")) { if case .failure(let error) = $0 { failure = error } }
    #expect(failure == AgentFailure(.error, "invalid: no such thing"))
    var snapshot: Value?
    instance.snapshot { snapshot = $0 }
    #expect(snapshot == ["count": 1])
  }

  @Test func stopReleasesTheAgentAndItsHost() throws {
    var host: Host? = Host()
    weak let watched = host
    let instance = try instance(host!)
    host = nil
    #expect(watched != nil)
    var stops = 0
    instance.stop(now: false) { stops += 1 }
    #expect(stops == 1)
    #expect(watched == nil)
    var failure: AgentFailure?
    instance.activate(event("test:x")) { if case .failure(let error) = $0 { failure = error } }
    #expect(failure?.message == "agent 'a' cannot take an event: it has ended")
    instance.snapshot { #expect($0 == [:]) }
  }

  @Test func reentrantCallsDuringAnActivation() throws {
    let host = Host()
    let instance = try instance(host)
    var order: [String] = []
    host.onState = { [self] in
      instance.activate(event("test:x")) { if case .failure(let error) = $0 { order.append(error.message) } }
      instance.snapshot { order.append("snapshot \($0)") }
      instance.stop(now: true) { order.append("stopped") }
      order.append("returned")
    }
    instance.activate(event("test:call")) { _ in order.append("completed") }
    #expect(
      order == [
        "agent 'a' cannot take an event: it is handling another event", "snapshot \(Value.map([:]))", "returned",
        "completed", "stopped",
      ])
  }
}
