import CEL
import Model

/// What a turn does after all looks: outputs, then lists of actions in the order of the files.
struct RuleTurn {
  var isRunning = false
  /// Whether outputs have to be moved.
  var hasClaims = false
  var lists: [() -> Void] = []
  /// The timer of the next turn.
  var next: TimerID?
  /// Watches whose time has come, and the timer of their turn.
  var woken: [RuleWatch] = []
  var wakeUp: TimerID?
  /// The computed instants that are still to come.
  var dues = Dues()
}

/// Instants, found by the millisecond.
struct Dues {
  private var buckets: [UInt64: [Instant]] = [:]

  private func bucket(_ instant: Instant) -> UInt64 { instant.nanoseconds / 1_000_000 }

  mutating func add(_ instant: Instant) { buckets[bucket(instant), default: []].append(instant) }

  mutating func remove(_ instant: Instant) {
    guard let place = buckets[bucket(instant)]?.firstIndex(of: instant) else { return }
    buckets[bucket(instant)]?.remove(at: place)
    if buckets[bucket(instant)]?.isEmpty ?? false { buckets[bucket(instant)] = nil }
  }

  /// The last one up to `end` and at most three milliseconds before it; nil when there is none.
  func last(before end: Instant) -> Instant? {
    let last = bucket(end)
    return (last - min(last, 3)...last).lazy.flatMap { buckets[$0] ?? [] }.filter { $0 <= end }.max()
  }
}

/// Turns: all conditions that a change concerns are looked at on one snapshot, then outputs are moved with one command
/// each, then actions are carried out. What those change is the next turn's.
extension RuleEngine {
  /// How long computed instants are gathered for one turn.
  private static let gathering = Duration.milliseconds(2)

  /// Something that conditions may name has changed. Costs nothing when none does.
  package func changed(_ subject: RuleSubject) {
    guard !watches.isEmpty else { return }
    let concerned = watches[subject]
    guard !concerned.isEmpty else { return }
    for watch in concerned { markLater(watch, subject) }
    if !turn.isRunning { runTurn() }
  }

  /// Anything may have changed.
  package func everythingChanged() {
    for watch in watches.all { markLater(watch, nil) }
    if !turn.isRunning { runTurn() }
  }

  /// Has a watch looked at in this turn, or else now.
  func mark(_ watch: RuleWatch, _ subject: RuleSubject?) {
    markLater(watch, subject)
    if !turn.isRunning { runTurn() }
  }

  /// Has a watch looked at in the next turn.
  func markLater(_ watch: RuleWatch, _ subject: RuleSubject?) {
    if let subject { watch.change = subject }
    guard !watch.isDirty else { return }
    watch.isDirty = true
    dirty.append(watch)
    if turn.isRunning { askForTurn() }
  }

  private func askForTurn() {
    guard turn.next == nil else { return }
    turn.next = clock.schedule(after: .zero) { [weak self] in
      guard let self else { return }
      turn.next = nil
      runTurn()
    }
  }

  /// Looks at what is marked, then does what follows. A change in between asks for another turn.
  func runTurn() {
    guard !turn.isRunning, !dirty.isEmpty else { return }
    inTurn {
      let batch = dirty.sorted { $0.rank < $1.rank }
      dirty = []
      for watch in batch where watch.isDirty {
        watch.isDirty = false
        let change = watch.change
        watch.change = nil
        watch.look(change)
      }
    }
  }

  /// Runs `work`, which may step state rules, then moves outputs and carries out actions.
  func inTurn(_ work: () -> Void) {
    guard !turn.isRunning else { return work() }
    turn.isRunning = true
    work()
    if turn.hasClaims {
      turn.hasClaims = false
      environment.settleClaims()
    }
    let lists = turn.lists
    turn.lists = []
    for list in lists { list() }
    turn.isRunning = false
    if !turn.lists.isEmpty || turn.hasClaims || !dirty.isEmpty { askForTurn() }
  }

  /// Has a watch looked at again after a time, because the result of its conditions changes then by itself; or at an
  /// earlier time that was already asked for: looking once too often is cheaper than a new timer for each reading.
  /// - Parameter time: nil for never.
  func wake(_ watch: RuleWatch, after time: Duration?) {
    guard let time else { return clearTimer(of: watch) }
    let due = clock.now + time
    if watch.timer != nil, watch.due <= due { return }
    clearTimer(of: watch)
    watch.due = due
    turn.dues.add(due)
    watch.timer = clock.schedule(at: due) { [weak self, weak watch] in
      guard let self, let watch else { return }
      watch.timer = nil
      turn.dues.remove(watch.due)
      turn.woken.append(watch)
      guard turn.wakeUp == nil else { return }
      // Instants that are the same on the wall clock are not quite so on the monotonic one: look at them in one turn, so
      // that an output goes from one rule to the next without a step through its safe state.
      guard let last = turn.dues.last(before: clock.now + Self.gathering) else { return lookAtWoken() }
      turn.wakeUp = clock.schedule(at: max(last, clock.now)) { [weak self] in
        self?.turn.wakeUp = nil
        self?.lookAtWoken()
      }
    }
  }

  private func lookAtWoken() {
    let woken = turn.woken
    turn.woken = []
    for watch in woken { markLater(watch, nil) }
    runTurn()
  }

  /// Cancels the computed instant of a watch.
  func clearTimer(of watch: RuleWatch) {
    guard let timer = watch.timer else { return }
    clock.cancel(timer)
    watch.timer = nil
    turn.dues.remove(watch.due)
  }

  /// The result of a condition. Set `scope.event` before.
  func truth(_ program: CELProgram) -> Truth {
    evaluations += 1
    do throws(CELError) {
      let value = try program.evaluate(scope)
      guard case .bool(let holds) = value else {
        return .unknown("the condition has type \(value.type), but must be bool (in '\(program.text.prefix(80))')")
      }
      return Truth(holds)
    } catch {
      if error.kind != .missing { failure = describe(error, program.text) }
      return .unknown(error.message)
    }
  }
}
