import Agent
import HAL
import Model
import Rules

/// Everything the daemon knows as one tree: devices and leases, agents with their own counters and state, rules.
public struct StateTree {
  private let agents: any AgentControl
  private let boardBudgets: [BudgetStatus]
  private let hardware: Hardware
  private let rules: any RuleControl
  private let log: EventLog
  private let clock: any Timekeeper

  /// Names what the tree is made from.
  /// - Parameter boardBudgets: what all agents together use.
  public init(
    agents: any AgentControl, boardBudgets: [BudgetStatus] = [], hardware: Hardware, rules: any RuleControl,
    log: EventLog, clock: any Timekeeper
  ) {
    self.agents = agents
    self.boardBudgets = boardBudgets
    self.hardware = hardware
    self.rules = rules
    self.log = log
    self.clock = clock
  }

  /// Asks every running agent for its snapshot and puts the tree together.
  /// - Parameter done: called once, when the last one has answered; at once when all do.
  public func collect(_ done: @escaping (Fields) -> Void) {
    let listed = agents.listAgents()
    var snapshots: [AgentID: Value] = [:]
    var waiting = listed.count + 1
    let oneDone = {
      waiting -= 1
      if waiting == 0 { done(tree(listed, snapshots)) }
    }
    for status in listed {
      do {
        try agents.snapshot(status.id) { snapshot in
          snapshots[status.id] = snapshot
          oneDone()
        }
      } catch { oneDone() }
    }
    oneDone()
  }

  private func tree(_ listed: [AgentStatus], _ snapshots: [AgentID: Value]) -> Fields {
    [
      "monotonic_ns": .int(Int64(clamping: clock.now.nanoseconds)),
      "events": ["total": .int(Int64(clamping: log.total)), "shed": .int(Int64(clamping: log.shed))],
      "devices": .map(Fields(hardware.devices().map { ($0.id.rawValue, Self.value($0)) })),
      "agents": .map(Fields(listed.map { ($0.id.rawValue, value($0, snapshots[$0.id])) })),
      "budgets": .map(Self.value(boardBudgets)),
      "rules": .map(Fields(rules.listRules().map { ($0.id.rawValue, Self.value($0)) })),
    ]
  }

  private static func value(_ device: DeviceStatus) -> Value {
    var fields: Fields = ["kind": .string(device.kind), "state": .string(device.state)]
    if let reading = device.reading {
      fields["value"] = .double(reading.value)
      fields["unit"] = .string(reading.unit)
      fields["quality"] = .string(reading.quality.rawValue)
    }
    if let holder = device.holder { fields["holder"] = .string(holder) }
    if let lease = device.leaseRemaining { fields["lease_ms"] = .int(lease.nanoseconds / 1_000_000) }
    if let fault = device.fault { fields["fault"] = .string(fault) }
    return .map(fields)
  }

  private func value(_ agent: AgentStatus, _ snapshot: Value?) -> Value {
    var fields: Fields = [
      "state": .string(agent.state.rawValue), "driver": .string(agent.driver.rawValue),
      "activations": .int(Int64(clamping: agent.activations)), "failures": .int(Int64(clamping: agent.failures)),
      "restarts": .int(Int64(clamping: agent.restarts)), "queued": .int(Int64(agent.queued)),
    ]
    if let started = agent.started { fields["uptime_ms"] = .int((clock.now - started).nanoseconds / 1_000_000) }
    if let error = agent.lastError { fields["last_error"] = .string(error) }
    fields["budgets"] = .map(Self.value(agent.budgets))
    fields["snapshot"] = snapshot ?? .map([:])
    return .map(fields)
  }

  private static func value(_ budgets: [BudgetStatus]) -> Fields {
    Fields(budgets.map { ($0.resource.rawValue, .map($0.fields)) })
  }

  private static func value(_ rule: RuleStatus) -> Value {
    var fields: Fields = ["fired": .int(Int64(clamping: rule.fired))]
    if let error = rule.lastError { fields["last_error"] = .string(error) }
    return .map(fields)
  }
}
