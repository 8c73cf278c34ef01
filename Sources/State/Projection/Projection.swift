import Agent
import HAL
import Model
import Rules

/// The daemon's state as one tree: devices and leases, agents with their reports, budgets, rules.
///
/// All views come from it: `projection.get` from the tree, and `ps`, `devices`, `rules` and `status` from its rows.
package final class Projection {
  let agents: any AgentControl
  let hardware: Hardware
  let rules: any RuleControl
  let events: any EventHistory
  private let clock: any Timekeeper
  let boardBudgets: () -> [BudgetStatus]
  let looseMemoryMax: String?
  let isStopping: () -> Bool
  private let reports: Reports
  private var version: UInt64 = 0
  private var fingerprint: Int?

  /// A projection of the daemon's parts.
  /// - Parameters:
  ///   - deadline: the longest time that one read waits for the reports of all agents.
  ///   - looseMemoryMax: the value of `MemoryMax=` in the service's unit where the kernel cannot enforce it; nil
  ///     otherwise.
  ///   - boardBudgets: returns the use of the board's budgets; called for each read.
  ///   - isStopping: whether the daemon is on its way to its end.
  package init(
    agents: any AgentControl, hardware: Hardware, rules: any RuleControl, events: any EventHistory,
    clock: any Timekeeper, deadline: Duration = .seconds(1), looseMemoryMax: String? = nil,
    boardBudgets: @escaping () -> [BudgetStatus] = { [] }, isStopping: @escaping () -> Bool = { false }
  ) {
    self.agents = agents
    self.hardware = hardware
    self.rules = rules
    self.events = events
    self.clock = clock
    self.looseMemoryMax = looseMemoryMax
    self.boardBudgets = boardBudgets
    self.isStopping = isStopping
    reports = Reports(agents, clock: clock, deadline: deadline)
  }

  // MARK: The tree

  /// Asks every running agent for its report, then builds the tree.
  /// - Parameter done: called once: when all agents have answered, or at the deadline. An agent that has not answered
  ///   keeps its last report, marked as late.
  package func read(_ done: @escaping (Fields) -> Void) {
    let listed = agents.listAgents()
    reports.forget(besides: Set(listed.map(\.id)))
    reports.ask(listed) { [self] in done(tree()) }
  }

  /// Asks one agent for its report.
  /// - Parameter done: called once, no later than the deadline.
  /// - Throws: `notFound`.
  package func report(of id: AgentID, _ done: @escaping (Report) -> Void) throws(AgentControlError) {
    reports.ask([try agents.agentStatus(id)]) { [self] in done(reports.report(of: id)) }
  }

  private func tree() -> Fields {
    var tree: Fields = [
      "version": .null, "board": .string(hardware.board.name),
      "monotonic_ns": .int(Int64(clamping: clock.now.nanoseconds)), "events": eventCounts,
      "devices": .map(Fields(uniquePairs: devices.map { row in (row.name("device"), .map(row.branch("device"))) })),
      "agents": .map(Fields(uniquePairs: agents.listAgents().map { ($0.id.rawValue, branch($0)) })),
      "budgets": .map(BudgetStatus.byResource(boardBudgets())),
      "rules": .map(Fields(uniquePairs: rules.listRules().map { ($0.id.rawValue, .map($0.counters)) })),
    ]
    tree["emergency_stop"] = emergencyStop
    let approvals = hardware.approvals.all.filter(\.isWaiting)
    if !approvals.isEmpty {
      tree["approvals"] = .map(
        Fields(uniquePairs: approvals.map { ($0.id.description, .map($0.fields(at: clock.now).branch("approval"))) }))
    }
    let fingerprint = tree.fingerprint
    if fingerprint != self.fingerprint { version += 1 }
    self.fingerprint = fingerprint
    tree["version"] = .int(Int64(clamping: version))
    return tree
  }

  private func branch(_ agent: AgentStatus) -> Value {
    var fields = agent.fields(at: clock.now).branch("agent")
    fields["budgets"] = .map(BudgetStatus.byResource(agent.budgets))
    for (name, value) in reports.report(of: agent.id).fields { fields[name] = value }
    return .map(fields)
  }

  // MARK: Rows

  /// All agents, sorted by id, as in section 4.2 of the control protocol.
  package var agentRows: [Fields] { agents.listAgents().map { $0.fields(at: clock.now) } }

  /// One agent, as in section 4.2 of the control protocol.
  /// - Throws: `notFound`.
  package func agentRow(_ id: AgentID) throws(AgentControlError) -> Fields {
    try agents.agentStatus(id).fields(at: clock.now)
  }

  /// All devices in the order of the board file, as in section 4.4 of the control protocol.
  package var devices: [Fields] { hardware.devices().map { $0.fields(at: clock.now) } }

  /// All rules in the order of their files, as in section 4.8 of the control protocol.
  package var ruleRows: [Fields] { rules.listRules().map { $0.fields(at: clock.now) } }

  /// The use of the board's budgets, as in section 4.13 of the control protocol.
  package var boardRows: [Fields] { boardBudgets().map(\.fields) }

  // MARK: Of tree and summary

  var eventCounts: Value {
    ["total": .int(Int64(clamping: events.total)), "shed": .int(Int64(clamping: events.shed))]
  }

  /// The source of the emergency stop and its reason; nil without a stop.
  var emergencyStop: Value? {
    hardware.emergencyStop.map { stop in .string("by \(stop.by)" + (stop.reason.map { ": \($0)" } ?? "")) }
  }
}
