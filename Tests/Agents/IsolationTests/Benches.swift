import Agent
import AgentInProcess
import AgentWASM
import ConformanceAgents
import EventLoop
import EventLoopTestKit
import IsolationTestKit
import Linux
import Model
import OpenStarryAgent
import TestKit

/// The conformance suite's agents, linked into the tests.
final class InProcessBench: IsolationBench {
  let driver: any AgentDriver = InProcessDriver(types: [
    AgentType(Behaviour.works.rawValue, Works.self), AgentType(Behaviour.fails.rawValue, Fails.self),
    AgentType(Behaviour.passesRefusalsOn.rawValue, PassesRefusalsOn.self),
    AgentType(Behaviour.keepsState.rawValue, KeepsState.self),
    AgentType(Behaviour.setsTimers.rawValue, SetsTimers.self),
  ])

  func manifest(_ behaviour: Behaviour) -> Manifest? {
    // A crash of an in-process agent would end the test process, and nothing would end a handler that does not return.
    if [.diesReporting, .diesHandling, .spins].contains(behaviour) { return nil }
    return Manifest(id: "subject", name: "subject", runtime: .init(driver: .inProcess, entry: behaviour.rawValue))
  }

  /// Does nothing: in-process agents answer within the call.
  func run(until isDone: () -> Bool) {}
  func settle() {}
}

/// The conformance suite's agents, as WASM modules.
final class WASMBench: IsolationBench {
  private let place: TemporaryFolder
  let loop: EventLoop
  let driver: any AgentDriver
  var folder: String { place.path }

  init() throws {
    place = try TemporaryFolder()
    loop = try EventLoop()
    driver = WASMDriver(loop, folder: "\(place.path)/modules", compiler: Beside.path("wasm-compiler"))
  }

  func manifest(_ behaviour: Behaviour) throws -> Manifest? {
    if let module = SubjectModule.bytes(behaviour) { try place.write("\(behaviour).wasm", module) }
    return Manifest(
      id: "subject", name: "subject", runtime: .init(driver: .wasm, entry: "\(behaviour).wasm"), permissions: .all,
      file: "\(place.path)/agent.json")
  }

  func run(until isDone: () -> Bool) { loop.run(until: isDone) }
  func settle() { loop.settle() }
}
