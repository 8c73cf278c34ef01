import Model

/// The operations on rules that the control plane uses. The orchestrator implements it.
package protocol RuleControl: AnyObject {
  /// The status of every rule, in the order of the files.
  func listRules() -> [RuleStatus]

  /// The number of rules in force.
  var count: Int { get }

  /// Why the rule files were rejected when they were last read; nil when they are in force.
  var refusal: String? { get }

  /// The rules with an action that wakes, starts or stops the agent.
  func rules(naming agent: AgentID) -> [RuleID]

  /// A dry run of `event`: for every rule whose `on` matches, whether it would fire and why.
  func testRules(_ event: Event) -> [RuleVerdict]

  /// Reads the rule files again. On any error the old rules stay in force.
  /// - Returns: the new number of rules.
  func reloadRules() throws(Diagnostics) -> Int
}

/// The status of a rule.
package struct RuleStatus: Sendable, Hashable {
  /// The rule's id.
  package var id: RuleID
  /// The trigger, as written.
  package var trigger: String
  /// The condition, as written; nil for none.
  package var condition: String?
  /// The actions, as written; those of `else` begin with `else`.
  package var actions: [String]
  /// The rule's position in its file.
  package var location: Location
  /// The number of firings.
  package var fired: UInt64
  /// The number of firings with a failed action.
  package var failed: UInt64
  /// When the rule last fired; nil when it never did.
  package var lastFired: Instant?
  /// Why the rule waits for an agent, or else the last error of the condition or of an action, or why a `cron` rule
  /// waits; nil when there is none.
  package var lastError: String?

  /// - Parameter actions: as written; those of `else` begin with `else`.
  package init(
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

/// The result of a dry run for one rule.
package struct RuleVerdict: Sendable, Hashable {
  /// The rule's id.
  package var rule: RuleID
  /// Whether the rule would fire now.
  package var fires: Bool
  /// Why, or why not: `condition is false: value = 29.5`, `cooldown: 40 s left`, …
  package var reason: String

  /// - Parameter reason: why the rule would fire, or why not.
  package init(rule: RuleID, fires: Bool, reason: String) {
    self.rule = rule
    self.fires = fires
    self.reason = reason
  }
}
