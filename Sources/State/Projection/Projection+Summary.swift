import Agent
import HAL
import Model
import Rules

extension Projection {
  /// Counts and problems: the part of `daemon.status` about agents, devices, rules, events and budgets.
  package var summary: Fields {
    let listed = agents.listAgents()
    var summary: Fields = [
      "devices": .int(Int64(hardware.board.devices.count)),
      "agents": [
        "registered": .int(Int64(listed.count)), "running": .int(Int64(listed.count { $0.started != nil })),
      ],
      "rules": .int(Int64(rules.count)), "events": eventCounts,
      "denials": .int(Int64(clamping: hardware.denials)),
    ]
    let quarantined = listed.filter { $0.state == .quarantined }.map { agent -> (String, Value) in
      let why = agent.lastError ?? "failed too often"
      return (agent.id.rawValue, .string("\(why); 'openstarry restart \(agent.id)' releases it"))
    }
    if !quarantined.isEmpty { summary["quarantined"] = .map(Fields(quarantined)) }
    if let refusal = rules.refusal { summary["rules_refused"] = .string(refusal) }
    summary["emergency_stop"] = emergencyStop
    summary["not_safe"] = notSafe
    let waiting = hardware.approvals.all.count(where: \.isWaiting)
    if waiting > 0 { summary["approvals"] = .int(Int64(waiting)) }
    let board = boardBudgets()
    summary["metered"] = .map(
      Fields(board.compactMap { row in row.whole.map { (row.resource.rawValue, .string(row.measured(by: $0.meter))) } })
    )
    summary["budgets_not_enforced"] = looseBudgets(of: listed, board)
    return summary
  }

  /// Outputs that refuse a command, with the reason and whether it is tried again; nil for none.
  private var notSafe: Value? {
    let refusals = hardware.refusals
    guard !refusals.isEmpty else { return nil }
    return .map(
      Fields(
        refusals.map { refusal in
          let who =
            if !hardware.isTriedAgain(refusal.device) {
              "nobody tries again: correct the board file and restart the daemon"
            } else if isStopping() {
              "the daemon ends, and tries again"
            } else {
              "the daemon tries again"
            }
          return (refusal.device.rawValue, .string("\(refusal.why); \(who)"))
        }))
  }

  /// The limits that nothing enforces, by agent and for the board; nil for none.
  private func looseBudgets(of agents: [AgentStatus], _ board: [BudgetStatus]) -> Value? {
    var loose = Fields(
      agents.compactMap { agent -> (String, Value)? in
        let names = agent.budgets.filter(\.isLoose).map { "\($0.resource.rawValue)" }
        return names.isEmpty ? nil : (agent.id.rawValue, .string(names.joined(separator: " ")))
      })
    var ofBoard = board.filter(\.isLoose).map { "\($0.resource.rawValue)" }
    if let looseMemoryMax { ofBoard.append("memory: MemoryMax=\(looseMemoryMax)") }
    if !ofBoard.isEmpty { loose["(board)"] = .string(ofBoard.joined(separator: " ")) }
    return loose.isEmpty ? nil : .map(loose)
  }
}

extension BudgetStatus {
  /// `3.2 MiB of 64 MiB by cgroup, enforced`.
  fileprivate func measured(by meter: BoardMeasurement.Meter) -> String {
    let held = limit == nil ? "" : ", \(enforcement.name)"
    return "\(BudgetText.share(fields)) by \(meter.rawValue)\(held)"
  }
}
