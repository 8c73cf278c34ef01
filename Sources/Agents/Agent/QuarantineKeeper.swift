import Model

/// Remembers beyond this daemon's life which agents are not run until a person lets them out.
public protocol QuarantineKeeper: AnyObject {
  /// Why an agent is not run; nil when it may.
  func quarantine(of agent: AgentID) -> AgentFailure?

  /// An agent is not run from now on. One that was not before is kept with this reason.
  func quarantine(_ agent: AgentID, for failure: AgentFailure)

  /// A person lets an agent out, or it is not registered any more. Nothing follows for one that may run.
  func release(_ agent: AgentID)
}
