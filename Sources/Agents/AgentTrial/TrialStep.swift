import Agent
import Model

/// One step of a trial.
package struct TrialStep: Sendable, Hashable {
  /// Simulated time since the trial began.
  package var at: Duration
  /// The kind of step.
  package var kind: Kind
  /// One printable line.
  package var text: String
  /// The machine-readable form of `text`.
  package var fields: Fields

  /// - Parameter at: simulated time since the trial began.
  package init(at: Duration, _ kind: Kind, _ text: String, _ fields: Fields) {
    self.at = at
    self.kind = kind
    self.text = text
    self.fields = fields
  }

  /// The kinds of step.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The instance is ready, or could not be created.
    case start
    /// An event was delivered to the agent.
    case event
    /// A host call of the agent, successful or refused.
    case read, control, snapshot, frame, emit, state, timer, file, model
    /// A line of the agent's log.
    case log
    /// An event of the board: a lease ended, a picture was taken.
    case board
    /// An event of the agent's lifecycle: back-off, quarantine, overload.
    case agent
    /// The activation has ended.
    case done
    /// The trial ends: the agent is stopped, and the board closed after it.
    case end
  }

  /// One JSON object: `at_ms`, `kind`, and the fields of that kind.
  package var document: Value {
    var document: Fields = ["at_ms": .int(at.nanoseconds / 1_000_000), "kind": .string(kind.rawValue)]
    for (key, value) in fields { document[key] = value }
    return .map(document)
  }
}

/// The result and the cost of one activation.
package struct TrialActivation: Sendable {
  /// Why it failed; nil when it succeeded.
  package var failure: AgentFailure?
  /// The cost as the driver measured it; nil where the driver does not measure it.
  package var cost: ActivationCost?
  /// Real time from the event to the result, including the driver's overhead.
  package var time: Duration

  /// - Parameter time: real time, including the driver's overhead.
  package init(failure: AgentFailure?, cost: ActivationCost?, time: Duration) {
    self.failure = failure
    self.cost = cost
    self.time = time
  }
}
