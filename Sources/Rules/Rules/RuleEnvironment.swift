import Model

/// The rule engine's interface to the daemon. All calls are made on the engine's thread.
package protocol RuleEnvironment: AnyObject {
  /// The newest value of a sensor that is good and not stale, or the level of an input.
  /// - Throws: why there is none.
  func sensor(_ id: String) throws(NoAnswer) -> Value

  /// An agent's report at the end of its last activation.
  /// - Throws: why there is none.
  func state(_ agent: String) throws(NoAnswer) -> Value

  /// How far local time is ahead of UTC, in seconds.
  /// - Parameter at: seconds since 1970, also in the future: the result includes daylight saving at that time.
  func utcOffset(at: Int64) -> Int

  /// The file of a time zone such as `Europe/Berlin` in the system's database (TZif); nil when there is none.
  /// - Parameter zone: without `..` or a leading `/`.
  func timeZoneFile(_ zone: String) -> [UInt8]?

  /// Whether the wall clock is reliable. While it is not, no `cron` rule is due, and `now` does not exist. Call
  /// `RuleEngine.clockChanged` when this changes.
  var clockIsTrusted: Bool { get }

  /// Why an agent cannot be woken, to follow "it waits for agent"; nil when it is registered. A rule whose actions name
  /// such an agent carries out nothing but commands that make an output safe.
  func absence(of agent: AgentID) -> String?

  /// Whether a command leads to an actuator's safe state. A rule that waits for an agent still carries out such commands.
  func isSafe(_ command: ActuatorCommand, for device: DeviceID) -> Bool

  /// Entries of `cron` rules were missed: the clock was set or not trusted, or the timer ran too late.
  /// - Parameter entries: the first missed entry of each rule. Each is reported once.
  func entriesMissed(_ entries: [MissedEntry])

  /// Stores the start of a rule's `cooldown` for the next start of the daemon; nil deletes it.
  func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?)

  /// Carries out a firing. Must call `RuleEngine.finished` once when the firing has ended, within this call or later.
  /// When an action fails, must call `RuleEngine.failed` before that, within this call.
  func fire(_ firing: Firing)

  /// The timer of an `every` or `cron` rule is due: publish an event `timer:<rule id>`.
  func timerDue(_ rule: RuleID)

  /// A condition could not be evaluated. Not repeated until the error changes.
  func conditionFailed(_ rule: RuleID, _ error: String, event: Event)
}

extension RuleEnvironment {
  /// Local time is UTC.
  package func utcOffset(at: Int64) -> Int { 0 }
  /// No zone has a name.
  package func timeZoneFile(_ zone: String) -> [UInt8]? { nil }
  /// The clock is trusted.
  package var clockIsTrusted: Bool { true }
  /// Every agent is there.
  package func absence(of agent: AgentID) -> String? { nil }
  /// No command is known to be safe.
  package func isSafe(_ command: ActuatorCommand, for device: DeviceID) -> Bool { false }
  /// Stores nothing.
  package func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?) {}
  /// Ignores missed entries.
  package func entriesMissed(_ entries: [MissedEntry]) {}
}

/// Why `sensor()` or `state()` has no value.
package struct NoAnswer: Error, Sendable, Hashable {
  /// One sentence without a full stop. Equal for equal reasons: an error is reported only when its text changes.
  package var message: String
  /// - Parameter message: one sentence without a full stop.
  package init(_ message: String) { self.message = message }
}

/// A missed entry of a `cron` rule.
package struct MissedEntry: Sendable, Hashable {
  /// The rule's id.
  package var rule: RuleID
  /// The minute at which the entry was due, in seconds since 1970.
  package var due: Int64
  /// - Parameter due: in seconds since 1970.
  package init(rule: RuleID, due: Int64) {
    self.rule = rule
    self.due = due
  }
}
