import Model

/// The rule engine's interface to the daemon. All calls are made on the engine's thread.
package protocol RuleEnvironment: AnyObject {
  /// The newest value of a sensor that is good and not stale, or the level of an input.
  /// - Throws: why there is none.
  func sensor(_ id: String) throws(NoAnswer) -> Value

  /// An agent's report at the end of its last activation.
  /// - Throws: why there is none.
  func state(_ agent: String) throws(NoAnswer) -> Value

  /// Whether an input is active.
  /// - Throws: why that is unknown.
  func input(_ id: String) throws(NoAnswer) -> Bool

  /// What is known of a sensor or input, also of one that is silent.
  /// - Throws: there is no such device.
  func reading(_ id: String) throws(NoAnswer) -> SensorAnswer

  /// What is known of an output.
  /// - Throws: there is no such device, or it is lost.
  func output(_ id: String) throws(NoAnswer) -> OutputAnswer

  /// What is known of an agent.
  /// - Throws: there is no such agent.
  func agent(_ id: String) throws(NoAnswer) -> AgentAnswer

  /// The variables of the rules.
  var variables: Fields { get }

  /// Where the board is; nil when unknown.
  var place: Board.Place? { get }

  /// How far local time is ahead of UTC, in seconds.
  /// - Parameter at: seconds since 1970, also in the future: the result includes daylight saving at that time.
  func utcOffset(at: Int64) -> Int

  /// The file of a time zone such as `Europe/Berlin` in the system's database (TZif); nil when there is none.
  /// - Parameter zone: without `..` or a leading `/`.
  func timeZoneFile(_ zone: String) -> [UInt8]?

  /// Whether the wall clock is reliable. While it is not, no calendar rule is due, and `now` does not exist. Call
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

  // MARK: State rules

  /// The event that a change of `subject` is, as the cause of what follows. A reading that was not published because of
  /// its deadband is published now.
  /// - Returns: nil when it is not known.
  func event(of subject: RuleSubject) -> Event?

  /// A state rule has begun to last, or has ended: publish it.
  /// - Returns: the event.
  func published(_ change: StateChange, of rule: RuleID, cause: Event?) -> Event

  /// A state rule keeps these outputs from now on, or at these levels. `settleClaims` follows in the same turn.
  func claim(_ claim: OutputClaim)

  /// A state rule keeps nothing any more. `settleClaims` follows in the same turn.
  /// - Parameter ended: the event that it has ended; nil if it goes on without outputs.
  /// - Parameter isRemoved: whether the rule is not in its file any more: what keeps it off an output then keeps off the
  ///   rules that claim it in the same turn.
  func dropClaim(of rule: RuleID, ended: Event?, isRemoved: Bool)

  /// Moves outputs according to the claims: releases before takes, one command for each output.
  func settleClaims()

  /// The state of a rule's claim, for people and for `at_most`; nil without a claim.
  func claimState(of rule: RuleID) -> OutputClaim.State?

  /// How long the longest silence of one of these devices may be before `sensor()` has no value.
  func longestSilence(of devices: [DeviceID]) -> Duration

  /// Stores what must survive a restart about a rule; nil deletes it.
  func remember(_ rule: RuleID, _ memory: RuleMemory?)

  /// Whether an emergency stop is in force.
  var isStopped: Bool { get }

  /// Carries out a firing. Must call `RuleEngine.finished` once when the firing has ended, within this call or later;
  /// if its last action waits, and none has failed, `RuleEngine.wait` instead. When an action fails, must call
  /// `RuleEngine.failed` before that, within this call, and carry out `RuleEngine.otherwise`.
  func fire(_ firing: Firing)

  /// Carries out the next part of a firing that has waited, as `fire` does.
  func goOn(_ firing: UInt64, _ actions: [Firing.Action])

  /// A `wait_for` has not become true in time: the action has failed.
  /// - Parameter action: as in the rule file.
  func waitEnded(_ firing: UInt64, in action: String, within time: Duration)

  /// A firing that waits is given up: must call `RuleEngine.finished` when what it has started has ended.
  func cut(_ firing: UInt64)

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
  /// Local time and the place of the board.
  package var calendar: BoardCalendar { BoardCalendar(place: place, offset: { self.utcOffset(at: $0) }) }
  /// It is unknown where the board is.
  package var place: Board.Place? { nil }
  /// There is none.
  package var isStopped: Bool { false }
  /// There are no variables.
  package var variables: Fields { [:] }
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
