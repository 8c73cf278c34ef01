import Agent
import EventLoop
import Linux
import Model

/// Runs agents that are WebAssembly modules, on the loop's thread, a slice at a time.
///
/// The engine is loaded when the first such agent is registered. A module is compiled once, in a child process; what
/// it may import and has to export is in `docs/wasm-abi.md`.
public final class WASMDriver: AgentDriver {
  private let loop: EventLoop
  private let clock: any Timekeeper
  private let folder: String
  private let compiler: String
  private let places: [String]
  private let limits: GuestLimits
  private let patience: Duration
  private let slices: SliceQueue
  private var loaded: Loaded?

  private struct Loaded {
    var linker: HostLinker
    var artefacts: ArtefactStore
    /// By the file they came from; instances keep them.
    var modules: [String: WeakModule] = [:]
  }

  private struct WeakModule {
    weak var module: PreparedModule?
  }

  /// A driver; loads nothing yet.
  /// - Parameters:
  ///   - folder: where compiled modules are kept: native code, so nobody else may write to it.
  ///   - compiler: a program that calls `ModuleCompiler.runIfAsked` first of all; by default this one.
  ///   - places: where the engine is looked for.
  ///   - limits: for agents without a budget of their own.
  ///   - patience: how long a compilation may take.
  ///   - clock: what deadlines are measured on; the loop when nil.
  public init(
    _ loop: EventLoop, folder: String, compiler: String = "/proc/self/exe",
    places: [String] = EngineLibrary.places(), limits: GuestLimits = GuestLimits(),
    patience: Duration = .seconds(90), clock: (any Timekeeper)? = nil
  ) {
    self.loop = loop
    self.clock = clock ?? loop
    self.folder = folder
    self.compiler = compiler
    self.places = places
    self.limits = limits
    self.patience = patience
    slices = SliceQueue(loop)
  }

  public var kind: Manifest.Driver { .wasm }

  /// How often a module had to be compiled.
  public var compilations: Int { loaded?.artefacts.compilations ?? 0 }

  /// Checks the module, and begins to compile it when it is not yet.
  public func validate(_ manifest: Manifest) throws(AgentFailure) {
    let bytes = try module(of: manifest)
    try load().artefacts.prepare(bytes) { _ in }
  }

  public func start(
    _ manifest: Manifest, host: any AgentHost, _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do throws(AgentFailure) {
      let bytes = try module(of: manifest)
      let limits = self.limits(of: manifest)
      let artefacts = try load().artefacts
      artefacts.prepare(bytes) { [self] file in
        if case .success(let path) = file, case .failure = open(path) {
          // Ours by its seal, and yet the engine does not take it: another library of the same size and time.
          artefacts.prepare(bytes, anew: true) { [self] in start(manifest, limits, $0, host, done) }
        } else {
          start(manifest, limits, file, host, done)
        }
      }
    } catch {
      done(.failure(error))
    }
  }

  private func start(
    _ manifest: Manifest, _ limits: GuestLimits, _ file: Result<String, AgentFailure>, _ host: any AgentHost,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    switch file.flatMap({ open($0) }) {
    case .failure(let failure): done(.failure(failure))
    case .success(let module):
      let instance = WASMInstance(manifest, module, limits, host, clock, slices)
      instance.start { result in done(result.map { instance }) }
    }
  }

  private func open(_ path: String) -> Result<PreparedModule, AgentFailure> {
    if let module = loaded?.modules[path]?.module { return .success(module) }
    do throws(AgentFailure) {
      let linker = try load().linker
      do throws(EngineError) {
        let module = try PreparedModule(linker, file: path)
        var modules = (loaded?.modules ?? [:]).filter { $0.value.module != nil }
        modules[path] = WeakModule(module: module)
        loaded?.modules = modules
        return .success(module)
      } catch {
        throw AgentFailure(.startFailed, OneLine.text(error.description))
      }
    } catch {
      return .failure(error)
    }
  }

  private func module(of manifest: Manifest) throws(AgentFailure) -> [UInt8] {
    guard manifest.runtime.driver == kind else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'wasm'")
    }
    let path = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try Files.read(path, limit: ModuleCheck.largest)
    } catch {
      throw AgentFailure(.startFailed, "the module of agent '\(manifest.id)' cannot be used: \(error)")
    }
    try ModuleCheck.check(bytes, file: path, memory: limits(of: manifest).memory)
    return bytes
  }

  private func limits(of manifest: Manifest) -> GuestLimits {
    var limits = self.limits
    limits.memory = min(manifest.budget.memory ?? limits.memory, EngineConfiguration().memory)
    limits.activation = manifest.budget.activation ?? limits.activation
    return limits
  }

  private func load() throws(AgentFailure) -> Loaded {
    if let loaded { return loaded }
    do throws(EngineError) {
      guard let path = EngineLibrary.find(in: places) else { throw EngineError.notInstalled(looked: places) }
      let engine = Engine(try EngineLibrary(path: path))
      let loaded = Loaded(
        linker: try HostLinker(engine),
        artefacts: ArtefactStore(loop, folder: folder, engine, compiler: compiler, patience: patience))
      self.loaded = loaded
      return loaded
    } catch {
      throw AgentFailure(.startFailed, error.description)
    }
  }
}
