import Agent
import Model

/// The accounts of all agents and of the board: counts use, refuses requests beyond a budget, and reports each step of
/// a ladder.
///
/// A timer runs only while some budget is above the step `normal`, to report when it comes down.
package final class BudgetBook {
  /// The board's account: the use charged to all agents, and the daemon's disk writes.
  package let board = BudgetAccount(nil)
  /// The use of the daemon as a whole, as measured by the kernel. It has no child accounts.
  private let whole = BudgetAccount(nil, receivesTotals: true)
  private var measured: [Resource: BoardMeasurement] = [:]
  /// Called for each step, inside the call that caused it.
  package var onStep: (BudgetNotice) -> Void = { _ in }
  private let clock: any Timekeeper
  private var accounts: [AgentID: BudgetAccount] = [:]
  /// The accounts below the board's although they have a parent, which has no account, or is below them: a cycle.
  private var apart: [BudgetAccount] = []
  private var raised: [BudgetAccount] = []
  private var timer: TimerID?

  deinit { for account in accounts.values { account.parent = nil } }

  /// A book without limits.
  package init(clock: any Timekeeper) {
    self.clock = clock
    whole.enforcement = { [unowned self] in measured[$0]?.enforcement ?? .enforced }
  }

  // MARK: Accounts

  /// The account of an agent. Created without limits if missing, below the board's.
  package func account(_ agent: AgentID) -> BudgetAccount {
    if let account = accounts[agent] { return account }
    let account = BudgetAccount(agent)
    account.parent = board
    accounts[agent] = account
    return account
  }

  /// Sets an agent's limits and its parent. Its past use still counts. Those that have it as their parent share its
  /// budget from now on.
  /// - Parameters:
  ///   - parent: the agent whose budget it shares as soon as that one has an account; nil shares only the board's. A
  ///     parent that would form a cycle is ignored as long as it would.
  ///   - activationReport: the activation time that is reported when exceeded, if the budget sets no limit.
  @discardableResult
  package func open(
    _ agent: AgentID, _ budget: Budget, parent: AgentID?, activationReport: Duration? = nil
  ) -> BudgetAccount {
    let account = account(agent)
    setLimits(account, budget)
    account.existing(.activation)?.actUpon()
    if budget.activation == nil, let activationReport {
      let activations = account.meter(.activation)
      activations.set(limit: activationReport.nanoseconds, per: nil)
      activations.onlyReport()
    }
    account.parentAgent = parent
    apart.removeAll { $0 === account }
    // Before this one, so that the newest of a cycle is left out of it.
    joinApart()
    join(account)
    joinApart()
    return account
  }

  /// Removes an agent's account. Its past use still counts for its parent and the board until it leaves their windows.
  /// Its children share only the board's budget until it has an account again. Give back what it holds before.
  package func close(_ agent: AgentID) {
    guard let account = accounts.removeValue(forKey: agent) else { return }
    apart.removeAll { $0 === account }
    for child in account.children { join(child) }
    account.parent = nil
    raised.removeAll { $0 === account }
  }

  /// Puts an account below that of its parent, or below the board's if that is missing or would form a cycle.
  private func join(_ account: BudgetAccount) {
    let parent = account.parentAgent.flatMap { accounts[$0] }
    let isCycle = parent?.path.contains { $0 === account } ?? false
    if let parent, !isCycle { return move(account, below: parent) }
    move(account, below: board)
    if account.parentAgent != nil { apart.append(account) }
  }

  private func joinApart() {
    let waiting = apart
    apart = []
    for account in waiting { join(account) }
  }

  /// Puts an account below another one. What it holds, with all below it, counts there from now on, and no longer where
  /// it was; past use within a window stays where it was counted.
  private func move(_ account: BudgetAccount, below parent: BudgetAccount) {
    guard account.parent !== parent else { return }
    let (before, after) = (account.parent?.path ?? [], parent.path)
    account.parent = parent
    let now = clock.now
    // The lengths of activations, which are held as well, count only for the agent itself.
    for resource in [Resource.memory, .storage] {
      guard let amount = account.existing(resource)?.used(at: now), amount > 0 else { continue }
      for holder in before where !after.contains(where: { $0 === holder }) {
        give(resource, amount, of: holder, at: now)
      }
      for holder in after where !before.contains(where: { $0 === holder }) {
        add(resource, amount, to: holder, isOwn: false, at: now)
      }
    }
  }

  /// Sets the board's limits.
  /// - Parameter disk: the limit on bytes that the daemon writes; nil for none.
  package func setBoard(_ budget: Budget, disk: Rate?) {
    setLimits(board, budget)
    board.meter(.disk).set(limit: disk.map { Int64($0.count) }, per: disk?.per)
    board.noteLimits()
    setLimits(whole, Budget(memory: budget.memory, cpu: budget.cpu))
  }

  private func setLimits(_ account: BudgetAccount, _ budget: Budget) {
    func set(_ resource: Resource, _ limit: Int64?, _ per: Duration? = nil) {
      // A meter takes 200 bytes, and an agent rarely has more than three limits.
      let meter = limit == nil ? account.existing(resource) : account.meter(resource)
      meter?.set(limit: limit, per: per)
    }
    func set(_ resource: Resource, _ rate: Rate?) { set(resource, rate.map { Int64($0.count) }, rate?.per) }
    let window = BudgetMeter.defaultWindow(of: .cpu)?.nanoseconds ?? 0
    set(.cpu, budget.cpu.map { Int64(($0 * Double(window)).rounded()) })
    set(.memory, budget.memory.map(Int64.init))
    set(.activation, budget.activation?.nanoseconds)
    set(.storage, budget.storage.map(Int64.init))
    set(.events, budget.events)
    set(.hardware, budget.hardware)
    set(.log, budget.log)
    account.noteLimits()
  }

  // MARK: The whole board

  /// Records a measurement of the whole daemon. It has the board's limit but its own ladder; a step is reported once
  /// and has no other effect here.
  /// - Returns: the used fraction of the limit, 1 for all of it; nil without a limit.
  @discardableResult
  package func measure(_ measurement: BoardMeasurement) -> Double? {
    measured[measurement.resource] = measurement
    let meter = whole.meter(measurement.resource)
    meter.tell(measurement.amount)
    guard let limit = meter.limit else { return nil }
    climb(meter, of: whole, isOwn: true, at: clock.now)
    return Double(measurement.amount) / Double(max(1, limit))
  }

  /// The board's budgets. Measurements replace the sums that agents were charged.
  package var boardStatus: [BudgetStatus] {
    let now = clock.now
    var rows = board.status(at: now).filter { measured[$0.resource] == nil }
    for (resource, var measurement) in measured {
      measurement.agents = board.meter(resource).used(at: now)
      var row = whole.meter(resource).status(measurement.enforcement, at: now)
      // Agents are throttled when the use charged to them reaches the limit, whatever the measurement is.
      row.step = max(row.step, board.meter(resource).ladder.step)
      if let kernel = measurement.kernelLimit { row.limit = min(row.limit ?? kernel, kernel) }
      row.whole = measurement
      rows.append(row)
    }
    return rows.sorted { BudgetAccount.index($0.resource) < BudgetAccount.index($1.resource) }
  }

  // MARK: Use

  /// Charges `amount` to `account` if it fits into its budget and all above it.
  /// - Returns: nil for success; otherwise the refusal, and nothing was charged.
  package func take(_ resource: Resource, _ amount: Int64, for account: BudgetAccount) -> BudgetRefusal? {
    if let refusal = ask(resource, amount, for: account) { return refusal }
    charge(resource, amount, to: account, at: clock.now)
    return nil
  }

  /// Asks whether `amount` fits into the budget of `account` and all above it, without charging it.
  /// - Returns: nil if it fits; otherwise the refusal, which counts as one.
  package func ask(_ resource: Resource, _ amount: Int64, for account: BudgetAccount) -> BudgetRefusal? {
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
    return nil
  }

  /// Charges use that has already happened.
  package func charge(_ resource: Resource, _ amount: Int64, to account: BudgetAccount) {
    charge(resource, amount, to: account, at: clock.now)
  }

  /// Charges use that is measured beside activations.
  /// - Parameter byInstance: what the agent's present instance has used in all. It is stopped only for that, not for
  ///   what an earlier one has left in the window.
  package func charge(_ resource: Resource, _ amount: Int64, byInstance: Int64, to account: BudgetAccount) {
    let isOwn = account.existing(resource)?.limit.map { byInstance > $0 } ?? true
    charge(resource, amount, to: account, isOwn: isOwn, at: clock.now)
  }

  /// Charges an activation: its CPU time to the account and all above it, its length only to the account itself, as the
  /// lengths of different agents' activations do not add up.
  /// - Parameters:
  ///   - nanoseconds: the CPU time.
  ///   - length: the length that the limit applies to, in nanoseconds; nil for the CPU time.
  ///   - isExact: whether the length is CPU time. Otherwise other tasks may have caused the delay, and the agent is not
  ///     stopped for it.
  package func charge(activation nanoseconds: Int64, length: Int64? = nil, isExact: Bool, to account: BudgetAccount) {
    let now = clock.now
    charge(.cpu, nanoseconds, to: account, at: now)
    guard let meter = account.existing(.activation), meter.limit != nil else { return }
    meter.add((length ?? nanoseconds) - meter.used(at: now), at: now)
    climb(meter, of: account, isOwn: isExact, at: now)
  }

  /// Sets the amount of a resource without a window that `account` holds, such as memory.
  /// - Parameter before: the amount that it held until now.
  package func hold(_ resource: Resource, _ amount: Int64, before: Int64, for account: BudgetAccount) {
    if amount > before { charge(resource, amount - before, to: account) }
    if amount < before { give(resource, before - amount, from: account) }
  }

  /// How much of a resource `account` may hold by its parents' budgets. The board's budget is ignored: when that is
  /// used up, the least important agent is stopped and not the one that asks.
  /// - Parameter held: the amount that it holds already.
  /// - Returns: the smallest amount that a parent's budget leaves, including `held`, and that parent; nil when no
  ///   parent has a limit.
  package func room(
    _ resource: Resource, holding held: Int64, for account: BudgetAccount
  ) -> (amount: Int64, parent: AgentID)? {
    let now = clock.now
    var least: (amount: Int64, parent: AgentID)?
    var next = account.parent
    while let holder = next, let parent = holder.agent {
      next = holder.parent
      guard let meter = holder.existing(resource), let limit = meter.limit else { continue }
      let amount = held + max(0, limit - meter.used(at: now))
      if amount < least?.amount ?? .max { least = (amount, parent) }
    }
    return least
  }

  /// Gives back an amount that was held.
  package func give(_ resource: Resource, _ amount: Int64, from account: BudgetAccount) {
    let now = clock.now
    var next: BudgetAccount? = account
    while let holder = next {
      give(resource, amount, of: holder, at: now)
      next = holder.parent
    }
  }

  private func give(_ resource: Resource, _ amount: Int64, of holder: BudgetAccount, at now: Instant) {
    let meter = holder.meter(resource)
    meter.add(-amount, at: now)
    lookAt(meter, of: holder, at: now)
  }

  /// Notes that the agent's isolation has stopped it for exceeding a budget. Charge its use before.
  package func exceed(_ resource: Resource, for account: BudgetAccount) {
    let (now, meter) = (clock.now, account.meter(resource))
    guard let effect = meter.exceed(at: now) else { return }
    raise(account)
    tell(effect, meter, account, at: now)
    schedule()
  }

  /// Notes the end of an instance: gives its memory back, and resets the refusals and the stop for the next instance.
  /// - Parameter memory: the memory that it held, in bytes.
  package func end(_ account: BudgetAccount, memory: Int64) {
    give(.memory, memory, from: account)
    account.endInstance()
    schedule()
  }

  /// How long the next activation must wait for CPU time; nil when it may start now.
  /// - Parameter expected: the expected CPU time in nanoseconds: that of the last activation.
  package func delay(_ account: BudgetAccount, expecting expected: Int64) -> Duration? {
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
    // An activation longer than the whole budget waits for an empty window.
    let amount = min(max(1, expected), max(1, meter.limit ?? 1))
    guard let wait = meter.wait(for: amount, at: now), wait > .zero else { return nil }
    return wait
  }

  // MARK: Ladders

  private func charge(
    _ resource: Resource, _ amount: Int64, to account: BudgetAccount, isOwn: Bool = true, at now: Instant
  ) {
    var next: BudgetAccount? = account
    while let holder = next {
      next = holder.parent
      guard holder === account || holder.shares(resource) else { continue }
      add(resource, amount, to: holder, isOwn: isOwn && holder === account, at: now)
    }
  }

  private func add(
    _ resource: Resource, _ amount: Int64, to holder: BudgetAccount, isOwn: Bool, at now: Instant
  ) {
    let meter = holder.meter(resource)
    meter.add(amount, at: now)
    if meter.limit != nil { climb(meter, of: holder, isOwn: isOwn, at: now) }
  }

  private func climb(_ meter: BudgetMeter, of account: BudgetAccount, isOwn: Bool, at now: Instant) {
    let before = meter.ladder.step
    // A measurement that is still beyond the limit is not a new step.
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
