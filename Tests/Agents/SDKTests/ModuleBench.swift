import Agent
import AgentWASM
import EventLoop
import Glibc
import Linux
import Model
import TestKit
import Testing

/// Builds the examples' modules with `SDK/build`.
enum Modules {
  static let root = Repository.root

  /// A temporary folder, removed at the end of the tests.
  static let folder: String = {
    atexit { TemporaryFolder.remove(Modules.place.path) }
    return place.path
  }()
  private static let place = try! TemporaryFolder()

  /// Why `SDK/build` cannot run here, printed once; nil when it can. Only missing tools skip the tests: other errors
  /// must fail them.
  static let missing: String? = {
    for name in ["thermostat", "leak-guard-c"] {
      let built = try? ModuleBuild(["--output", "\(folder)/\(name).wasm", "\(root)/Examples/wasm/\(name)"])
      if let built, built.code == 69 {
        print("skipped: \(built.errors)")
        return built.errors
      }
    }
    return nil
  }()
  static let canBuild = missing == nil

  static let canRun: Bool = {
    guard canBuild else { return false }
    if EngineLibrary.find() != nil { return true }
    print("skipped: no WASM engine in \(EngineLibrary.places().joined(separator: ", ")): run .ci/wasmtime")
    return false
  }()

  /// The module of an agent's folder.
  static func module(_ name: String, in parent: String = "Examples/wasm") throws -> [UInt8] {
    let path = "\(folder)/\(name)-\(UInt64.random(in: 0...UInt64.max)).wasm"
    let built = try ModuleBuild(["--output", path, "\(root)/\(parent)/\(name)"])
    try #require(built.code == 0, "\(built.errors)")
    defer { Files.remove(path) }
    return try Files.read(path)
  }
}

/// Runs instances of a module in the real driver, with hosts that the test provides.
final class ModuleBench {
  private let place: TemporaryFolder
  private let loop: EventLoop
  private let driver: WASMDriver
  private let manifest: Manifest

  init(_ module: [UInt8], id: AgentID = "room") throws {
    place = try TemporaryFolder()
    let folder = place.path
    loop = try EventLoop()
    driver = WASMDriver(
      loop, folder: "\(folder)/modules", compiler: Beside.path("wasm-compiler"), clock: ManualClock())
    try Files.replace("\(folder)/agent.wasm", with: module)
    manifest = Manifest(
      id: id, name: "room", runtime: .init(driver: .wasm, entry: "agent.wasm"), budget: Budget(memory: 1 << 20),
      policy: Policy(), document: .map([:]), file: "\(folder)/agent.json")
  }

  private func wait<Answer>(_ begin: (@escaping (Answer) -> Void) -> Void) -> Answer {
    var answer: Answer?
    begin { answer = $0 }
    while true {
      if let answer { return answer }
      loop.turn(wait: true)
    }
  }

  func start(_ host: TestHost) throws -> any AgentInstance {
    let started: Result<any AgentInstance, AgentFailure> = wait {
      driver.start(manifest, host: host, ended: { _ in }, $0)
    }
    return try started.get()
  }

  /// Activates an instance.
  /// - Returns: the failure; nil for success.
  func activate(_ instance: any AgentInstance, _ event: Event) -> AgentFailure? {
    let result: Result<Void, AgentFailure> = wait { instance.activate(event, $0) }
    if case .failure(let failure) = result { return failure }
    return nil
  }

  func snapshot(_ instance: any AgentInstance) -> Value { wait { instance.snapshot($0) } }
}
