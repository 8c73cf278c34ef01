import Agent
import EventLoop
import Glibc
import Linux
import Model
import Plugins

/// Runs agents that are WebAssembly modules, on the loop's thread, slice by slice.
///
/// The engine is loaded when the first such agent is registered. A module is compiled once, in a child process.
/// `docs/wasm-abi.md` lists its imports and exports.
package final class WASMDriver: AgentDriver {
  private let loop: any Loop
  private let clock: any Timekeeper
  private let folder: String
  private let compiler: String
  private let places: [String]
  private let limits: GuestLimits
  /// The limits of compilations; changes have no effect once the engine is loaded.
  var bounds: ArtefactStore.Bounds
  private let plugins: PluginStore
  private let witness: (any CodeWitness)?
  private let descriptors = DescriptorQuota(256)
  private let slices: SliceQueue
  private var loaded: Loaded?

  private let given: LoadedEngine?
  /// Held by what they wait for: a driver that kept them would keep itself.
  private var starts: [AgentID: WeakStart] = [:]

  private struct WeakStart { weak var start: PendingStart? }

  private struct Loaded {
    var engine: LoadedEngine
    var artefacts: ArtefactStore
    /// The artefact of each agent's file, and the file's status at that time.
    var known: [String: (status: FileStatus, artefact: String)] = [:]
    /// The module that suspends agents that may wait; opened when the first of them starts.
    var suspension: PreparedModule?
  }

  /// Creates a driver. Loads nothing yet.
  /// - Parameters:
  ///   - folder: the folder of compiled modules. They are native code, so nobody else may write to it.
  ///   - plugins: the plugins of agents; nil is the folder `plugins` beside `folder`.
  ///   - compiler: a program that begins with `ModuleCompiler.runIfAsked`; by default this one.
  ///   - places: the paths where the engine is looked for.
  ///   - limits: the limits of agents without a budget.
  ///   - patience: the longest time of a compilation.
  ///   - space: the address space of a compilation, in bytes.
  ///   - clock: the clock of deadlines; nil is the loop.
  ///   - engine: a loaded engine; nil loads one from `places` when it is needed.
  ///   - witness: notified whenever code of an agent runs.
  package init(
    _ loop: any Loop, folder: String, plugins: PluginStore? = nil, compiler: String = "/proc/self/exe",
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
    self.plugins = plugins ?? PluginStore(home: Files.folder(of: folder))
    bounds = ArtefactStore.Bounds(patience: patience, memory: space)
    slices = SliceQueue(loop)
  }

  /// The properties of this isolation.
  package static let isolation = Isolation(
    .wasm, entry: "the module's file", buildsEntry: true, runsOnLoop: true,
    ineffective: ["fs_allow_paths", "network_allow_hosts", "data"],
    check: { manifest throws(AgentFailure) in try check(manifest) })

  package var isolation: Isolation { Self.isolation }

  /// The number of compilations.
  package var compilations: Int { loaded?.artefacts.compilations ?? 0 }

  /// Checks the module and its plugins, and begins to compile the module unless it is compiled.
  package func validate(_ manifest: Manifest) throws(AgentFailure) {
    let module = try self.module(of: manifest)
    _ = try environment(of: manifest)
    let bytes = try module().get()
    try load().artefacts.prepare({ .success(bytes) }) { _ in }
  }

  /// Memory always has a limit.
  package func inForce(_ manifest: Manifest) -> Budget {
    var budget = manifest.budget
    budget.memory = limits(of: manifest).memory
    return budget
  }

  package func start(
    _ manifest: Manifest, host: any AgentHost, ended: @escaping (AgentEnd) -> Void,
    _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    let id = manifest.id
    let pending = PendingStart { [weak self] result in
      self?.starts[id] = nil
      done(result)
    }
    starts[id] = WeakStart(start: pending)
    do throws(AgentFailure) {
      let module = try self.module(of: manifest)
      let environment = try environment(of: manifest)
      let limits = self.limits(of: manifest)
      let artefacts = try load().artefacts
      let source = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
      let status = try? FileStatus(source)
      func run(_ module: PreparedModule, suspension: PreparedModule?) {
        if pending.isOver { return }
        pending.run(
          WASMInstance(
            manifest, module, limits, host, clock, slices, environment, witness, suspension: suspension, ended: ended))
      }
      func start(suspension: PreparedModule?) {
        if let module = inUse(source, status) { return run(module, suspension: suspension) }
        open(artefacts, module) { [self] opened in
          switch opened {
          case .failure(let failure): pending.answer(.failure(failure))
          case .success(let (module, path)):
            if let status { loaded?.known[source] = (status, path) }
            run(module, suspension: suspension)
          }
        }
      }
      guard manifest.permissions.model else { return start(suspension: nil) }
      if let suspension = loaded?.suspension { return start(suspension: suspension) }
      open(artefacts, { .success(SuspensionModule.bytes) }) { [self] opened in
        switch opened {
        case .failure(let failure): pending.answer(.failure(failure))
        case .success(let (suspension, _)):
          loaded?.suspension = suspension
          start(suspension: suspension)
        }
      }
    } catch {
      pending.answer(.failure(error))
    }
  }

  package func cancelStart(of agent: AgentID) { starts[agent]?.start?.cancel() }

  /// Gives up all starts without an answer, for a daemon that has died in virtual time: nobody is there to take it.
  package func abandonStarts() {
    let starts = starts.values
    self.starts = [:]
    for weak in starts { weak.start?.abandon() }
  }

  /// The open module of a file that has not changed, while other instances of it run: it need not be read again.
  private func inUse(_ source: String, _ status: FileStatus?) -> PreparedModule? {
    guard let status, let known = loaded?.known[source], status.isUnchanged(since: known.status) else { return nil }
    return loaded?.engine.opened(known.artefact)
  }

  /// Compiles a module if necessary, and opens it.
  private func open(
    _ artefacts: ArtefactStore, _ module: @escaping @Sendable () -> Result<[UInt8], AgentFailure>,
    _ done: @escaping (Result<(PreparedModule, path: String), AgentFailure>) -> Void
  ) {
    artefacts.prepare(module) { [self] found in
      let opened = found.flatMap { open($0) }
      guard case .success = found, case .failure = opened else { return done(opened) }
      // The seal is valid, but the engine rejects the code: it is from another library of the same size and time.
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
        throw AgentFailure(.startFailed, LogText.text(error.description))
      }
    } catch {
      return .failure(error)
    }
  }

  /// A function that reads and checks a manifest's module, on any thread.
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
          ? "\(path) has more than the \(ModuleCheck.largest) bytes that a module may have" : error.description
        return .failure(AgentFailure(.startFailed, "the module of agent '\(agent)' cannot be used: \(why)"))
      }
      return Result { () throws(AgentFailure) in
        try ModuleCheck.check(bytes, file: path, memory: memory)
        return bytes
      }
    }
  }

  /// The agent's environment and plugins.
  private func environment(of manifest: Manifest) throws(AgentFailure) -> GuestEnvironment {
    GuestEnvironment(
      variables: ["OPENSTARRY_AGENT_ID=\(manifest.id)", "OPENSTARRY_HOME=/"],
      plugins: try plugins.plugins(of: manifest).map {
        PluginFolder(name: "/plugins/\($0.name)", path: $0.path, use: $0.use)
      },
      quota: descriptors)
  }

  /// Checks an agent's module with the default limits, without an engine.
  /// - Throws: if it is missing or may not run.
  package static func check(_ manifest: Manifest) throws(AgentFailure) {
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
