import Model

/// A rule that fires: what is to be done now.
public struct Firing: Sendable {
  /// Never used twice; `RuleEngine.finished` takes it.
  public var id: UInt64
  /// Which rule.
  public var rule: RuleID
  /// The newest event that led to it.
  public var event: Event
  /// How many events are folded into it, at least 1.
  public var count: Int
  /// What to do, in order; payloads are evaluated.
  public var actions: [ResolvedAction]
  /// What the rule says about firings that overlap.
  public var mode: RuleDeclaration.Mode
  /// The firing that this one takes the place of and that is to be ended (`mode: restart`); nil for none.
  public var replaces: UInt64?

  /// Puts a firing together.
  public init(
    id: UInt64, rule: RuleID, event: Event, count: Int, actions: [ResolvedAction], mode: RuleDeclaration.Mode,
    replaces: UInt64? = nil
  ) {
    self.id = id
    self.rule = rule
    self.event = event
    self.count = count
    self.actions = actions
    self.mode = mode
    self.replaces = replaces
  }
}

/// `RuleAction` with the expressions of `emit` evaluated.
public enum ResolvedAction: Sendable, Hashable {
  /// Starts an agent if it is not running, and hands it the event.
  case spawn(AgentID)
  /// Hands the event to an agent.
  case wake(AgentID)
  /// Ends an agent.
  case kill(AgentID)
  /// Commands an actuator.
  case actuate(DeviceID, ActuatorCommand, lease: Duration?)
  /// Publishes an event.
  case emit(String, Fields)
}
