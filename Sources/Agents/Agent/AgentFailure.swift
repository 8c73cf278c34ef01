import Model

/// Why an agent could not start, or why an activation failed.
public struct AgentFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The typed reason, as `history` shows it.
  public var reason: ExitReason
  /// One sentence for people.
  public var message: String

  /// - Parameter message: may quote what others wrote, such as a module: it is made printable and cut.
  public init(_ reason: ExitReason, _ message: String) {
    self.reason = reason
    self.message = message.asMessage
  }

  public var description: String { "\(reason.rawValue): \(message)" }
}

/// Why an agent ended, or an activation did.
public enum ExitReason: String, Sendable, Hashable, CaseIterable {
  /// It finished what it was for.
  case completed
  /// Somebody asked for it.
  case killed
  /// The daemon is ending.
  case shutdown
  /// It could not be started.
  case startFailed = "start-failed"
  /// Its handler passed on a refusal of the board, such as that somebody else holds the device.
  case refused
  /// Its handler threw.
  case error
  /// It was ended by a signal or a trap.
  case crash = "crash.signal"
  /// No progress.
  case stuck
  /// It had, or wanted, more memory than its budget.
  case memory = "budget.memory"
  /// It computed for longer than its budget.
  case cpu = "budget.cpu"
  /// One activation took longer than its budget.
  case activation = "budget.activation"
  /// It emitted, or tried to, far more events than its budget.
  case events = "budget.events"
  /// It used, or tried to, the hardware far more often than its budget.
  case hardware = "budget.hardware"
  /// It asked a model for far more tokens than its budget.
  case tokens = "budget.tokens"
  /// One activation used up the instructions that its sandbox gives to an agent without a budget of time.
  case instructions = "limit.instructions"
  /// One activation called the host more often than its sandbox lets anybody.
  case calls = "limit.calls"
  /// The board was short of memory, and others are more important.
  case pressure = "pressure.memory"
}
