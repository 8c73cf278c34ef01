import Agent
import EventLoop
import Glibc
import Linux
import Model

/// Runs agents that are WebAssembly modules, on the loop's thread, a slice at a time.
///
/// The engine is loaded when the first such agent is registered. A module is compiled once, in a child process; what
/// it may import and has to export is in `docs/wasm-abi.md`.
public final class WASMDriver: AgentDriver {
  private let loop: any Loop
  private let clock: any Timekeeper
  private let folder: String
  private let compiler: String
  private let places: [String]
  private let limits: GuestLimits
  /// Of compilations; counts from when the engine is loaded.
  var bounds: ArtefactStore.Bounds
  private let plugins: PluginStore
  private let witness: (any CodeWitness)?
  private let descriptors = DescriptorQuota(256)
  private let slices: SliceQueue
  private var loaded: Loaded?

  private let given: LoadedEngine?
  private var starting: [ObjectIdentifier: WASMInstance] = [:]

  private struct Loaded {
    var engine: LoadedEngine
    var artefacts: ArtefactStore
    /// By the agents' files: which artefact a file led to, and what the file was then.
    var known: [String: (status: FileStatus, artefact: String)] = [:]
    /// What agents sleep in that may wait; opened when the first of them starts.
    var bed: PreparedModule?
  }

  /// A driver; loads nothing yet.
  /// - Parameters:
  ///   - folder: where compiled modules are kept: native code, so nobody else may write to it.
  ///   - home: `$OPENSTARRY_HOME`, with the folder `plugins`; the folder that `folder` is in when nil.
  ///   - compiler: a program that calls `ModuleCompiler.runIfAsked` first of all; by default this one.
  ///   - places: where the engine is looked for.
  ///   - limits: for agents without a budget of their own.
  ///   - patience: how long a compilation may take.
  ///   - space: how many bytes of address space a compilation may take.
  ///   - clock: what deadlines are measured on; the loop when nil.
  ///   - engine: one that is loaded; nil loads one from `places` when it is needed.
  ///   - witness: is told whenever code of an agent runs.
  public init(
    _ loop: any Loop, folder: String, home: String? = nil, compiler: String = "/proc/self/exe",
    places: [String] = EngineLibrary.places(), limits: GuestLimits = GuestLimits(),
    patience: Duration = .seconds(90), space: UInt64 = ModuleCompiler.space, clock: (any Timekeeper)? = nil,
    engine: LoadedEngine? = nil, witness: (any CodeWitness)? = nil
  ) {
    given = engine
    self.witness = witness
    self.loop = loop
    self.clock = clock ?? loop
    self.folder = folder
    self.compiler = compiler
    self.places = places
    self.limits = limits
    plugins = PluginStore(home: home ?? Files.folder(of: folder))
    bounds = ArtefactStore.Bounds(patience: patience, memory: space)
    slices = SliceQueue(loop)
  }

  /// What is to be known of it without a driver.
  public static let isolation = Isolation(
    .wasm, entry: "the module's file", buildsEntry: true, runsOnLoop: true,
    check: { manifest throws(AgentFailure) in try check(manifest) })

  public var isolation: Isolation { Self.isolation }

  /// How often a module had to be compiled.
  public var compilations: Int { loaded?.artefacts.compilations ?? 0 }

  /// Checks the module and its plugins, and begins to compile it when it is not yet.
  public func validate(_ manifest: Manifest) throws(AgentFailure) {
    let module = try self.module(of: manifest)
    _ = try surroundings(of: manifest)
    let bytes = try module().get()
    try load().artefacts.prepare({ .success(bytes) }) { _ in }
  }

  /// Its memory is never without a limit.
  public func inForce(_ manifest: Manifest) -> Budget {
    var budget = manifest.budget
    budget.memory = limits(of: manifest).memory
    return budget
  }

