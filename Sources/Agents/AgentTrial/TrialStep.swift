import Agent
import Model

/// One thing that happened in a trial.
public struct TrialStep: Sendable, Hashable {
  /// When, in simulated time since the beginning.
  public var at: Duration
  /// What kind of thing.
  public var kind: Kind
  /// As people read it: printable, one line.
  public var text: String
  /// The same for programs.
  public var fields: Fields

  /// Puts a step together.
  public init(at: Duration, _ kind: Kind, _ text: String, _ fields: Fields) {
    self.at = at
    self.kind = kind
    self.text = text
    self.fields = fields
  }

  /// The kinds of step.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The instance is ready, or could not be made.
    case start
    /// An event was handed to the agent.
    case event
    /// The agent asked for something, and got it or was refused.
    case read, control, snapshot, frame, emit, state, file, model
    /// A line of its log.
    case log
    /// Something happened on the board: a lease ended, a picture is there.
    case board
    /// Something happened to the agent: it failed, starts again, is quarantined.
    case agent
    /// The activation is over.
    case done
    /// The agent ends, and the board after it.
    case end
  }

  /// As one JSON object: `at_ms`, `kind`, and what that kind has.
  public var document: Value {
    var document: Fields = ["at_ms": .int(at.nanoseconds / 1_000_000), "kind": .string(kind.rawValue)]
    for (key, value) in fields { document[key] = value }
    return .map(document)
  }
}

/// How one activation ended, and what it used.
public struct TrialActivation: Sendable {
  /// nil when it succeeded.
  public var failure: AgentFailure?
  /// What the driver measured; nil where it does not.
  public var cost: ActivationCost?
  /// Real time from the event to the end, as seen from outside of the driver.
  public var time: Duration

  /// Puts an activation together.
  public init(failure: AgentFailure?, cost: ActivationCost?, time: Duration) {
    self.failure = failure
    self.cost = cost
    self.time = time
  }
}
