import Model

/// The run-time state of a state rule.
final class StateProgress {
  var life: StateRuleLife
  /// When it got into that state.
  var since: Instant
  /// What is stored about the rule.
  var memory: RuleMemory
  let watch: RuleWatch
  /// The time of `for`, of `linger`, or of the silence while it resumes.
  var timer: TimerID?
  var repeatTimer: TimerID?
  /// The change that made the trigger true, or opened the guard if that came later.
  var cause: Event?
  /// Its newest `rule:began` or `rule:resumed`.
  var began: Event?
  /// Why its guard does not allow it; nil while it does.
  var closed: String?
  /// Why a condition is unknown; nil when all are known.
  var unknown: String?
  /// The levels of `keep`, as its expressions gave them last.
  var levels: [Double] = []
  /// The levels that it has claimed, and when they changed last.
  var claimed: [Double] = []
  var levelsChanged = Instant(nanoseconds: 0)
  /// Whether the trigger was false since the emergency stop.
  var wasFalse = false
  /// Since when its outputs are kept, and not counted in `memory.spent` for `at_most`; nil while they are not.
  var heldSince: Instant?
  var countTimer: TimerID?
  /// Beginnings within the second that began at `burstBegan`.
  var burst = 0
  var burstBegan = Instant(nanoseconds: 0)
  /// Until when it does not begin, because it began too often.
  var restsUntil: Instant?

  init(_ watch: RuleWatch, life: StateRuleLife, memory: RuleMemory, now: Instant) {
    self.watch = watch
    self.life = life
    self.memory = memory
    since = now
  }
}
