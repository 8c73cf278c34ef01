import Agent
import Model

/// The budgets of an agent and its children, or of the whole board.
///
/// An agent's use counts in its own account, its parent's, and so on up to the board's, and must fit into each.
package final class BudgetAccount {
  /// The agent; nil for the board.
  package let agent: AgentID?
  /// The account above, in which this account's use also counts. The two accounts retain each other until it is nil.
  package internal(set) var parent: BudgetAccount? {
    didSet {
      oldValue?.children.removeAll { $0 === self }
      parent?.children.append(self)
    }
  }
  /// The accounts whose use also counts here.
  private(set) var children: [BudgetAccount] = []
  /// The agent whose account is to be above this one, as soon as it has one; nil for the board.
  var parentAgent: AgentID?
  /// How each budget is enforced for this agent itself.
  package var enforcement: (Resource) -> Enforcement = { _ in .enforced }
  /// One for each resource; empty until the first is needed.
  private var meters: [BudgetMeter?] = []
  /// Whether the CPU time is used up, so that activations wait.
  private(set) var isHeld = false

  /// A bit for each resource: whether the use of children counts here. Resources with a window count only under a
  /// limit.
  private var shared: UInt16 = 0

  private let receivesTotals: Bool

  /// - Parameter receivesTotals: whether the meters receive totals (`tell`) instead of adding up amounts.
  init(_ agent: AgentID?, receivesTotals: Bool = false) {
    self.agent = agent
    self.receivesTotals = receivesTotals
    noteLimits()
  }

  /// `agent 'climate'`, or `the board`.
  package var name: String { agent.map { "agent '\($0)'" } ?? "the board" }

  /// This account and those above it, up to the board's.
  package var path: [BudgetAccount] {
    var found: [BudgetAccount] = []
    var next: BudgetAccount? = self
    while let account = next {
      found.append(account)
      next = account.parent
    }
    return found
  }

  /// How a budget is enforced in this account: as loosely as for the loosest of the agent and its descendants.
  func held(_ resource: Resource) -> Enforcement {
    guard agent != nil, resource != .activation else { return enforcement(resource) }
    let (enforcement, account) = loosest(resource)
    return account === self ? enforcement : enforcement.about(account.name)
  }

  private func loosest(_ resource: Resource) -> (Enforcement, BudgetAccount) {
    children.reduce((enforcement(resource), self)) { worst, child in
      let its = child.loosest(resource)
      return its.0.looseness > worst.0.looseness ? its : worst
    }
  }

  /// The budgets with a limit or any use, in the order of `Resource`.
  package func status(at now: Instant) -> [BudgetStatus] {
    meters.compactMap { meter in
      guard let meter, meter.limit != nil || meter.used(at: now) > 0 else { return nil }
      return meter.status(held(meter.resource), at: now)
    }
  }

  /// The highest step of its budgets.
  package var step: BudgetStep { meters.reduce(.normal) { max($0, $1?.ladder.step ?? .normal) } }

  /// The meter of a resource; created on first use.
  func meter(_ resource: Resource) -> BudgetMeter {
    if let meter = existing(resource) { return meter }
    if meters.isEmpty { meters = Array(repeating: nil, count: Resource.allCases.count) }
    let meter = BudgetMeter(resource, receivesTotals: receivesTotals)
    meters[Self.index(resource)] = meter
    return meter
  }

  /// The meter of a resource; nil when it was never limited or used.
  func existing(_ resource: Resource) -> BudgetMeter? {
    meters.isEmpty ? nil : meters[Self.index(resource)]
  }

  /// The meters above the step `normal`.
  var raised: [BudgetMeter] { meters.compactMap { $0.flatMap { $0.ladder.step > .normal ? $0 : nil } } }

  /// The status of one budget; nil when it was never limited or used.
  package func status(of resource: Resource, at now: Instant) -> BudgetStatus? {
    existing(resource)?.status(held(resource), at: now)
  }

  func endInstance() { for meter in meters { meter?.endInstance() } }

  /// Recomputes `shared` and `isHeld`; call it after a change of limits.
  func noteLimits() {
    shared = 0
    for resource in Resource.allCases {
      let isHeld = BudgetMeter.defaultWindow(of: resource) == nil
      if isHeld || existing(resource)?.limit != nil { shared |= 1 << Self.index(resource) }
    }
    noteHold()
  }

  /// Whether the use of children counts here.
  func shares(_ resource: Resource) -> Bool { shared & 1 << Self.index(resource) != 0 }

  func noteHold() { isHeld = (existing(.cpu)?.ladder.step ?? .normal) >= .throttled }

  static func index(_ resource: Resource) -> Int {
    switch resource {
    case .cpu: 0
    case .memory: 1
    case .activation: 2
    case .events: 3
    case .hardware: 4
    case .log: 5
    case .storage: 6
    case .tokens: 7
    case .disk: 8
    case .money: 9
    }
  }
}

/// A refusal because a budget is used up.
package struct BudgetRefusal: Error, Sendable, Hashable {
  /// The refused resource.
  package var resource: Resource
  /// The agent whose budget is used up; nil for the board's.
  package var agent: AgentID?
  /// The time until the requested amount fits; zero if waiting does not help.
  package var wait: Duration
  /// The limit of that budget, in the resource's unit.
  package var limit: Int64

  /// The message for the agent that asked.
  /// - Parameter asker: that agent; its own budget is not named.
  package func message(to asker: AgentID) -> String {
    let whose = agent == asker ? "" : agent.map { " of its parent '\($0)'" } ?? " of the board"
    let rest = wait > .zero ? "" : " of \(limit) \(resource.unit)"
    return "budget.\(resource.rawValue)\(whose)\(rest) is used up"
  }
}

/// A step up or down a ladder.
package struct BudgetNotice: Sendable {
  /// The agent of the budget; nil for the board.
  package var agent: AgentID?
  /// The effect of the step.
  package var effect: Ladder.Effect
  /// The budget after the step.
  package var status: BudgetStatus
}
