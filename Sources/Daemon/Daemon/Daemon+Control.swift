import Agent
import Control
import Footprint
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
}

extension BudgetStatus {
  /// `3.2 MiB of 64 MiB by cgroup, enforced`.
  fileprivate func measured(by meter: BoardMeasurement.Meter) -> String {
    let held = limit == nil ? "" : ", \(enforcement.name)"
    return "\(BudgetText.share(fields)) by \(meter.rawValue)\(held)"
  }
}
