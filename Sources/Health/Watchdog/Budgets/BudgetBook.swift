import Agent
import Model

/// The accounts of all agents and of the board: counts what is used, says what does not fit, and tells of each step up
/// and down a ladder.
///
/// It has a timer only while some budget is above the bottom of its ladder, to tell when it is down again.
public final class BudgetBook {
  /// The whole board's account: what all agents were charged, and what the daemon writes.
  public let board = BudgetAccount(nil)
  /// What the daemon uses as a whole, as the kernel counts it. No agent's account is below it.
  private let whole = BudgetAccount(nil, isTold: true)
  private var measured: [Resource: BoardMeasurement] = [:]
  /// Called with each step, within the call that led to it.
  public var onStep: (BudgetNotice) -> Void = { _ in }
  private let clock: any Timekeeper
  private var accounts: [AgentID: BudgetAccount] = [:]
  private var raised: [BudgetAccount] = []
  private var timer: TimerID?

  deinit { for account in accounts.values { account.parent = nil } }

  /// A book in which nothing is limited yet.
  public init(clock: any Timekeeper) {
    self.clock = clock
    board.enforcement = { $0 == .tokens ? .notMetered("no model can be asked here") : .enforced }
    whole.enforcement = { [unowned self] in measured[$0]?.enforcement ?? .enforced }
  }

  // MARK: Accounts

  /// The account of an agent, made without limits when there is none: a parent may come after its children.
  public func account(_ agent: AgentID) -> BudgetAccount {
    if let account = accounts[agent] { return account }
    let account = BudgetAccount(agent)
    account.parent = board
    accounts[agent] = account
    return account
  }

  /// Sets an agent's limits and its place. What it has used stays used.
  /// - Parameters:
  ///   - parent: whose budget it shares; nil is nobody's but the board's. One that would make a circle is left out.
  ///   - activationReport: the longest an activation should take where the budget does not say; longer is only told.
  @discardableResult
  public func open(
    _ agent: AgentID, _ budget: Budget, parent: AgentID?, activationReport: Duration? = nil
  ) -> BudgetAccount {
    let account = account(agent)
    setLimits(account, budget)
    let activations = account.meter(.activation)
    activations.actUpon()
    if budget.activation == nil, let activationReport {
      activations.set(limit: activationReport.nanoseconds, per: nil)
      activations.onlyReport()
    }
    account.parent = parent.map(self.account) ?? board
    var above = account.parent
    while let next = above {
      if next === account { account.parent = board }
      above = next === account ? nil : next.parent
    }
    return account
  }

  /// Forgets an agent's account. What it used goes on counting for its parent and the board as long as it does; what it
  /// holds is to be given back before.
  public func close(_ agent: AgentID) {
    guard let account = accounts.removeValue(forKey: agent) else { return }
    for child in accounts.values where child.parent === account { child.parent = board }
    account.parent = nil
    raised.removeAll { $0 === account }
  }

  /// Sets the whole board's limits.
  /// - Parameter disk: bytes that the daemon may write.
  public func setBoard(_ budget: Budget, disk: Rate?) {
    setLimits(board, budget)
    board.meter(.disk).set(limit: disk.map { Int64($0.count) }, per: disk?.per)
    board.noteLimits()
    setLimits(whole, Budget(memory: budget.memory, cpu: budget.cpu))
  }

  private func setLimits(_ account: BudgetAccount, _ budget: Budget) {
    func set(_ resource: Resource, _ limit: Int64?, _ per: Duration? = nil) {
      account.meter(resource).set(limit: limit, per: per)
    }
    func set(_ resource: Resource, _ rate: Rate?) { set(resource, rate.map { Int64($0.count) }, rate?.per) }
    let window = BudgetMeter.usualWindow(of: .cpu)?.nanoseconds ?? 0
    set(.cpu, budget.cpu.map { Int64(($0 * Double(window)).rounded()) })
    set(.memory, budget.memory.map(Int64.init))
    set(.activation, budget.activation?.nanoseconds)
    set(.storage, budget.storage.map(Int64.init))
    set(.tokens, budget.tokens)
    set(.events, budget.events)
    set(.hardware, budget.hardware)
    set(.log, budget.log)
    account.noteLimits()
  }

  // MARK: The whole board

