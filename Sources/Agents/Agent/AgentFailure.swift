import Model

/// Why an agent could not start, or why an activation failed.
package struct AgentFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason code, as `history` shows it.
  package var reason: ExitReason
  /// One printable sentence.
  package var message: String

  /// - Parameter message: may quote untrusted text, such as a module's; it is made printable and truncated. An agent that
  ///   gives an empty text gave no reason, and the message says so.
  package init(_ reason: ExitReason, _ message: String) {
    self.reason = reason
    self.message = message.isEmpty ? "it gave no reason" : message.asMessage
  }

  package var description: String { "\(reason.rawValue): \(message)" }
}

/// Why an agent or an activation ended.
package enum ExitReason: String, Sendable, Hashable, CaseIterable {
  /// The agent finished by itself, without an error.
  case completed
  /// A person, a rule or another agent stopped it.
  case killed
  /// The daemon is shutting down.
  case shutdown
  /// The instance could not be created.
  case startFailed = "start-failed"
  /// The handler did not handle a refusal by the board, such as `busy`.
  case refused
  /// The handler threw an error of its own.
  case error
  /// The engine that holds its container is away: it was restarted, or hangs. Not the agent's failure.
  case engineAway = "engine.away"
  /// A signal or a trap ended the instance.
  case crash = "crash.signal"
  /// The activation made no progress.
  case stuck
  /// The agent broke the protocol between it and the daemon.
  case protocolViolation = "protocol"
  /// The agent exceeded its memory budget, or an allocation would have.
  case memory = "budget.memory"
  /// The agent exceeded its CPU budget.
  case cpu = "budget.cpu"
  /// One activation took longer than its budget.
  case activation = "budget.activation"
  /// The agent emitted, or tried to emit, far more events than its budget.
  case events = "budget.events"
  /// The agent used, or tried to use, the hardware far more often than its budget.
  case hardware = "budget.hardware"
  /// One activation used up the sandbox's instruction limit, which applies without a time budget.
  case instructions = "limit.instructions"
  /// One activation exceeded the sandbox's limit of host calls.
  case calls = "limit.calls"
  /// Its folder has more in it than its manifest allows.
  case data = "limit.data"
  /// The board was short of memory and stopped its least important agents.
  case pressure = "pressure.memory"
  /// Its parent has ended.
  case parentEnded = "parent.ended"
  /// A child of the same parent has failed, and it restarts with that one.
  case siblingFailed = "sibling.failed"
}
