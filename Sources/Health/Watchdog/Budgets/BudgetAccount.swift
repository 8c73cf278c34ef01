import Agent
import Model

/// What one agent and its children use, or the whole board.
///
/// Whatever an agent uses counts in its own account, its parent's and so on up to the board's, and must fit into each.
public final class BudgetAccount {
  /// Whose; nil is the whole board.
  public let agent: AgentID?
  /// The account that this one's use counts in, too. Until it is nil the two keep each other.
  public internal(set) var parent: BudgetAccount? {
    didSet {
      oldValue?.children.removeAll { $0 === self }
      parent?.children.append(self)
    }
  }
  private var children: [BudgetAccount] = []
  /// How far each budget is held against whoever the account is of.
  public var enforcement: (Resource) -> Enforcement = { _ in .enforced }
  private var meters = [BudgetMeter?](repeating: nil, count: Resource.allCases.count)
  /// Whether its processor time is used up, so that activations wait.
  private(set) var isHeld = false

  /// For each resource, whether what others use counts here: what passes with time only where it is limited.
  private var shared: UInt16 = 0

  private let isTold: Bool

  /// - Parameter isTold: its meters are told how much is used, rather than adding it up.
  init(_ agent: AgentID?, isTold: Bool = false) {
    self.agent = agent
    self.isTold = isTold
    noteLimits()
  }

  /// `agent 'climate'`, or `the board`.
  public var name: String { agent.map { "agent '\($0)'" } ?? "the board" }

  /// How far a budget is held here: against an agent and all whose use counts in its account, as loosely as against the
  /// loosest of them.
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

  /// The budgets that have a limit, and whatever else was used, in the order of `Resource`.
  public func status(at now: Instant) -> [BudgetStatus] {
    meters.compactMap { meter in
      guard let meter, meter.limit != nil || meter.used(at: now) > 0 else { return nil }
      return meter.status(held(meter.resource), at: now)
    }
  }

  /// How far up the ladder the worst of its budgets is.
  public var step: BudgetStep { meters.reduce(.normal) { max($0, $1?.ladder.step ?? .normal) } }

  /// The meter of a resource, made when it is first needed.
  func meter(_ resource: Resource) -> BudgetMeter {
    let index = Self.index(resource)
    if let meter = meters[index] { return meter }
    let meter = BudgetMeter(resource, isTold: isTold)
    meters[index] = meter
    return meter
  }

  /// The meters that are above the bottom of their ladders.
  var raised: [BudgetMeter] { meters.compactMap { $0.flatMap { $0.ladder.step > .normal ? $0 : nil } } }

  /// What one budget is at; nil where nothing is limited or used.
  public func status(of resource: Resource, at now: Instant) -> BudgetStatus? {
    meters[Self.index(resource)]?.status(held(resource), at: now)
  }

  func endInstance() { for meter in meters { meter?.endInstance() } }

  /// Limits have changed.
  func noteLimits() {
    shared = 0
    for resource in Resource.allCases {
      let isHeld = BudgetMeter.usualWindow(of: resource) == nil
      if isHeld || meters[Self.index(resource)]?.limit != nil { shared |= 1 << Self.index(resource) }
    }
    noteHold()
  }

  /// Whether what agents below use counts here, too.
  func shares(_ resource: Resource) -> Bool { shared & 1 << Self.index(resource) != 0 }

  func noteHold() { isHeld = (meters[Self.index(.cpu)]?.ladder.step ?? .normal) >= .throttled }

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
    }
  }
}

/// Why something was not given.
public struct BudgetRefusal: Error, Sendable, Hashable {
  /// Of what.
  public var resource: Resource
  /// Whose budget it is that is used up; nil is the board's.
  public var agent: AgentID?
  /// How long until as much fits; zero where waiting does not help.
  public var wait: Duration
  /// How much may be used.
  public var limit: Int64

  /// The sentence for whoever asked.
  /// - Parameter asker: the agent that asked: its own budget needs no name.
  public func message(to asker: AgentID) -> String {
    let whose = agent == asker ? "" : agent.map { " of its parent '\($0)'" } ?? " of the board"
    let rest = wait > .zero ? "" : " of \(limit) \(resource.unit)"
    return "budget.\(resource.rawValue)\(whose)\(rest) is used up"
  }
}

/// A step on a ladder, up or down.
public struct BudgetNotice: Sendable {
  /// Whose budget; nil is the board's.
  public var agent: AgentID?
  /// What follows.
  public var effect: Ladder.Effect
  /// The budget as it is now.
  public var status: BudgetStatus
}
