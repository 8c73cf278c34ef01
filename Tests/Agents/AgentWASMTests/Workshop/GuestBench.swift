import Agent
import EventLoop
import Linux
import Model
import TestKit

@testable import AgentWASM

/// A host that records calls.
final class RecordingHost: AgentHost, MemoryLimiter {
  var now: UInt64 = 42
  var log: [String] = []
  var commands: [String] = []
  var emitted: [String] = []
  var kept: [String: Value] = [:]
  var onRead: (() -> Void)?
  var retryAfter: Duration?
  var gateway: (any ModelGateway)?
  private var frame: [UInt8] = []

  /// The instance's limit within the parent's budget, in bytes; nil for no budget.
  var left: Int64?
  /// The memory that the instance last reported, in bytes.
  private(set) var held: Int64 = 0

  func memory(holding held: Int64) -> MemoryRoom? {
    self.held = held
    return left.map { MemoryRoom(bytes: $0, parent: "boss") }
  }

  func read(_ sensor: String) throws(AgentError) -> Reading {
    onRead?()
    if sensor == "door" { return Reading(value: 1, unit: "", time: 8) }
    guard sensor == "temperature" else { throw AgentError(.notFound, "no sensor '\(sensor)'") }
    return Reading(value: 31.5, unit: "°C", time: 7)
  }
  func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
    guard actuator == "fan" else { throw AgentError(.denied, "not '\(actuator)'", retryAfter: retryAfter) }
    commands.append("\(actuator) \(command) \(lease.map { "\($0)" } ?? "default")")
    return Receipt(id: ULID(high: 1, low: 2), state: 1, previous: 0, at: 9)
  }
  func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { [0xFF, 0xD8, 0xFF, 0xD9] }
  func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
    guard width * height <= 160 * 120 else { throw AgentError(.limited, "no more than 160 × 120") }
    let size = width * height
    if frame.count != size { frame = (0..<size).map { UInt8(truncatingIfNeeded: $0) } }
    return frame
  }
  func complete(
    _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
  ) throws(AgentError) -> CompletionID {
    guard let gateway else { throw AgentError(.unavailable, "no model gateway is configured") }
    return try gateway.complete(request, for: ModelCaller("guest")) { result, _ in done(result) }
  }
  func cancel(_ completion: CompletionID) { gateway?.cancel(completion) }
  func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID {
    emitted.append("\(type) \(payload.count)")
    return ULID(high: 3, low: 4)
  }
  func log(_ level: LogLevel, _ message: String) { log.append("\(level) \(message)") }
  func state(_ key: String) -> Value? { kept[key] }
  func setState(_ key: String, _ value: Value?) throws(AgentError) { kept[key] = value }
  func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
}

/// A driver in a temporary folder, on a loop that the test turns.
final class GuestBench {
  private let place: TemporaryFolder
  var folder: String { place.path }
  let loop: EventLoop
  let clock = ManualClock()
  let host = RecordingHost()
  var limits = GuestLimits()
  /// Whether agents are granted a model.
  var mayAsk = false
  private(set) var driver: WASMDriver
  var artefacts: String { "\(folder)/modules" }

  /// - Parameters:
  ///   - patience: the time limit of a compilation.
  ///   - space: the memory limit of a compilation, in bytes.
  init(
    limits: GuestLimits = GuestLimits(), patience: Duration = .seconds(90), space: UInt64 = ModuleCompiler.space,
    witness: (any CodeWitness)? = nil
  ) throws {
    self.limits = limits
    place = try TemporaryFolder()
    loop = try EventLoop()
    driver = WASMDriver(
      loop, folder: "\(place.path)/modules", compiler: Workshop.compiler, limits: limits, patience: patience,
      space: space, clock: clock, witness: witness)
  }

  /// Uses a folder for compiled modules that other benches use, too.
  func share(_ folder: String) {
    driver = WASMDriver(loop, folder: folder, compiler: Workshop.compiler, limits: limits, clock: clock)
  }

  /// Simulates a restart of the daemon: a new driver with the same folder.
  func restart() {
    driver = WASMDriver(loop, folder: artefacts, compiler: Workshop.compiler, limits: limits, clock: clock)
  }

  func manifest(_ module: [UInt8], fresh: Bool = false, budget: Budget = Budget(), priority: Priority = .normal) throws
    -> Manifest
  {
    try Files.replace("\(folder)/agent.wasm", with: module)
    return Manifest(
      id: "guest", name: "guest",
      runtime: .init(driver: .wasm, entry: "agent.wasm", instance: fresh ? .fresh : .warm),
      permissions: Permissions(model: mayAsk), budget: budget,
      policy: Policy(priority: priority), file: "\(folder)/agent.json")
  }

  /// Turns the loop until there is an answer.
  func wait<Answer>(_ begin: (@escaping (Answer) -> Void) -> Void) -> Answer {
    var answer: Answer?
    begin { answer = $0 }
    while true {
      if let answer { return answer }
      loop.turn(wait: true)
    }
  }

  func start(_ source: String, fresh: Bool = false, budget: Budget = Budget()) throws -> WASMInstance {
    try start(module: try Workshop.build(source, in: folder), fresh: fresh, budget: budget)
  }

  func start(module: [UInt8], fresh: Bool = false, budget: Budget = Budget(), priority: Priority = .normal) throws
    -> WASMInstance
  {
    let manifest = try manifest(module, fresh: fresh, budget: budget, priority: priority)
    let started: Result<any AgentInstance, AgentFailure> = wait {
      driver.start(manifest, host: host, ended: { _ in }, $0)
    }
    return try started.get() as! WASMInstance
  }

  static let event = Event(id: ULID(high: 5, low: 6), type: "sensor:temperature", payload: ["value": 31.5])

  /// Activates an instance.
  /// - Returns: the failure; nil for success.
  func activate(_ instance: WASMInstance) -> AgentFailure? {
    let result: Result<Void, AgentFailure> = wait { instance.activate(Self.event, $0) }
    return result.failure
  }

  /// Builds, starts and activates a guest.
  /// - Returns: the failure; nil for success.
  func failure(_ source: String, budget: Budget = Budget()) throws -> AgentFailure? {
    do throws(AgentFailure) {
      let module: [UInt8]
      do { module = try Workshop.build(source, in: folder) } catch { throw AgentFailure(.startFailed, "\(error)") }
      let instance: WASMInstance
      do { instance = try start(module: module, budget: budget) } catch let error as AgentFailure { throw error } catch
      {
        throw AgentFailure(.startFailed, "\(error)")
      }
      return activate(instance)
    } catch {
      return error
    }
  }
}

extension Result where Success == Void {
  /// The failure; nil for a success.
  var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}
