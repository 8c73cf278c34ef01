import Model

/// What the rule engine asks of the daemon, and tells it. Every call comes from the thread that drives the engine.
public protocol RuleEnvironment: AnyObject {
  /// The newest good value of a sensor that is not stale, or the level of an input.
  /// - Throws: why there is none.
  func sensor(_ id: String) throws(NoAnswer) -> Value

  /// What an agent told of itself when its last activation ended.
  /// - Throws: why there is nothing.
  func state(_ agent: String) throws(NoAnswer) -> Value

  /// How far local time is ahead of UTC, in seconds.
  /// - Parameter at: seconds since 1970; the offset that holds then, so that daylight saving is known beforehand.
  func utcOffset(at: Int64) -> Int

  /// Whether the wall clock may be believed: without that no `cron` rule is due, and `now` is unknown. Whoever changes
  /// the answer calls `RuleEngine.clockChanged`.
  var clockIsTrusted: Bool { get }

  /// Entries of `cron` rules have passed without being due, as the clock was set, was not trusted, or nobody could act.
  /// - Parameter entries: the first of each such rule, told once.
  func entriesMissed(_ entries: [MissedEntry])

  /// What is to be known of a rule's `cooldown` after a restart; nil when nothing is any more.
  func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?)

  /// Carries a firing out. `RuleEngine.finished` is called once it is done, within this call or later, and before that
  /// `RuleEngine.failed`, within this call, when an action was not carried out.
  func fire(_ firing: Firing)

  /// The timer of an `every` or `cron` rule is due: publish an event `timer:<rule id>`.
  func timerDue(_ rule: RuleID)

  /// A condition could not be evaluated. Told once until the error changes.
  func conditionFailed(_ rule: RuleID, _ error: String, event: Event)
}

extension RuleEnvironment {
  /// Local time is UTC unless the environment knows better.
  public func utcOffset(at: Int64) -> Int { 0 }
  /// The clock is right.
  public var clockIsTrusted: Bool { true }
  /// Nothing is kept.
  public func cooldownBegan(_ rule: RuleID, _ cooldown: RuleCooldown?) {}
  /// Nobody wants to know.
  public func entriesMissed(_ entries: [MissedEntry]) {}
}

/// Why a condition's question has no answer: one sentence without a full stop. It stays the same as long as the reason
/// does, so that it is told once.
public struct NoAnswer: Error, Sendable, Hashable {
  /// The sentence.
  public var message: String
  /// Puts it together.
  public init(_ message: String) { self.message = message }
}

/// An entry of a `cron` rule that was passed over.
public struct MissedEntry: Sendable, Hashable {
  /// Whose.
  public var rule: RuleID
  /// The minute it stands for, in seconds since 1970.
  public var due: Int64
  /// Puts it together.
  public init(rule: RuleID, due: Int64) {
    self.rule = rule
    self.due = due
  }
}
