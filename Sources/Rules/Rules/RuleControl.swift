import Model

/// What the control plane may do with rules. The orchestrator implements it.
public protocol RuleControl: AnyObject {
  /// Every rule and what became of it, in the order of the files.
  func listRules() -> [RuleStatus]

  /// What was wrong with the rule files when they were last read; nil when they are in force.
  var refusal: String? { get }

  /// The rules that wake, start or end an agent.
  func rules(naming agent: AgentID) -> [RuleID]

  /// What `event` would set off, without doing it: every rule whose `on` fits, and why it would or would not fire.
  func testRules(_ event: Event) -> [RuleVerdict]

  /// Reads the rule files again. All or nothing: on any error the old rules stay.
  /// - Returns: how many rules there are now.
  func reloadRules() throws(Diagnostics) -> Int
}

/// What people see of a rule.
public struct RuleStatus: Sendable, Hashable {
  /// Which rule.
  public var id: RuleID
  /// What sets it off, as written.
  public var trigger: String
  /// Its condition, as written; nil for none.
  public var condition: String?
  /// What it does, as written.
  public var actions: [String]
  /// Where it stands.
  public var location: Location
  /// How often it has fired.
  public var fired: UInt64
  /// How often one of its actions failed.
  public var failed: UInt64
  /// When it last fired.
  public var lastFired: Instant?
  /// The last error of its condition or of an action; nil when there was none.
  public var lastError: String?

  /// Puts a status together.
  public init(
    id: RuleID, trigger: String, condition: String?, actions: [String], location: Location, fired: UInt64,
    failed: UInt64 = 0, lastFired: Instant?, lastError: String?
  ) {
    self.id = id
    self.trigger = trigger
    self.condition = condition
    self.actions = actions
    self.location = location
    self.fired = fired
    self.failed = failed
    self.lastFired = lastFired
    self.lastError = lastError
  }
}

/// What a rule says to an event.
public struct RuleVerdict: Sendable, Hashable {
  /// Which rule.
  public var rule: RuleID
  /// Whether it would fire now.
  public var fires: Bool
  /// Why, or why not: `condition is false: 29.5 > 30.0`, `cooldown: 40s left`, …
  public var reason: String

  /// Puts a verdict together.
  public init(rule: RuleID, fires: Bool, reason: String) {
    self.rule = rule
    self.fires = fires
    self.reason = reason
  }
}
