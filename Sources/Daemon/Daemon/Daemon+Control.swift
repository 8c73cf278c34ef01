import Agent
import Control
import Document
import Footprint
import Isolations
import Linux
import Model
import Orchestrator

// The daemon as the control plane sees it.
extension Daemon: DaemonControl {
  var version: String { Release.version }

  func status() -> Fields {
    let listed = agents.listAgents()
    var status: Fields = [
      "board": .string(configuration.board.name),
      "backend": .string(configuration.board.backend.rawValue),
      "home": .string(configuration.settings.home),
      "guardian": .string(guardianStatus), "clock": clockStatus,
    ]
    if let problem = registry.problem { status["not_kept"] = .string(problem) }
    if let notSafe = notSafeStatus { status["not_safe"] = notSafe }
    if let problem = core.stops?.problem {
      let what = hardware.emergencyStop == nil ? "the stop is over, and would be back" : "the stop would be over"
      status["emergency_stop_not_kept"] = .string("\(what) after a restart, until it can be written: \(problem)")
    }
    for (name, value) in vitals.status { status[name] = value }
    let board = boardBudgets
    var loose = Fields(
      listed.compactMap { agent -> (String, Value)? in
        let names = agent.budgets.filter(\.isLoose).map { "\($0.resource.rawValue)" }
        return names.isEmpty ? nil : (agent.id.rawValue, .string(names.joined(separator: " ")))
      })
    var ofBoard = board.filter(\.isLoose).map { "\($0.resource.rawValue)" }
    if let limit = vitals.meter.looseLimit { ofBoard.append("memory: MemoryMax=\(limit.value)") }
    if !ofBoard.isEmpty { loose["(board)"] = .string(ofBoard.joined(separator: " ")) }
    status["metered"] = .map(
      Fields(board.compactMap { row in row.whole.map { (row.resource.rawValue, .string(row.measured(by: $0.meter))) } })
    )
    if !loose.isEmpty { status["budgets_not_enforced"] = .map(loose) }
    if let usage = ResourceUsage.ofThisProcess() {
      status["memory"] = ["pss_kib": .int(usage.pss), "private_dirty_kib": .int(usage.privateDirty)]
      status["threads"] = .int(usage.threads)
      status["descriptors"] = .int(usage.descriptors)
    }
    return status
  }

  func stop() { loop.later { [self] in end() } }

  func reload() throws(Diagnostics) -> Fields { try reloadAll() }

  func register(
    _ registration: AgentRegistration, cause: Cause?, _ done: @escaping (Result<AgentStatus, RegistrationError>) -> Void
  ) {
    let (checked, module): (Manifest, String?)
    do { (checked, module) = try manifest(of: registration) } catch { return done(.failure(error)) }
    let id = checked.id
    agents.replace(checked, trial: registration.trial, cause: cause) { [self] result in
      switch result {
      case .success:
        handedModules.tidy(id, except: try? agents.manifest(id).runtime.entry)
        keepBeforeAnswer(done) { [self] () throws(AgentControlError) in try agents.agentStatus(id) }
      case .failure(let error):
        // Remove only the new module: an instance may run the old one.
        if let module { Files.remove(module) }
        done(.failure(.agent(error)))
      }
    }
  }

  /// Checks a manifest, and stores the module that came with it.
  /// - Returns: the manifest, and the path of its module; nil when none came with it.
  private func manifest(of registration: AgentRegistration) throws(RegistrationError) -> (Manifest, String?) {
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
      path = try handedModules.keep(module, of: checked.id, at: loop.wallMilliseconds)
    } catch {
      throw .agent(.storage("\(error)"))
    }
    runtime["entry"] = .string(path)
    document["runtime"] = .map(runtime)
    return (try check(.map(document), registration.file), path)
  }

  private func check(_ manifest: Value, _ file: String) throws(RegistrationError) -> Manifest {
    do throws(Diagnostics) {
      return try configuration.manifest(text: JSON.encode(manifest), file: Self.jsonName(file))
    } catch {
      // Leave out lines and columns: they would be those of the encoded text, which nobody has written.
      throw .invalid(Diagnostics(error.all.map { Diagnostic(Location(file: file), $0.message) }))
    }
  }

  private var handedModules: HandedModules { HandedModules(home: configuration.settings.home) }

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

extension BudgetStatus {
  /// `3.2 MiB of 64 MiB by cgroup, enforced`.
  fileprivate func measured(by meter: BoardMeasurement.Meter) -> String {
    let held = limit == nil ? "" : ", \(enforcement.name)"
    return "\(BudgetText.share(fields)) by \(meter.rawValue)\(held)"
  }
}
