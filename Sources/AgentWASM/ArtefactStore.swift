import Agent
import EventLoop
import Glibc
import Linux
import Model

/// Compiled modules in a folder, each under its key; what is not there, or not what it should be, is compiled again.
final class ArtefactStore {
  private let loop: EventLoop
  private let folder: String
  private let library: EngineLibrary
  private let key: String
  private let compiler: String
  /// How long a compilation may take.
  private let patience: Duration
  private var waiting: [String: [(Result<String, AgentFailure>) -> Void]] = [:]
  /// How often a compiler was started.
  private(set) var compilations = 0

  init(_ loop: EventLoop, folder: String, _ engine: Engine, compiler: String, patience: Duration) {
    self.loop = loop
    self.folder = folder
    library = engine.library
    key = Engine.key(engine.library, engine.configuration)
    self.compiler = compiler
    self.patience = patience
  }

  /// Gives the file with the compiled form of a module that was checked.
  /// - Parameters:
  ///   - anew: compiles even when there is one: the engine would not take it.
  ///   - done: called once, now or later.
  func prepare(_ module: [UInt8], anew: Bool = false, _ done: @escaping (Result<String, AgentFailure>) -> Void) {
    let seal = Seal(module: module, key: key)
    let path = Files.join(folder, seal.name)
    if waiting[path] != nil {
      waiting[path]?.append(done)
      return
    }
    if !anew, isWhole(path, seal) { return done(.success(path)) }
    waiting[path] = [done]
    do throws(SystemError) {
      try compile(module, seal, path)
    } catch {
      finish(path, .failure(AgentFailure(.startFailed, "the module cannot be compiled: \(error)")))
    }
  }

  private func isWhole(_ path: String, _ seal: Seal) -> Bool {
    guard let file = try? Files.read(path, limit: 256 << 20) else { return false }
    return seal.holds(file)
  }

  private func compile(_ module: [UInt8], _ seal: Seal, _ path: String) throws(SystemError) {
    try Files.makeFolder(folder)
    let (source, result) = ("\(path).module", "\(path).made")
    Files.remove(result)
    // The bytes that were checked are the ones that are compiled, whatever becomes of the agent's file meanwhile.
    try Files.replace(source, with: module)
    compilations += 1
    let pid = try Spawn.start(
      compiler, ["openstarryd", ModuleCompiler.argument, library.path, source, result], environment: [],
      defaultSignals: [SIGINT, SIGTERM, SIGPIPE])
    let timer = loop.schedule(after: patience) { _ = kill(pid, SIGKILL) }
    try loop.onExit(of: pid) { [self] status in
      loop.cancel(timer)
      Files.remove(source)
      let outcome = collect(status, seal, result, path)
      Files.remove(result)
      finish(path, outcome)
    }
  }

  private func collect(
    _ status: ExitStatus, _ seal: Seal, _ result: String, _ path: String
  ) -> Result<String, AgentFailure> {
    func failed(_ why: String) -> Result<String, AgentFailure> { .failure(AgentFailure(.startFailed, why)) }
    switch status {
    case .exited(0):
      guard isWhole(result, seal) else { return failed("the compiler's result is not what it should be") }
      do throws(SystemError) {
        try Files.move(result, to: path)
        return .success(path)
      } catch {
        return failed("the compiled module cannot be kept: \(error)")
      }
    case .exited(ModuleCompiler.dataError), .exited(ModuleCompiler.softwareError):
      let why = (try? Files.read(result, limit: 65536)).map { OneLine.text(String(decoding: $0, as: UTF8.self)) }
      return failed("the module cannot be compiled: \(why ?? "the compiler does not say why")")
    case .exited(let code): return failed("the compiler of WASM modules ended with code \(code)")
    case .signalled(let signal):
      return failed(
        "compiling the module took more than \(ModuleCompiler.space >> 20) MiB or \(patience.text), or the compiler "
          + "crashed (signal \(signal))")
    }
  }

  private func finish(_ path: String, _ outcome: Result<String, AgentFailure>) {
    for done in waiting.removeValue(forKey: path) ?? [] { done(outcome) }
  }
}
