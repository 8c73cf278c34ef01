import Model

/// What the rule engine asks of the daemon, and tells it. Every call comes from the thread that drives the engine.
public protocol RuleEnvironment: AnyObject {
  /// The newest value of a sensor or input; nil when there is none.
  func sensor(_ id: String) -> Value?

  /// The newest snapshot of an agent; nil when there is none.
  func state(_ agent: String) -> Value?

  /// How far local time is ahead of UTC, in seconds.
  /// - Parameter at: seconds since 1970; the offset that holds then, so that daylight saving is known beforehand.
  func utcOffset(at: Int64) -> Int

  /// Carries a firing out. `RuleEngine.finished` is called once it is done, within this call or later.
  func fire(_ firing: Firing)

  /// The timer of an `every` or `cron` rule is due: publish an event `timer:<rule id>`.
  func timerDue(_ rule: RuleID)

  /// A condition, or a payload expression of `emit`, could not be evaluated. Told once until the error changes.
  func conditionFailed(_ rule: RuleID, _ error: String, event: Event)
}

extension RuleEnvironment {
  /// Local time is UTC unless the environment knows better.
  public func utcOffset(at: Int64) -> Int { 0 }
}