  public func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do throws(AgentFailure) {
      let module = try self.module(of: manifest)
      let surroundings = try surroundings(of: manifest)
      let limits = self.limits(of: manifest)
      let artefacts = try load().artefacts
      let source = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
      let status = try? FileStatus(source)
      func run(_ module: PreparedModule, bed: PreparedModule?) {
        let instance = WASMInstance(
          manifest, module, limits, host, clock, slices, surroundings, witness, bed: bed, ended: ended)
        starting[ObjectIdentifier(instance)] = instance
        instance.start { [self] result in
          starting[ObjectIdentifier(instance)] = nil
          done(result.map { instance })
        }
      }
      func start(bed: PreparedModule?) {
        if let module = inUse(source, status) { return run(module, bed: bed) }
        open(artefacts, module) { [self] opened in
          switch opened {
          case .failure(let failure): done(.failure(failure))
          case .success(let (module, path)):
            if let status { loaded?.known[source] = (status, path) }
            run(module, bed: bed)
          }
        }
      }
      guard manifest.permissions.model else { return start(bed: nil) }
      if let bed = loaded?.bed { return start(bed: bed) }
      open(artefacts, { .success(Bed.module) }) { [self] opened in
        switch opened {
        case .failure(let failure): done(.failure(failure))
        case .success(let (bed, _)):
          loaded?.bed = bed
          start(bed: bed)
        }
      }
    } catch {
      done(.failure(error))
    }
  }

  /// Ends the instances whose start functions have not returned: their starts fail.
  package func endStarts() { for instance in starting.values { instance.stop(now: true) {} } }

  /// The module of a file that has not changed, while other instances of it run: nothing has to be read again.
  private func inUse(_ source: String, _ status: FileStatus?) -> PreparedModule? {
    guard let status, let known = loaded?.known[source], status.isUnchanged(since: known.status) else { return nil }
    return loaded?.engine.opened(known.artefact)
  }

  /// Compiles a module where that was not done yet, and opens it.
  private func open(
    _ artefacts: ArtefactStore, _ module: @escaping @Sendable () -> Result<[UInt8], AgentFailure>,
    _ done: @escaping (Result<(PreparedModule, path: String), AgentFailure>) -> Void
  ) {
    artefacts.prepare(module) { [self] found in
      let opened = found.flatMap { open($0) }
      guard case .success = found, case .failure = opened else { return done(opened) }
      // Ours by its seal, and yet the engine does not take it: another library of the same size and time.
      artefacts.prepare(anew: true, module) { [self] made in done(made.flatMap { open($0) }) }
    }
  }

  private func open(_ artefact: Artefact) -> Result<(PreparedModule, path: String), AgentFailure> {
    do throws(AgentFailure) {
      let engine = try load().engine
      do throws(EngineError) {
        let module = try engine.open(artefact)
        let known = loaded?.known ?? [:]
        loaded?.known = known.filter { engine.opened($0.value.artefact) != nil }
        return .success((module, artefact.path))
      } catch {
        throw AgentFailure(.startFailed, OneLine.text(error.description))
      }
    } catch {
      return .failure(error)
    }
  }

  /// What reads and checks a manifest's module, on any thread.
  private func module(
    of manifest: Manifest
  ) throws(AgentFailure) -> @Sendable () -> Result<[UInt8], AgentFailure> {
    try Self.module(of: manifest, memory: limits(of: manifest).memory)
  }

  private static func module(
    of manifest: Manifest, memory: Int
  ) throws(AgentFailure) -> @Sendable () -> Result<[UInt8], AgentFailure> {
    guard manifest.runtime.driver == .wasm else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'wasm'")
    }
    let path = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
    let agent = manifest.id
    return {
      let bytes: [UInt8]
      do throws(SystemError) {
        bytes = try Files.read(path, limit: ModuleCheck.largest)
      } catch {
        let why =
          error.errno == EFBIG
          ? "\(path) has more than the \(ModuleCheck.largest) bytes a module may have" : error.description
        return .failure(AgentFailure(.startFailed, "the module of agent '\(agent)' cannot be used: \(why)"))
      }
      return Result { () throws(AgentFailure) in
        try ModuleCheck.check(bytes, file: path, memory: memory)
        return bytes
      }
    }
  }

  /// The agent's environment and plugins.
  private func surroundings(of manifest: Manifest) throws(AgentFailure) -> GuestSurroundings {
    GuestSurroundings(
      environment: ["OPENSTARRY_AGENT_ID=\(manifest.id)", "OPENSTARRY_HOME=/"],
      plugins: try plugins.plugins(of: manifest).map { PluginFolder(name: "/plugins/\($0.name)", path: $0.path) },
      quota: descriptors)
  }

  /// Whether an agent's module is there and may run, without an engine: what a daemon with the usual limits says of it.
  /// - Throws: what is wrong with it.
  public static func check(_ manifest: Manifest) throws(AgentFailure) {
    _ = try module(of: manifest, memory: limits(of: manifest, GuestLimits()).memory)().get()
  }

  private func limits(of manifest: Manifest) -> GuestLimits { Self.limits(of: manifest, limits) }

  private static func limits(of manifest: Manifest, _ usual: GuestLimits) -> GuestLimits {
    var limits = usual
    limits.memory = min(manifest.budget.memory ?? limits.memory, EngineConfiguration().memory)
    if let activation = manifest.budget.activation {
      limits.activation = activation
      limits.fuel = limits.fuel ?? GuestLimits.fuel(for: activation)
    }
    return limits
  }

  private func load() throws(AgentFailure) -> Loaded {
    if let loaded { return loaded }
    do throws(EngineError) {
      let engine = if let given { given } else { try LoadedEngine(in: places) }
      let loaded = Loaded(
        engine: engine,
        artefacts: ArtefactStore(loop, folder: folder, engine.linker.engine, compiler: compiler, bounds))
      self.loaded = loaded
      return loaded
    } catch {
      throw AgentFailure(.startFailed, error.description)
    }
  }
}