  /// Takes what the daemon uses as a whole, beside what its agents are charged: its limit is the board's, its ladder
  /// its own. Beyond it the step is told once; nothing else follows here.
  /// - Returns: the share of the limit that is used, 1 being all of it; nil without a limit.
  @discardableResult
  public func measure(_ measurement: BoardMeasurement) -> Double? {
    measured[measurement.resource] = measurement
    let meter = whole.meter(measurement.resource)
    meter.tell(measurement.amount)
    guard let limit = meter.limit else { return nil }
    climb(meter, of: whole, isOwn: true, at: clock.now)
    return Double(measurement.amount) / Double(max(1, limit))
  }

  /// The board's budgets, what was measured in the place of what agents were charged.
  public var boardStatus: [BudgetStatus] {
    let now = clock.now
    var rows = board.status(at: now).filter { measured[$0.resource] == nil }
    for (resource, var measurement) in measured {
      measurement.agents = board.meter(resource).used(at: now)
      var row = whole.meter(resource).status(measurement.enforcement, at: now)
      // Agents that are charged all of it are slowed down, however little the rest uses.
      row.step = max(row.step, board.meter(resource).ladder.step)
      if let kernel = measurement.kernelLimit { row.limit = min(row.limit ?? kernel, kernel) }
      row.whole = measurement
      rows.append(row)
    }
    return rows.sorted { BudgetAccount.index($0.resource) < BudgetAccount.index($1.resource) }
  }

  // MARK: Use

  /// Takes `amount` for `account`, where it fits into its budget and all above it.
  /// - Returns: nil when it was taken; otherwise why not, and nothing was.
  public func take(_ resource: Resource, _ amount: Int64, for account: BudgetAccount) -> BudgetRefusal? {
    let now = clock.now
    var next: BudgetAccount? = account
    while let holder = next {
      next = holder.parent
      guard holder.shares(resource) else { continue }
      let meter = holder.meter(resource)
      if let wait = meter.wait(for: amount, at: now) {
        meter.refuse(amount, at: now)
        climb(meter, of: holder, isOwn: holder === account, at: now)
        return BudgetRefusal(resource: resource, agent: holder.agent, wait: wait, limit: meter.limit ?? 0)
      }
    }
    charge(resource, amount, to: account, at: now)
    return nil
  }

  /// Counts what has been used already.
  public func charge(_ resource: Resource, _ amount: Int64, to account: BudgetAccount) {
    charge(resource, amount, to: account, at: clock.now)
  }

  /// Counts an activation: its processor time for the account and all above it, its length for the agent alone, as two
  /// agents' activations do not add up.
  /// - Parameters:
  ///   - nanoseconds: how long it ran.
  ///   - length: how long it took, by what it is held to; nil is as long as it ran.
  ///   - isExact: whether that is processor time. Time that merely passed may be others' fault: nobody is stopped for
  ///     how long it took then.
  public func charge(activation nanoseconds: Int64, length: Int64? = nil, isExact: Bool, to account: BudgetAccount) {
    let now = clock.now
    charge(.cpu, nanoseconds, to: account, at: now)
    let meter = account.meter(.activation)
    guard meter.limit != nil else { return }
    meter.add((length ?? nanoseconds) - meter.used(at: now), at: now)
    climb(meter, of: account, isOwn: isExact, at: now)
  }

  /// Says how much of what is held `account` itself holds at present.
  /// - Parameter before: what it held until now.
  public func hold(_ resource: Resource, _ amount: Int64, before: Int64, for account: BudgetAccount) {
    if amount > before { charge(resource, amount - before, to: account) }
    if amount < before { give(resource, before - amount, from: account) }
  }

  /// How much of something `account` may hold beside what others hold, by its parents' budgets. The board's is not
  /// among them: for that the least important agent gives way, not the one that asks.
  /// - Parameter held: what it holds, and is charged.
  /// - Returns: the least that any of them leaves, `held` included, and whose budget that is; nil where none has one.
  public func room(
    _ resource: Resource, holding held: Int64, for account: BudgetAccount
  ) -> (amount: Int64, parent: AgentID)? {
    let now = clock.now
    var least: (amount: Int64, parent: AgentID)?
    var next = account.parent
    while let holder = next, let parent = holder.agent {
      next = holder.parent
      let meter = holder.meter(resource)
      guard let limit = meter.limit else { continue }
      let amount = held + max(0, limit - meter.used(at: now))
      if amount < least?.amount ?? .max { least = (amount, parent) }
    }
    return least
  }

