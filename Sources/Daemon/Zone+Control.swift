import Agent
import Control
import Document
import Linux
import Model
import Orchestrator

// What the control plane may ask of the daemon as a whole.
extension Zone: ZoneControl {
  var version: String { Release.version }

  func status() -> Fields {
    let listed = agents.listAgents()
    let running = listed.count { $0.started != nil }
    var status: Fields = [
      "board": .string(configuration.board.name),
      "backend": .string(configuration.board.backend.rawValue),
      "home": .string(configuration.settings.home),
      "devices": .int(Int64(configuration.board.devices.count)),
      "agents": ["registered": .int(Int64(listed.count)), "running": .int(Int64(running))],
      "rules": .int(Int64(rules.listRules().count)),
      "events": ["total": .int(Int64(clamping: log.total)), "shed": .int(Int64(clamping: log.shed))],
      "denials": .int(Int64(clamping: hardware.denials)),
      "guardian": .string(guardianStatus),
    ]
    if let notSafe = notSafeStatus { status["not_safe"] = notSafe }
    if let stop = hardware.emergencyStop {
      status["emergency_stop"] = .string("by \(stop.by)" + (stop.reason.map { ": \($0)" } ?? ""))
    }
    for (name, value) in health { status[name] = value }
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

  func stateTree(_ done: @escaping (Value) -> Void) {
    StateTree(
      agents: agents, boardBudgets: boardBudgets, hardware: hardware, rules: rules, log: log, clock: loop
    ).collect { [self] tree in
      var tree = tree
      tree["board"] = .string(configuration.board.name)
      done(.map(tree))
    }
  }

  func stop() { loop.later { [self] in end() } }

  func reload() throws(Diagnostics) -> Fields { try reloadAll() }

  func register(manifest: Value, file: String, _ done: @escaping (Result<AgentStatus, ZoneError>) -> Void) {
    let checked: Manifest
    do { checked = try configuration.manifest(text: JSON.encode(manifest), file: Self.jsonName(file)) } catch {
      // Places would be those in a text that nobody has written.
      return done(.failure(.invalid(Diagnostics(error.all.map { Diagnostic(Location(file: file), $0.message) }))))
    }
    do { try agents.register(checked) } catch { return done(.failure(.agent(error))) }
    keepBeforeAnswer(done) { [self] () throws(AgentControlError) in try agents.agentStatus(checked.id) }
  }

  func unregister(_ agent: AgentID, _ done: @escaping (Result<Void, ZoneError>) -> Void) {
    do { try agents.unregister(agent) } catch { return done(.failure(.agent(error))) }
    keepBeforeAnswer(done) { () throws(AgentControlError) in }
  }

  /// An answer means that it survives a power cut: it waits for the disk.
  private func keepBeforeAnswer<Answer>(
    _ done: @escaping (Result<Answer, ZoneError>) -> Void,
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

  /// What came as JSON is read as JSON, whatever its file is called.
  private static func jsonName(_ file: String) -> String { file.hasSuffix(".json") ? file : "\(file).json" }
}

extension BudgetStatus {
  /// `3.2 MiB of 64 MiB by cgroup, enforced`.
  fileprivate func measured(by meter: BoardMeasurement.Meter) -> String {
    let held = limit == nil ? "" : ", \(enforcement.name)"
    return "\(BudgetText.share(fields)) by \(meter.rawValue)\(held)"
  }
}
