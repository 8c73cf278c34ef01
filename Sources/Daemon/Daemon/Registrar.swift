import Agent
import Config
import Control
import Document
import Isolations
import Linux
import Model
import Orchestrator

/// Registers, enables and removes agents at run time.
final class Registrar: RegistryControl {
  private let configuration: Configuration
  private let agents: AgentSupervisor
  private let registry: StoredRegistry
  private let clock: any Timekeeper
  private let handedModules: HandedModules

  /// - Parameters:
  ///   - configuration: checks manifests against the board, and names the home in which modules are stored.
  ///   - agents: starts and ends the agents.
  ///   - registry: the registry on the disk.
  ///   - clock: names new modules by its wall time.
  init(_ configuration: Configuration, agents: AgentSupervisor, registry: StoredRegistry, clock: any Timekeeper) {
    self.configuration = configuration
    self.agents = agents
    self.registry = registry
    self.clock = clock
    handedModules = HandedModules(home: configuration.settings.home)
  }

  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  ) {
    let (checked, module): (Manifest, HandedModule?)
    do { (checked, module) = try manifest(of: registration) } catch { return done(.failure(error)) }
    let id = checked.id
    agents.replace(checked, trial: registration.trial, cause: cause) { [self] result in
      switch result {
      case .success:
        handedModules.tidy(id, except: try? agents.manifest(id).runtime.entry)
        keepBeforeAnswer(done) { [self] () throws(AgentControlError) in try agents.agentStatus(id) }
      case .failure(let error):
        guard let module else { return done(.failure(.agent(error))) }
        // Remove only the new module: an instance may run the old one.
        handedModules.discard(module.path)
        done(.failure(.agent(error.calling(module.path, module.original))))
      }
    }
  }

  /// Checks a manifest, and stores the module that came with it.
  /// - Returns: the manifest, and its module; nil when none came with it.
  private func manifest(of registration: AgentRegistration) throws(RegistrationError) -> (Manifest, HandedModule?) {
    let checked = try check(registration.manifest, registration.file)
    guard let module = registration.module else { return (checked, nil) }
    func refuse(_ why: String) -> RegistrationError {
      .invalid(Diagnostics([Diagnostic(Location(file: registration.file), why)]))
    }
    guard Isolations.of(checked.runtime.driver)?.buildsEntry ?? false, case .map(var document) = registration.manifest,
      case .map(var runtime)? = document["runtime"]
    else {
      let takers = Isolations.known.filter(\.buildsEntry).map { "'\($0.kind.rawValue)'" }
      throw refuse("a module came with it, and its 'runtime.driver' is not \(takers.joined(separator: " or "))")
    }
    let path: String
    do throws(SystemError) {
      path = try handedModules.keep(module, of: checked.id, at: clock.wallMilliseconds)
    } catch {
      throw .agent(.storage("\(error)"))
    }
    runtime["entry"] = .string(path)
    document["runtime"] = .map(runtime)
    let (entry, file) = (checked.runtime.entry, registration.file)
    let original = Files.isAbsolute(file) ? Files.join(Files.folder(of: file), entry) : entry
    do throws(RegistrationError) {
      return (try check(.map(document), file), HandedModule(path: path, original: original))
    } catch {
      handedModules.discard(path)
      throw error
    }
  }

  private func check(_ manifest: Value, _ file: String) throws(RegistrationError) -> Manifest {
    do throws(Diagnostics) {
      return try configuration.manifest(text: JSON.encode(manifest), file: Self.jsonName(file))
    } catch {
      // Leave out lines and columns: they would be those of the encoded text, which nobody has written.
      throw .invalid(Diagnostics(error.all.map { Diagnostic(Location(file: file), $0.message) }))
    }
  }

  func childManifest(
    _ path: String, parent: Manifest, values: [String: String]
  ) throws(RegistrationError) -> Value {
    func refuse(_ why: String) -> RegistrationError {
      .invalid(Diagnostics([Diagnostic(Location(file: path), why)]))
    }
    let folder = Files.folder(of: parent.file)
    guard Files.isFile(parent.file), let above = try? Files.resolve(folder) else {
      throw refuse("the manifest of '\(parent.id)' lies in no folder, so a child's must be given as 'manifest'")
    }
    let (file, bytes): (String, [UInt8])
    do throws(SystemError) {
      file = try Files.resolve(path)
      bytes = try Files.read(file)
    } catch {
      throw refuse("\(error)")
    }
    guard Files.contains(above, file) else {
      throw refuse("it lies outside of \(above), the folder of the manifest of '\(parent.id)'")
    }
    do throws(Diagnostics) {
      return try ConfigText.manifestDocument(bytes, file: path, values: values)
    } catch {
      throw .invalid(error)
    }
  }

  func setEnabled(
    _ agent: AgentID, _ isEnabled: Bool, cause: Cause?,
    _ done: @escaping (Result<AgentStatus?, RegistrationError>) -> Void
  ) {
    do { try agents.setEnabled(agent, isEnabled, cause: cause) } catch { return done(.failure(.agent(error))) }
    keepBeforeAnswer(done) { [self] () throws(AgentControlError) in try? agents.agentStatus(agent) }
  }

  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, RegistrationError>) -> Void) {
    do { try agents.unregister(agent) } catch { return done(.failure(.agent(error))) }
    handedModules.tidy(agent, except: nil)
    keepBeforeAnswer(done) { () throws(AgentControlError) in }
  }

  /// Answers when the registry is on the disk, so that an answer means that the change survives a power cut.
  private func keepBeforeAnswer<Answer>(
    _ done: @escaping (Result<Answer, RegistrationError>) -> Void,
    _ answer: @escaping () throws(AgentControlError) -> Answer
  ) {
    registry.flush { result in
      do throws(AgentControlError) {
        if case .failure(let failure) = result { throw .storage(failure.message) }
        done(.success(try answer()))
      } catch {
        done(.failure(.agent(error)))
      }
    }
  }

  /// The name of a file, ending in `.json`: its contents came as JSON, so they must not be read as YAML.
  private static func jsonName(_ file: String) -> String { file.hasSuffix(".json") ? file : "\(file).json" }
}
