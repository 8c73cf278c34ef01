import Model

/// The operations on rules that the control plane uses. The orchestrator implements it.
package protocol RuleControl: AnyObject {
  /// The status of every rule, in the order of the files.
  func listRules() -> [RuleStatus]

  /// The number of rules in force.
  var count: Int { get }

  /// Why the rule files were rejected when they were last read; nil when they are in force.
  var refusal: String? { get }

  /// That the daemon is in safe mode, where no rules run: one sentence with the remedy; nil otherwise.
  var safeMode: String? { get }

  /// The rules with an action that wakes, starts or stops the agent.
  func rules(naming agent: AgentID) -> [RuleID]

  /// A dry run of `event`: for every rule whose `on` matches, whether it would fire and why.
  func testRules(_ event: Event) -> [RuleVerdict]

  /// Explains a rule: every part of its conditions with its value, and what would have to change.
  /// - Returns: nil if there is no such rule.
  func explain(_ rule: RuleID) -> RuleExplanation?

  /// Disables or enables a rule.
  /// - Returns: false if there is no such rule.
  func setRule(_ rule: RuleID, enabled: Bool) -> Bool

  /// Lets a rule begin again that an emergency stop has ended, or whose claim a person has suspended.
  /// - Returns: false if there is no such rule, or nothing of the kind.
  func resumeRule(_ rule: RuleID) -> Bool

  /// The variables of the rules.
  var variables: Fields { get }

  /// Sets a variable.
  /// - Throws: it is not declared, or the value has another type.
  func setVariable(_ name: String, _ value: Value, by holder: String, cause: Cause?) throws(NoAnswer)

  /// What rules have told people (`notify`), oldest first: `id`, `time` in milliseconds since 1970, and the payload of
  /// `rule:notify`.
  var messages: [Fields] { get }

  /// Removes messages, durably.
  /// - Parameter last: the newest one to be removed; nil for all.
  /// - Returns: how many were removed.
  func removeMessages(through last: ULID?) -> Int

  /// Calls `done` once, now or later: with nil when all that people chose so far is on the disk, or else with the reason
  /// why it would not survive a restart.
  func whenStored(_ done: @escaping (String?) -> Void)

  /// Keeps what state rules claim now off an output.
  /// - Parameter time: at most.
  func suspendClaims(on device: DeviceID, by holder: String, for time: Duration)

  /// Whether a person, or an event rule, keeps claims off an output.
  func isSuspended(_ device: DeviceID) -> Bool

  /// Ends a suspension, so that an output goes back to the rules that claim it.
  /// - Returns: whether there was one.
  func giveBack(_ device: DeviceID) -> Bool

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
  /// Whether it may act; false when a person has disabled it.
  package var isEnabled = true
  /// Whether it decides and is recorded, and moves nothing.
  package var isShadow = false
  /// The state of a state rule; nil for event rules.
  package var state: StateRuleLife?
  /// When it got into that state.
  package var since: Instant?
  /// Why a condition of a state rule is unknown; nil when all are known.
  package var unknown: String?
  /// What has become of its claim on outputs; nil without one.
  package var claim: OutputClaim.State?
  /// When an `every`, `cron` or `at` rule is due next, in milliseconds since 1970; nil for others.
  package var next: UInt64?
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
