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
  /// What it keeps from its trigger to its end; nil until the trigger was true. Most of many rules never need it.
  private var run: StateRun?

  init(_ watch: RuleWatch, life: StateRuleLife, memory: RuleMemory, now: Instant) {
    self.watch = watch
    self.life = life
    self.memory = memory
    since = now
  }

  private var begun: StateRun {
    if let run { return run }
    let made = StateRun()
    run = made
    return made
  }

  /// The change that made the trigger true, or opened the guard if that came later.
  var cause: Event? {
    get { run?.cause }
    set { if run != nil || newValue != nil { begun.cause = newValue } }
  }
  /// Its newest `rule:began` or `rule:resumed`.
  var began: Event? {
    get { run?.began }
    set { if run != nil || newValue != nil { begun.began = newValue } }
  }
  /// Why its guard does not allow it; nil while it does.
  var closed: String? {
    get { run?.closed }
    set { if run != nil || newValue != nil { begun.closed = newValue } }
  }
  /// The levels of `keep`, as its expressions gave them last.
  var levels: [Double] {
    get { run?.levels ?? [] }
    set { if run != nil || !newValue.isEmpty { begun.levels = newValue } }
  }
  /// The levels that it has claimed.
  var claimed: [Double] {
    get { run?.claimed ?? [] }
    set { if run != nil || !newValue.isEmpty { begun.claimed = newValue } }
  }
  /// When those changed last.
  var levelsChanged: Instant {
    get { run?.levelsChanged ?? Instant(nanoseconds: 0) }
    set { begun.levelsChanged = newValue }
  }
  var repeatTimer: TimerID? {
    get { run?.repeatTimer }
    set { if run != nil || newValue != nil { begun.repeatTimer = newValue } }
  }
  /// Since when its outputs are kept, and not counted in `memory.spent` for `at_most`; nil while they are not.
  var heldSince: Instant? {
    get { run?.heldSince }
    set { if run != nil || newValue != nil { begun.heldSince = newValue } }
  }
  var countTimer: TimerID? {
    get { run?.countTimer }
    set { if run != nil || newValue != nil { begun.countTimer = newValue } }
  }
  /// Until when it does not begin, because it began too often.
  var restsUntil: Instant? {
    get { run?.restsUntil }
    set { if run != nil || newValue != nil { begun.restsUntil = newValue } }
  }

  /// Counts a beginning.
  /// - Returns: how many there were within this second.
  func countBeginning(at now: Instant) -> Int {
    let run = begun
    if now - run.burstBegan >= .seconds(1) { (run.burst, run.burstBegan) = (0, now) }
    run.burst += 1
    return run.burst
  }
}

/// What a state rule keeps from its trigger to its end.
private final class StateRun {
  var cause: Event?
  var began: Event?
  var closed: String?
  var levels: [Double] = []
  var claimed: [Double] = []
  var levelsChanged = Instant(nanoseconds: 0)
  var repeatTimer: TimerID?
  var heldSince: Instant?
  var countTimer: TimerID?
  var restsUntil: Instant?
  /// Beginnings within the second that began at `burstBegan`.
  var burst = 0
  var burstBegan = Instant(nanoseconds: 0)
}
