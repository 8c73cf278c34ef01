import Agent
import Model
import Watchdog

// What all agents use together, and who is told when it is too much.
extension AgentSupervisor {
  /// Says in the log of each agent what is wrong with its `parent`, once all agents are there that it may mean.
  /// - Parameter only: of these; nil of all.
  public func warnOfParents(_ only: [AgentID]? = nil) {
    for (id, warning) in Parentage.complaints(sorted.map(\.manifest)) where only?.contains(id) ?? true {
      log(id, .warning, warning.message)
    }
  }

  /// The whole board's budgets: what all agents use together, what the daemon as a whole was last measured to use, and
  /// what it writes.
  public var boardBudgets: [BudgetStatus] { budgets.boardStatus }

  /// Takes what the daemon uses as a whole.
  /// - Returns: the share of the board's budget, 1 being all of it; nil without one.
  public func note(_ measurement: BoardMeasurement) -> Double? { budgets.measure(measurement) }

  /// Whether the daemon has written as much to the disk as it may.
  public var isDiskUsedUp: Bool {
    budgets.board.status(at: clock.now).contains { $0.resource == .disk && $0.step >= .throttled }
  }

  /// Counts what the daemon has written to the disk.
  public func noteWritten(_ bytes: Int64) { budgets.charge(.disk, bytes, to: budgets.board) }

  /// Tells of a step on a ladder, and has an agent stopped that is far over.
  func tell(_ notice: BudgetNotice) {
    // Still used up: whoever was stopped for it was told of.
    if notice.effect == .recover(.throttled) { return }
    let use = notice.status.use
    let event =
      switch notice.effect {
      case .warn: BudgetEvents.warning(use, of: notice.agent)
      case .throttle: BudgetEvents.throttled(use, of: notice.agent)
      case .stop: BudgetEvents.exceeded(use, of: notice.agent)
      case .recover: BudgetEvents.recovered(use, of: notice.agent)
      }
    let agent = notice.agent.flatMap { agents[$0] }
    events.publish(event, from: notice.agent.map { "agent/\($0)" } ?? "system", cause: agent?.calls.cause)
    if case .stop = notice.effect { agent?.exceed(notice.status) }
  }
}

extension BudgetStatus {
  /// As events carry it.
  var use: BudgetEvents.Use {
    BudgetEvents.Use(
      budget: resource.rawValue, used: used, limit: limit, unit: resource.unit, window: window, refused: refused,
      meter: whole?.meter.rawValue)
  }

  /// `it used 2.5s of 1s cpu in 10s`.
  var sentence: String { "it used \(BudgetText.share(use.fields)) of \(resource.rawValue)" }
}
