/// What came of an event that an agent was sent.
package enum EventOutcome: Sendable, Hashable {
  /// The agent has handled it.
  case handled
  /// The board has refused what the agent asked for, and with that the agent has ended the event; the refusal's message.
  case refused(String)
  /// The agent has failed; why.
  case failed(String)
  /// The agent did not get it, or somebody has ended the agent while it handled it.
  case dropped
}
