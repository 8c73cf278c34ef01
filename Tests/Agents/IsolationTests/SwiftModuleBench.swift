import Agent
import AgentWASM
import EventLoop
import EventLoopTestKit
import IsolationTestKit
import Linux
import Model
import Synchronization
import TestKit

/// The conformance suite's agents as WASM modules, built from the same Swift source as the programs.
final class SwiftModuleBench: IsolationBench {
  private let place: TemporaryFolder
  private let loop: EventLoop
  let driver: any AgentDriver

  /// Why modules cannot be built or run here; nil when they can. Only missing tools skip the tests.
  static let absence: String? = {
    if EngineLibrary.find() == nil { return "no WASM engine: run .ci/wasmtime" }
    do { _ = try module(.works) } catch let error as MissingTools { return error.text } catch {}
    return nil
  }()

  init() throws {
    place = try TemporaryFolder()
    loop = try EventLoop()
    driver = WASMDriver(loop, folder: "\(place.path)/modules", compiler: Beside.path("wasm-compiler"))
  }

  func manifest(_ behaviour: Behaviour) throws -> Manifest? {
    if behaviour != .isMissing { try place.write("\(behaviour).wasm", try Self.module(behaviour)) }
    return Manifest(
      id: "subject", name: "subject", runtime: .init(driver: .wasm, entry: "\(behaviour).wasm"), permissions: .all,
      file: "\(place.path)/agent.json")
  }

  func run(until isDone: () -> Bool) { loop.run(until: isDone) }
  func settle() { loop.settle() }

  private struct MissingTools: Error { let text: String }

  /// Built once for each behaviour.
  private static let modules = Mutex<[Behaviour: [UInt8]]>([:])

  private static func module(_ behaviour: Behaviour) throws -> [UInt8] {
    try modules.withLock { modules in
      if let module = modules[behaviour] { return module }
      let module = try build(behaviour)
      modules[behaviour] = module
      return module
    }
  }

  /// `package` means nothing outside of a package.
  private static func build(_ behaviour: Behaviour) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let path = Repository.path("Tests/Kits/ConformanceAgents/ConformanceAgents.swift")
    let source = String(decoding: try Files.read(path), as: UTF8.self)
    try folder.write("agents.swift", source.split(separator: "package ", omittingEmptySubsequences: false).joined())
    let name = behaviour.rawValue
    try folder.write("main.swift", "\(name.prefix(1).uppercased() + name.dropFirst()).main()\n")
    try folder.write(
      "agent.json", #"{"identity": {"id": "subject"}, "runtime": {"driver": "wasm", "entry": "a.wasm"}}"#)
    let built = try ModuleBuild([folder.path])
    if built.code == 69 { throw MissingTools(text: built.errors) }
    guard built.code == 0 else { throw TestFailure("\(name) cannot be built: \(built.errors)") }
    return try folder.bytes("a.wasm")
  }

  private struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
