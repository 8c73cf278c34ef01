import Agent
import Model
import Watchdog

// What all agents use together, and the reports when it is too much.
extension AgentSupervisor {
  /// The budgets of the whole board: the sum of all agents, the last measurement of the daemon as a whole, and what it
  /// writes to the disk.
  package var boardBudgets: [BudgetStatus] { budgets.boardStatus + (shared.model?.budgets(of: nil) ?? []) }

  /// Takes a measurement of the daemon as a whole.
  /// - Returns: the share of the board's budget, where 1 is all of it; nil without a budget.
  package func note(_ measurement: BoardMeasurement) -> Double? { budgets.measure(measurement) }

  /// Whether the daemon has used up its budget of disk writes.
  package var isDiskUsedUp: Bool {
    budgets.board.status(at: clock.now).contains { $0.resource == .disk && $0.step >= .throttled }
  }

  /// Counts bytes that the daemon has written to the disk.
  package func noteWritten(_ bytes: Int64) { budgets.charge(.disk, bytes, to: budgets.board) }

  /// Reports a step of a budget's ladder, and stops an agent that is far over.
  func tell(_ notice: BudgetNotice) {
    // Still used up: this was reported when the agent was stopped.
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
  /// `it used 2.5s of 1s cpu in 10s`.
  var sentence: String { "it used \(BudgetText.share(use.fields)) of \(resource.rawValue)" }
}
