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
  private let home: String
  private let descriptors = DescriptorQuota(256)
  private let slices: SliceQueue
  private var loaded: Loaded?

  private let given: LoadedEngine?

  private struct Loaded {
    var engine: LoadedEngine
    var artefacts: ArtefactStore
    /// By the agents' files: which artefact a file led to, and what the file was then.
    var known: [String: (status: FileStatus, artefact: String)] = [:]
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
  public init(
    _ loop: any Loop, folder: String, home: String? = nil, compiler: String = "/proc/self/exe",
    places: [String] = EngineLibrary.places(), limits: GuestLimits = GuestLimits(),
    patience: Duration = .seconds(90), space: UInt64 = ModuleCompiler.space, clock: (any Timekeeper)? = nil,
    engine: LoadedEngine? = nil
  ) {
    given = engine
    self.loop = loop
    self.clock = clock ?? loop
    self.folder = folder
    self.compiler = compiler
    self.places = places
    self.limits = limits
    self.home = home ?? Files.folder(of: folder)
    bounds = ArtefactStore.Bounds(patience: patience, memory: space)
    slices = SliceQueue(loop)
  }

  public var kind: Manifest.Driver { .wasm }

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
    _ manifest: Manifest, host: any AgentHost, _ done: @escaping (Result<any AgentInstance, AgentFailure>) -> Void
  ) {
    do throws(AgentFailure) {
      let module = try self.module(of: manifest)
      let surroundings = try surroundings(of: manifest)
      let limits = self.limits(of: manifest)
      let artefacts = try load().artefacts
      let source = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
      let status = try? FileStatus(source)
      func begin(_ file: Result<String, AgentFailure>) {
        switch file.flatMap({ open($0) }) {
        case .failure(let failure): done(.failure(failure))
        case .success(let module):
          if let status, case .success(let path) = file { loaded?.known[source] = (status, path) }
          let instance = WASMInstance(manifest, module, limits, host, clock, slices, surroundings)
          instance.start { result in done(result.map { instance }) }
        }
      }
      if let artefact = inUse(source, status) { return begin(.success(artefact)) }
      artefacts.prepare(module) { [self] file in
        guard case .success(let path) = file, case .failure = open(path) else { return begin(file) }
        // Ours by its seal, and yet the engine does not take it: another library of the same size and time.
        artefacts.prepare(anew: true, module) { begin($0) }
      }
    } catch {
      done(.failure(error))
    }
  }

  /// The artefact of a file that has not changed, while other instances of it run: nothing has to be read again.
  private func inUse(_ source: String, _ status: FileStatus?) -> String? {
    guard let status, let known = loaded?.known[source], status.isUnchanged(since: known.status),
      loaded?.engine.hasOpen(known.artefact) ?? false
    else { return nil }
    return known.artefact
  }

  private func open(_ path: String) -> Result<PreparedModule, AgentFailure> {
    do throws(AgentFailure) {
      let engine = try load().engine
      do throws(EngineError) {
        let module = try engine.open(path)
        let known = loaded?.known ?? [:]
        loaded?.known = known.filter { engine.hasOpen($0.value.artefact) }
        return .success(module)
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
    guard manifest.runtime.driver == kind else {
      throw AgentFailure(.startFailed, "runtime.driver is '\(manifest.runtime.driver.rawValue)', not 'wasm'")
    }
    let path = Files.join(Files.folder(of: manifest.file), manifest.runtime.entry)
    let (agent, memory) = (manifest.id, limits(of: manifest).memory)
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

  /// The agent's environment and plugins: `name@version` is the folder of that name, or else of the plain name.
  private func surroundings(of manifest: Manifest) throws(AgentFailure) -> GuestSurroundings {
    var plugins: [PluginFolder] = []
    for plugin in manifest.plugins {
      // A scope begins with an @, too.
      let mark = plugin.dropFirst().lastIndex(of: "@")
      let name = mark.map { String(plugin[..<$0]) } ?? plugin
      let places = [plugin, name].map { "\(home)/plugins/\($0)" }
      guard let place = places.first(where: { Files.isFolder($0) }) else {
        throw AgentFailure(
          .startFailed,
          "plugin '\(plugin)' of agent '\(manifest.id)' is not installed: there is no folder "
            + places.joined(separator: " or "))
      }
      plugins.append(PluginFolder(name: "/plugins/\(name)", path: place))
    }
    return GuestSurroundings(
      environment: ["OPENSTARRY_AGENT_ID=\(manifest.id)", "OPENSTARRY_HOME=/"], plugins: plugins, quota: descriptors)
  }

  private func limits(of manifest: Manifest) -> GuestLimits {
    var limits = self.limits
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
