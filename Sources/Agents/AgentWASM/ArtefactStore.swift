import Agent
import EventLoop
import Glibc
import Linux
import Model

/// The folder of compiled modules, each under its key. A missing or invalid one is compiled again. They are native code: a
/// folder that others can write to is refused, and a file that was not sealed with the secret beside the folder is not used.
///
/// Files are read and hashed on a separate thread. Modules are compiled one after the other, each in its own process.
final class ArtefactStore {
  /// The limits of compilations.
  struct Bounds: Hashable {
    /// The longest time of one compilation.
    var patience: Duration
    /// The address space of one compilation, in bytes.
    var memory: UInt64
    /// The most bytes of queued modules, which are kept in memory.
    var waiting = 32 << 20
  }

  /// A module that is being compiled, or queued.
  private struct Job: Sendable {
    var module: [UInt8]
    var seal: Seal
    var path: String
    var secret: [UInt8]
    var found: Artefact?
    /// A unique name for the unfinished file: another process may compile the same module in the same folder.
    let tag = String(UInt64.random(in: .min ... .max), radix: 16)
    var source: String { "\(path).\(tag).module" }
    var result: String { "\(path).\(tag).made" }
  }

  private let loop: any Loop
  private let worker: any JobQueue<Void>
  private let folder: String
  private let library: EngineLibrary
  private let key: String
  private let compiler: String
  private let bounds: Bounds
  private var queue: [Job] = []
  private var isCompiling = false
  private var waiting: [String: [(Result<Artefact, AgentFailure>) -> Void]] = [:]
  /// The number of compilers that were started.
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

  /// Finds or compiles the artefact of a module.
  /// - Parameters:
  ///   - module: returns the module's checked bytes; runs on the store's thread.
  ///   - anew: compile even if there is an artefact, because the engine rejected it.
  ///   - done: called once, later.
  func prepare(
    anew: Bool = false, _ module: @escaping @Sendable () -> Result<[UInt8], AgentFailure>,
    _ done: @escaping (Result<Artefact, AgentFailure>) -> Void
  ) {
    let (folder, key) = (folder, key)
    worker.submit({ _ in
      module().flatMap { bytes in
        Result { () throws(AgentFailure) in
          let seal = Seal(module: bytes, key: key)
          let (place, secret) = try Self.open(folder)
          let found = anew ? nil : Artefact.open(seal.name, in: place, seal, secret: secret)
          return Job(module: bytes, seal: seal, path: Files.join(place.path, seal.name), secret: secret, found: found)
        }
      }
    }) { [self] (found: Result<Job, AgentFailure>) in
      switch found {
      case .failure(let failure): done(.failure(failure))
      case .success(let job) where waiting[job.path] != nil && job.found == nil: waiting[job.path]?.append(done)
      case .success(let job):
        if let found = job.found { return done(.success(found)) }
        guard queue.isEmpty || queue.reduce(job.module.count, { $0 + $1.module.count }) <= bounds.waiting else {
          return done(.failure(Self.refused("\(queue.count) modules wait to be compiled; try again when they are")))
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
    let job = queue.removeFirst()
    worker.submit({ _ in
      do throws(SystemError) {
        Files.remove(job.result)
        // Compile the checked bytes, not the agent's file, which may have changed.
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
        finish(job, .failure(Self.refused("the module cannot be compiled now: \(error)")))
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

  private func finish(_ job: Job, _ outcome: Result<Artefact, AgentFailure>) {
    isCompiling = false
    for done in waiting.removeValue(forKey: job.path) ?? [] { done(outcome) }
    compileNext()
  }

  // MARK: On the store's thread

  /// The folder, and the secret beside it.
  private static func open(_ path: String) throws(AgentFailure) -> (TrustedFolder, secret: [UInt8]) {
    do throws(TrustError) {
      let folder = try TrustedFolder(path, mayBeLink: false)
      let home = try TrustedFolder(Files.folder(of: folder.path))
      do throws(SystemError) {
        return (folder, try SecretFile.key("\(folder.path.split(separator: "/").last ?? "modules").key", in: home))
      } catch {
        throw TrustError.system(error)
      }
    } catch {
      throw error.remedy.map { refused("compiled modules are native code, and \(error): \($0)") }
        ?? refused("there is no place for compiled modules: \(error)")
    }
  }

  private static func failed(_ why: String) -> AgentFailure { AgentFailure(.startFailed, why) }

  /// A failure that is not the agent's fault: it is retried, and does not count.
  private static func refused(_ why: String) -> AgentFailure { AgentFailure(.refused, why) }

  private static func collect(_ status: ExitStatus, _ job: Job, _ bounds: Bounds) -> Result<Artefact, AgentFailure> {
    switch status {
    case .exited(0):
      do throws(SystemError) {
        try Artefact.seal(job.result, job.seal, secret: job.secret)
        try Files.move(job.result, to: job.path)
      } catch {
        return .failure(refused("the compiled module cannot be kept: \(error)"))
      }
      do throws(TrustError) {
        let folder = try TrustedFolder(Files.folder(of: job.path), mayBeLink: false)
        if let made = Artefact.open(job.seal.name, in: folder, job.seal, secret: job.secret) { return .success(made) }
      } catch {
        return .failure(refused("\(error)"))
      }
      return .failure(failed("the compiled module is not what it should be"))
    case .exited(ModuleCompiler.dataError), .exited(ModuleCompiler.softwareError):
      let why = (try? Files.read(job.result, limit: 65536)).map { LogText.text(String(decoding: $0, as: UTF8.self)) }
      let reason = why.map { FunctionName.removed(from: $0) } ?? "the compiler does not say why"
      return .failure(failed("the module cannot be compiled: \(reason)"))
    case .exited(let code): return .failure(failed("the compiler of WASM modules ended with code \(code)"))
    case .signalled(let signal):
      return .failure(
        failed(
          "compiling the module took more than \(bounds.memory >> 20) MiB or \(bounds.patience.text), or the compiler "
            + "crashed (signal \(signal))"))
    }
  }
}
