import Agent
import EventLoop
import Glibc
import Linux
import Model

/// Compiled modules in a folder, each under its key; what is not there, or not what it should be, is compiled again.
///
/// Files are read and hashed on a thread of their own; modules are compiled one after the other, each in a process.
final class ArtefactStore {
  /// How a compilation is held back.
  struct Bounds: Hashable {
    /// How long it may take.
    var patience: Duration
    /// Bytes of address space it may have.
    var memory: UInt64
    /// Bytes of modules that may wait for their turn: they are kept in memory.
    var waiting = 32 << 20
  }

  /// A module on its way to its artefact.
  private struct Job: Sendable {
    var module: [UInt8]
    var seal: Seal
    var path: String
    var isThere: Bool
    /// Another process may make the same one in the same folder: what is not ready yet has a name of its own.
    let tag = String(UInt64.random(in: .min ... .max), radix: 16)
    var source: String { "\(path).\(tag).module" }
    var result: String { "\(path).\(tag).made" }
  }

  private let loop: any Loop
  private let worker: any Jobs<Void>
  private let folder: String
  private let library: EngineLibrary
  private let key: String
  private let compiler: String
  private let bounds: Bounds
  private var queue: [Job] = []
  private var isCompiling = false
  private var waiting: [String: [(Result<String, AgentFailure>) -> Void]] = [:]
  /// How often a compiler was started.
  private(set) var compilations = 0

  init(_ loop: any Loop, folder: String, _ engine: Engine, compiler: String, _ bounds: Bounds) {
    self.loop = loop
    self.folder = folder
    library = engine.library
    key = Engine.key(engine.library, engine.configuration)
    self.compiler = compiler
    self.bounds = bounds
    worker = loop.worker("wasm-store") {}
  }

  /// Gives the file with the compiled form of a module.
  /// - Parameters:
  ///   - module: gives the module's bytes, checked; runs on the store's thread.
  ///   - anew: compiles even when there is one: the engine would not take it.
  ///   - done: called once, later.
  func prepare(
    anew: Bool = false, _ module: @escaping @Sendable () -> Result<[UInt8], AgentFailure>,
    _ done: @escaping (Result<String, AgentFailure>) -> Void
  ) {
    let (folder, key) = (folder, key)
    worker.submit({ _ in
      module().map { bytes in
        let seal = Seal(module: bytes, key: key)
        let path = Files.join(folder, seal.name)
        return Job(module: bytes, seal: seal, path: path, isThere: !anew && Self.isWhole(path, seal))
      }
    }) { [self] (found: Result<Job, AgentFailure>) in
      switch found {
      case .failure(let failure): done(.failure(failure))
      case .success(let job) where job.isThere: done(.success(job.path))
      case .success(let job) where waiting[job.path] != nil: waiting[job.path]?.append(done)
      case .success(let job):
        guard queue.isEmpty || queue.reduce(job.module.count, { $0 + $1.module.count }) <= bounds.waiting else {
          return done(.failure(Self.failed("\(queue.count) modules wait to be compiled; try again when they are")))
        }
        waiting[job.path] = [done]
        queue.append(job)
        compileNext()
      }
    }
  }

  private func compileNext() {
    guard !isCompiling, !queue.isEmpty else { return }
    isCompiling = true
    let (job, folder) = (queue.removeFirst(), folder)
    worker.submit({ _ in
      do throws(SystemError) {
        try Files.makeFolder(folder)
        Files.remove(job.result)
        // The bytes that were checked are the ones that are compiled, whatever becomes of the agent's file meanwhile.
        try Files.replace(job.source, with: job.module)
        return nil
      } catch {
        return error
      }
    }) { [self] (error: SystemError?) in
      do throws(SystemError) {
        if let error { throw error }
        try compile(job)
      } catch {
        finish(job, .failure(Self.failed("the module cannot be compiled: \(error)")))
      }
    }
  }

  private func compile(_ job: Job) throws(SystemError) {
    compilations += 1
    let pid = try Spawn.start(
      compiler,
      ["openstarryd", ModuleCompiler.argument, library.path, job.source, job.result, "\(bounds.memory)"],
      environment: [], defaultSignals: [SIGINT, SIGTERM, SIGPIPE])
    let timer = loop.schedule(after: bounds.patience) { _ = kill(pid, SIGKILL) }
    try loop.onExit(of: pid) { [self] status in
      loop.cancel(timer)
      let bounds = bounds
      worker.submit({ _ in
        Files.remove(job.source)
        defer { Files.remove(job.result) }
        return Self.collect(status, job, bounds)
      }) { [self] outcome in finish(job, outcome) }
    }
  }

  private func finish(_ job: Job, _ outcome: Result<String, AgentFailure>) {
    isCompiling = false
    for done in waiting.removeValue(forKey: job.path) ?? [] { done(outcome) }
    compileNext()
  }

  // MARK: On the store's thread

  private static func isWhole(_ path: String, _ seal: Seal) -> Bool {
    guard let file = try? Files.read(path, limit: 256 << 20) else { return false }
    return seal.holds(file)
  }

  private static func failed(_ why: String) -> AgentFailure { AgentFailure(.startFailed, why) }

  private static func collect(_ status: ExitStatus, _ job: Job, _ bounds: Bounds) -> Result<String, AgentFailure> {
    switch status {
    case .exited(0):
      guard isWhole(job.result, job.seal) else {
        return .failure(failed("the compiler's result is not what it should be"))
      }
      do throws(SystemError) {
        try Files.move(job.result, to: job.path)
        return .success(job.path)
      } catch {
        return .failure(failed("the compiled module cannot be kept: \(error)"))
      }
    case .exited(ModuleCompiler.dataError), .exited(ModuleCompiler.softwareError):
      let why = (try? Files.read(job.result, limit: 65536)).map { OneLine.text(String(decoding: $0, as: UTF8.self)) }
      return .failure(failed("the module cannot be compiled: \(why ?? "the compiler does not say why")"))
    case .exited(let code): return .failure(failed("the compiler of WASM modules ended with code \(code)"))
    case .signalled(let signal):
      return .failure(
        failed(
          "compiling the module took more than \(bounds.memory >> 20) MiB or \(bounds.patience.text), or the compiler "
            + "crashed (signal \(signal))"))
    }
  }
}