  /// Gives back what was held.
  public func give(_ resource: Resource, _ amount: Int64, from account: BudgetAccount) {
    let now = clock.now
    var next: BudgetAccount? = account
    while let holder = next {
      let meter = holder.meter(resource)
      meter.add(-amount, at: now)
      lookAt(meter, of: holder, at: now)
      next = holder.parent
    }
  }

  /// Notes that the agent was stopped for going beyond a budget, by whoever runs it; what it used is charged before.
  public func exceed(_ resource: Resource, for account: BudgetAccount) {
    let (now, meter) = (clock.now, account.meter(resource))
    guard let effect = meter.exceed(at: now) else { return }
    raise(account)
    tell(effect, meter, account, at: now)
    schedule()
  }

  /// The instance is gone: it holds no memory, its refusals do not count against the next one, and that is told of anew.
  /// - Parameter memory: what it held.
  public func end(_ account: BudgetAccount, memory: Int64) {
    give(.memory, memory, from: account)
    account.endInstance()
    schedule()
  }

  /// How long the next activation must wait for processor time; nil when it may start now.
  /// - Parameter expected: how many nanoseconds it will take, as far as anybody knows: what the last one took.
  public func delay(_ account: BudgetAccount, expecting expected: Int64) -> Duration? {
    var longest: Duration?
    var next: BudgetAccount? = account
    while let holder = next {
      if holder.isHeld, let wait = wait(holder, expected) { longest = max(longest ?? .zero, wait) }
      next = holder.parent
    }
    return longest
  }

  private func wait(_ holder: BudgetAccount, _ expected: Int64) -> Duration? {
    let (now, meter) = (clock.now, holder.meter(.cpu))
    // More than the whole budget fits into an empty window only.
    let amount = min(max(1, expected), max(1, meter.limit ?? 1))
    guard let wait = meter.wait(for: amount, at: now), wait > .zero else { return nil }
    return wait
  }

  // MARK: Ladders

  private func charge(_ resource: Resource, _ amount: Int64, to account: BudgetAccount, at now: Instant) {
    var next: BudgetAccount? = account
    while let holder = next {
      next = holder.parent
      guard holder === account || holder.shares(resource) else { continue }
      let meter = holder.meter(resource)
      meter.add(amount, at: now)
      if meter.limit != nil { climb(meter, of: holder, isOwn: holder === account, at: now) }
    }
  }

  private func climb(_ meter: BudgetMeter, of account: BudgetAccount, isOwn: Bool, at now: Instant) {
    let before = meter.ladder.step
    // A measurement that is still too much is nothing new.
    guard let effect = meter.climb(isOwn: isOwn, at: now), account !== whole || meter.ladder.step != before else {
      if timer == nil, meter.ladder.step > .normal { schedule() }
      return
    }
    raise(account)
    tell(effect, meter, account, at: now)
    schedule()
  }

  private func raise(_ account: BudgetAccount) {
    if !raised.contains(where: { $0 === account }) { raised.append(account) }
  }

  private func lookAt(_ meter: BudgetMeter, of account: BudgetAccount, at now: Instant) {
    guard meter.ladder.step > .normal else { return }
    if let effect = meter.look(at: now) { tell(effect, meter, account, at: now) }
    if timer == nil { schedule() }
  }

  private func tell(_ effect: Ladder.Effect, _ meter: BudgetMeter, _ account: BudgetAccount, at now: Instant) {
    if meter.resource == .cpu { account.noteHold() }
    var status = meter.status(account.held(meter.resource), at: now)
    if account === whole { status.whole = measured[meter.resource] }
    onStep(BudgetNotice(agent: account.agent, effect: effect, status: status))
  }

  private func lookAround() {
    let now = clock.now
    for account in raised { for meter in account.raised { lookAt(meter, of: account, at: now) } }
    raised.removeAll { $0.raised.isEmpty }
    schedule()
  }

  private func schedule() {
    timer.map(clock.cancel)
    timer = nil
    let now = clock.now
    let waits = raised.flatMap { $0.raised.compactMap { $0.nextLook(at: now) } }
    guard let first = waits.min() else { return }
    timer = clock.schedule(at: now + first) { [unowned self] in
      timer = nil
      lookAround()
    }
  }
}
