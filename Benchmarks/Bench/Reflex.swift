import Agent
import CLinux
import EventLoop
import HAL
import HALSimulated
import Linux
import Model
import Orchestrator
import Rules

/// The reflex: an edge on an input, a rule, an agent, an actuator. Everything except the hardware is real.
final class Reflex {
  private let loop: EventLoop
  private let log: EventLog
  private let backend: SimulatedBackend
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private let rules: RuleRunner

  /// - Parameters:
  ///   - driver: the driver of the agent.
  ///   - entry: the entry in the agent's manifest.
  ///   - folder: the folder of the manifest.
  convenience init(loop: EventLoop, driver: any AgentDriver, entry: String, folder: String = ".") throws {
    try self.init(
      loop: loop, driver: driver,
      manifest: Manifest(
        id: "relay", name: "Relay", runtime: Manifest.Runtime(driver: driver.kind, entry: entry),
        permissions: Permissions(actuators: [EventPattern("relay")]), file: "\(folder)/agent.json"))
  }

  /// - Parameter manifest: of the agent `relay`.
  init(loop: EventLoop, driver: any AgentDriver, manifest: Manifest) throws {
    self.loop = loop
    let board = Board(
      name: "bench", backend: .simulated,
      devices: [
        Device(id: "button", kind: .input(InputSettings()), driver: "simulated"),
        Device(id: "relay", kind: .actuator(ActuatorSettings()), driver: "simulated"),
      ])
    log = EventLog(clock: loop, capacity: 1024, depthLimit: 16, later: { loop.later($0) })
    backend = SimulatedBackend(board: board, clock: loop, seed: 1)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    agents = AgentSupervisor(
      clock: loop, events: log, hardware: hardware, files: NoFiles(), registry: MemoryRegistry(),
      drivers: [driver], logLines: 10)
    let declaration = RuleDeclaration(
      id: "pressed", trigger: .events([EventPattern("input:button")]),
      condition: RuleDeclaration.Condition(text: "active || !active", location: Location(file: "<bench>")),
      actions: [.wake("relay")])
    rules = RuleRunner(
      clock: loop, events: log, hardware: hardware, agents: agents, utcOffset: { _ in 0 },
      load: { () throws(Diagnostics) in try RuleSet(compiling: [declaration]) })
    let (rules, agents) = (self.rules, self.agents)
    log.dispatch = { event in
      rules.handle(event)
      agents.handle(event)
    }
    hardware.open()
    try agents.adopt(manifest, state: [:])
    _ = try rules.reloadRules()
  }

  /// The process of the agent; nil if it has none.
  var pid: Int32? { (try? agents.agentStatus("relay"))?.pid }

  /// Kills the agent's process while it holds the relay.
  /// - Returns: milliseconds until the relay is off.
  func killAgent() throws -> Double {
    guard let pid else { throw SystemError("find", "the agent's process", errno: ESRCH) }
    func waitForChange(_ begin: () throws -> Void) throws -> Double {
      let before = backend.history(of: "relay").count
      let began = loop.now
      try begin()
      while backend.history(of: "relay").count == before {
        loop.turn(wait: false)
        guard loop.now - began < .seconds(10) else {
          throw SystemError("wait for the relay", lastEvents, errno: ETIMEDOUT)
        }
      }
      return Double((loop.now - began).nanoseconds) / 1_000_000
    }
    _ = try waitForChange { try backend.inject("button", ["active": .bool(true)]) }
    return try waitForChange { kill(pid, SIGKILL) }
  }

  /// The last events, for the error after a time-out.
  private var lastEvents: String {
    log.events(matching: EventPattern("*"), last: 5, since: nil).map { "\($0.type): \(EventSentence.text($0))" }
      .joined(separator: "; ")
  }

  /// Presses and releases the button.
  /// - Returns: the latency from each edge to the output, in microseconds.
  func measure(_ edges: Int) throws -> [Double] {
    var times: [Double] = []
    for index in 0..<edges + 100 {
      let before = backend.history(of: "relay").count
      let begin = loop.now
      try backend.inject("button", ["active": .bool(index % 2 == 0)])
      while backend.history(of: "relay").count == before {
        loop.turn(wait: false)
        // The agent may have ended.
        guard loop.now - begin < .seconds(10) else {
          throw SystemError("wait for the relay", lastEvents, errno: ETIMEDOUT)
        }
      }
      let took = loop.now - begin
      // Wait for the end of the activation: the rule's mode is `single`, so it ignores events before.
      while try agents.agentStatus("relay").state == .active { loop.turn(wait: false) }
      // The first hundred edges start the agent and warm up caches.
      if index >= 100 { times.append(Double(took.nanoseconds) / 1000) }
    }
    return times
  }
}

/// Agents in benchmarks read no files.
final class NoFiles: FileReading {
  func resolve(_ path: String) -> String? { nil }
  func read(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, path) }
}
