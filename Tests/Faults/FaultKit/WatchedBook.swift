import Agent
import Crash
import Model

/// Wraps the daemon's crash book and reports its changes.
final class WatchedBook: QuarantineStore {
  enum Change {
    case quarantine
    case release(AgentID)
  }

  private let book: CrashBook
  private let onChange: (Change, _ isWritten: Bool) -> Void

  init(_ book: CrashBook, _ onChange: @escaping (Change, _ isWritten: Bool) -> Void) {
    self.book = book
    self.onChange = onChange
  }

  func quarantine(of agent: AgentID) -> AgentFailure? { book.quarantine(of: agent) }

  func quarantine(_ agent: AgentID, for failure: AgentFailure) {
    tell(.quarantine) { book.quarantine(agent, for: failure) }
  }

  func release(_ agent: AgentID) { tell(.release(agent)) { book.release(agent) } }

  private func tell(_ change: Change, _ act: () -> Void) {
    let before = book.strikes.revision
    act()
    onChange(change, book.strikes.revision != before)
  }
}
