import Agent
import AgentWASM
import HAL
import HALSimulated
import IsolationTestKit
import Model
import Orchestrator
import Testing

/// A module that traps while it reports its state: the supervisor starts another instance, and no event is lost.
@Suite(.enabled(if: EngineLibrary.find() != nil, "no WASM engine: run .ci/wasmtime")) struct RestartTests {
  private let bench: WASMBench
  private let agents: AgentSupervisor
  private let log: EventLog

  init() throws {
    let bench = try WASMBench()
    let log = EventLog(clock: bench.loop, capacity: 256, depthLimit: 16, later: { bench.loop.later($0) })
    let board = Board(name: "bench", backend: .simulated, devices: [])
    let hardware = Hardware(
      board: board, backend: SimulatedBackend(board: board, clock: bench.loop, seed: 1), clock: bench.loop,
      events: log)
    (self.bench, self.log) = (bench, log)
    agents = AgentSupervisor(
      clock: bench.loop, events: log, hardware: hardware, files: AgentFiles(), registry: MemoryRegistry(),
      drivers: [bench.driver], logLines: 50)
    var manifest = try #require(try bench.manifest(.diesReporting))
    manifest.policy = Policy(backoff: .milliseconds(10), maxBackoff: .milliseconds(10))
    try agents.adopt(manifest, state: [:])
    _ = try agents.spawnAgent("subject", cause: nil)
    bench.run { (try? status.state) == .ready }
  }

  private var status: AgentStatus { get throws { try agents.agentStatus("subject") } }
  private var handled: Int {
    ((try? agents.logs("subject", last: 50)) ?? []).filter { $0.message == "handled" }.count
  }

  private func wake() throws {
    try agents.wakeAgent("subject", with: log.publish("test:event", from: "client/test"))
  }

  @Test func nextEventIsHandledByTheNextInstance() throws {
    var reports = 0
    try agents.snapshot("subject") { _ in reports += 1 }
    bench.run { reports == 1 }
    bench.run { (try? status.state) == .backoff }
    #expect(try status.state == .backoff && status.lastExit == .crash && status.failures == 1)
    try wake()
    bench.run { (try? status.activations) == 1 }
    #expect(handled == 1)
    #expect(try status.restarts == 1 && status.state == .ready && status.dropped == 0)
  }

  @Test func eventDuringTheReportIsHandledByTheNextInstance() throws {
    try agents.snapshot("subject") { _ in }
    try wake()
    #expect(try status.state == .active)
    bench.run { (try? status.activations) == 1 }
    #expect(handled == 1)
    #expect(try status.restarts == 1 && status.activations == 1 && status.failures == 1 && status.dropped == 0)
  }
}
