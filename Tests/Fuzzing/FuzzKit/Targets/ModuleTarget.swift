import Agent
import AgentWASM
import EventLoop
import Linux
import Model
import ModuleKit
import OpenStarryAgent
import TestKit

/// WebAssembly modules through the real loader: a module is refused with a reason, or compiled in a process of its own,
/// instantiated, activated once and stopped.
package final class ModuleTarget: FuzzTarget {
  package let name = "module"
  package let form = InputForm.bytes
  package let longest = 256 << 10
  package let words = [
    "memory", "cabi_realloc", "openstarry:agent/handler@0.1.0#handle", "wasi_snapshot_preview1", "random_get",
    "fd_write",
    "\u{0}asm", "\u{10}\u{0}", "A\u{0}", "\u{1A}", "\u{0B}", "\u{3}\u{40}", "\u{0C}\u{0}", "\u{40}\u{0}",
  ]
  private let folder: String
  private let program: String
  private let engine: LoadedEngine?
  private let maker = ModuleMaker()

  /// - Parameters:
  ///   - folder: for a module and its compiled form.
  ///   - program: a program that calls `ModuleCompiler.runIfAsked` first of all.
  package init(folder: String, program: String) {
    self.folder = "\(folder)/module"
    self.program = program
    engine = try? LoadedEngine()
  }

  package var limitation: String? {
    engine == nil ? "without a WebAssembly engine: only the structure of modules is checked" : nil
  }

  /// The built modules of Examples/wasm, and small ones.
  package func seeds() throws -> [[UInt8]] {
    let examples = Repository.path("Examples/wasm")
    let built = ((try? Files.names(in: examples)) ?? []).sorted().compactMap { name in
      try? Files.read("\(examples)/\(name)/\(name).wasm")
    }
    var random = SeededGenerator(1)
    return built + (0..<24).map { _ in maker.module(&random) }
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    switch random.next() % 4 {
    case 0: nil
    case 1: maker.module(&random)
    default: maker.mutate(pool.any(&random), &random)
    }
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    TemporaryFolder.remove(folder)
    try Files.makeFolder(folder)
    try Files.replace("\(folder)/agent.wasm", with: input)
    let manifest = Manifest(
      id: "guest", name: "guest", runtime: .init(driver: .wasm, entry: "agent.wasm"), permissions: .all,
      file: "\(folder)/agent.json")
    do throws(AgentFailure) { try WASMDriver.check(manifest) } catch {
      try MessageRules.check(error.message, about: [])
      return seen.note(error.message)
    }
    seen.note("passes")
    guard let engine else { return }
    let loop = try EventLoop()
    var limits = GuestLimits()
    (limits.fuel, limits.memory) = (500_000, 2 << 20)
    let driver = WASMDriver(
      loop, folder: "\(folder)/modules", compiler: program, limits: limits, engine: engine)
    let started: Result<any AgentInstance, AgentFailure> = wait(loop) {
      driver.start(manifest, host: Host(), ended: { _ in }, $0)
    }
    guard case .success(let instance) = started else {
      if case .failure(let failure) = started { try check(failure, &seen) }
      return
    }
    seen.note("starts")
    for number in 1...2 {
      let event = Event(id: ULID(high: 5, low: UInt64(number)), type: "sensor:temperature", payload: ["value": 31.5])
      let result: Result<Void, AgentFailure> = wait(loop) { instance.activate(event, $0) }
      if case .failure(let failure) = result { try check(failure, &seen) } else { seen.note("does well") }
    }
    let snapshot: Value = wait(loop) { instance.snapshot($0) }
    seen.note("shows \(snapshot.map?.count ?? -1)")
    let _: Bool = wait(loop) { done in instance.stop(now: true) { done(true) } }
  }

  private func check(_ failure: AgentFailure, _ seen: inout Seen) throws {
    try MessageRules.check(failure.message, about: [])
    seen.note("\(failure.reason): \(failure.message)")
  }

  private func wait<Answer>(_ loop: EventLoop, _ begin: (@escaping (Answer) -> Void) -> Void) -> Answer {
    var answer: Answer?
    begin { answer = $0 }
    while true {
      if let answer { return answer }
      loop.turn(wait: true)
    }
  }

  /// A host with a few devices.
  private final class Host: AgentHost {
    private var kept: [String: Value] = [:]
    var now: UInt64 { 42 }
    func read(_ sensor: String) throws(AgentError) -> Reading { Reading(value: 31.5, unit: "°C", time: 7) }
    func control(_ actuator: String, _ command: ActuatorCommand, lease: Duration?) throws(AgentError) -> Receipt {
      throw AgentError(.busy, "'\(actuator)' is held", retryAfter: lease)
    }
    func snapshot(_ camera: String) throws(AgentError) -> [UInt8] { [0xFF, 0xD8, 0xFF, 0xD9] }
    func frame(_ camera: String, width: Int, height: Int) throws(AgentError) -> [UInt8] {
      guard (1...64).contains(width), (1...64).contains(height) else { throw AgentError(.limited, "64 × 64 at most") }
      return Array(repeating: 7, count: width * height)
    }
    func complete(
      _ request: ModelRequest, _ done: @escaping (Result<ModelAnswer, AgentError>) -> Void
    ) throws(AgentError) -> CompletionID {
      done(.success(ModelAnswer(text: "yes", answerTokens: 1)))
      return CompletionID(1)
    }
    func emit(_ type: String, _ payload: Fields) throws(AgentError) -> ULID { ULID(high: 3, low: 4) }
    func log(_ level: LogLevel, _ message: String) {}
    func state(_ key: String) -> Value? { kept[key] }
    func setState(_ key: String, _ value: Value?) throws(AgentError) {
      guard kept.count < 16 else { throw AgentError(.limited, "16 values at most") }
      kept[key] = value
    }
    func file(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.denied, path) }
  }
}
