import Agent
import AgentWASM
import EventLoop
import Linux
import Model

/// Starts an agent and lets it fail, many times, in a process that does nothing else, so that memory and descriptors
/// can be compared exactly.
enum Repetition {
  /// A host without devices.
  private final class Host: AgentHost {
    var now: UInt64 { 0 }
    func read(_ sensor: String) throws(AgentError) -> Reading { throw AgentError(.notFound, sensor) }
    func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
      throw AgentError(.denied, actuator)
    }
    func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, camera) }
    func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { throw AgentError(.denied, type) }
    func log(_ level: LogLevel, _ message: String) {}
    func state(_ key: String) -> Value? { nil }
    func setState(_ key: String, _ value: Value?) throws(AgentError) {}
    func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
    func complete(
      _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
    ) throws(AgentError) -> CompletionID { CompletionID(1) }
  }

  /// Prints resident bytes, address space and descriptors after a tenth of the rounds and after all of them, and the
  /// number of failed activations.
  /// - Parameters:
  ///   - folder: contains `agent.wasm`, which fails or waits for a model's answer.
  ///   - rounds: the number of repetitions.
  ///   - end: `fail` waits for the failure; `stop` stops the agent during its activation; `keep` lets it wait and
  ///     starts another one; `fresh` activates one agent that gets a fresh instance for each event.
  static func run(_ folder: String, _ rounds: String, _ end: String) -> Int32 {
    do {
      let loop = try EventLoop()
      var limits = GuestLimits()
      limits.fuel = 20_000
      let driver = WASMDriver(loop, folder: "\(folder)/modules", limits: limits)
      let manifest = Manifest(
        id: "guest", name: "guest",
        runtime: .init(driver: .wasm, entry: "agent.wasm", instance: end == "fresh" ? .fresh : .warm),
        permissions: Permissions(model: true), file: "\(folder)/agent.json")
      let rounds = Int(rounds) ?? 0
      let event = Event(id: ULID(high: 1, low: 1), type: "a:b")
      // This instance stays, so that the module stays loaded.
      var resident = [try start(driver, manifest, loop)]
      var failures = 0
      for round in 0...rounds {
        if round == rounds / 10 || round == rounds { try report() }
        let instance = end == "fresh" ? resident[0] : try start(driver, manifest, loop)
        var result: Result<Void, AgentFailure>?
        instance.activate(event) { result = $0 }
        if end == "keep" {
          resident.append(instance)
          continue
        }
        if end == "stop" { instance.stop(now: true) {} }
        while result == nil { loop.turn(wait: true) }
        if case .failure = result { failures += 1 }
        if end == "fail" { instance.stop(now: true) {} }
      }
      print(failures)
      for instance in resident { instance.stop(now: true) {} }
      return 0
    } catch {
      print("\(error)")
      return 1
    }
  }

  private static func start(
    _ driver: WASMDriver, _ manifest: Manifest, _ loop: EventLoop
  ) throws -> any AgentInstance {
    var started: Result<any AgentInstance, AgentFailure>?
    driver.start(manifest, host: Host(), ended: { _ in }) { started = $0 }
    while true {
      if let started { return try started.get() }
      loop.turn(wait: true)
    }
  }

  private static func report() throws {
    let fields = String(decoding: try Files.read("/proc/self/statm"), as: UTF8.self).split(separator: " ")
    let descriptors = try Files.names(in: "/proc/self/fd").count
    print("\((Int(fields[1]) ?? 0) * 4096) \((Int(fields[0]) ?? 0) * 4096) \(descriptors)")
  }
}
