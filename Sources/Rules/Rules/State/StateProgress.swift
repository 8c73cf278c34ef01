import Model

/// The run-time state of a state rule.
final class StateProgress {
  var life: StateRuleLife
  /// When it got into that state.
  var since: Instant
  /// What is stored about the rule.
  var memory: RuleMemory
  let watch: RuleWatch
  /// Why a condition is unknown; nil when all are known.
  var unknown: String?
  /// The time of `for`, of `linger`, or of the silence while it resumes.
  var timer: TimerID?
  /// Whether the trigger was false since the emergency stop.
  var wasFalse = false
  /// What belongs to a run; nil until its trigger was true once. Most of many rules never need it.
  var run: StateRun?

  init(_ watch: RuleWatch, life: StateRuleLife, memory: RuleMemory, now: Instant) {
    self.watch = watch
    self.life = life
    self.memory = memory
    since = now
  }

  /// `run`, made if it is not there.
  var begun: StateRun {
    if let run { return run }
    let made = StateRun()
    run = made
    return made
  }

  /// Whether it has claimed outputs.
  var hasClaim: Bool { !(run?.claimed.isEmpty ?? true) }
}

/// What belongs to a run of a state rule, from its trigger to its end.
final class StateRun {
  /// The change that made the trigger true, or opened the guard if that came later.
  var cause: Event?
  /// Its newest `rule:began` or `rule:resumed`.
  var began: Event?
  /// Why its guard does not allow it; nil while it does.
  var closed: String?
  /// The levels of `keep`, as its expressions gave them last.
  var levels: [Double] = []
  /// The levels that it has claimed, and when they changed last.
  var claimed: [Double] = []
  var levelsChanged = Instant(nanoseconds: 0)
  var repeatTimer: TimerID?
  /// Since when its outputs are kept, and not counted in `memory.spent` for `at_most`; nil while they are not.
  var heldSince: Instant?
  var countTimer: TimerID?
  /// Until when it does not begin, because it began too often.
  var restsUntil: Instant?
  /// Beginnings within the second that began at `burstBegan`.
  private var burst = 0
  private var burstBegan = Instant(nanoseconds: 0)

  /// Counts a beginning.
  /// - Returns: how many there were within this second.
  func countBeginning(at now: Instant) -> Int {
    if now - burstBegan >= .seconds(1) { (burst, burstBegan) = (0, now) }
    burst += 1
    return burst
  }
}
