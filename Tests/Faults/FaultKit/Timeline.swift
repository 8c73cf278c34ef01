import EventLoop
import Linux
import Model

/// The simulated time of a run, for board, systemd and daemon. It advances only from action to action.
final class Timeline: Timekeeper {
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var wallMilliseconds: UInt64
  var wallIsSynchronised = true
  private var timers = TimerQueue()
  /// The loop of the living daemon; nil between two daemons.
  var loop: ManualLoop?
  /// Called after each action while the daemon waits inside another one.
  var onWait: () -> Void = {}

  /// - Parameter wallMilliseconds: the initial wall time, in milliseconds since 1970.
  init(wallMilliseconds: UInt64) { self.wallMilliseconds = wallMilliseconds }

  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID { timers.add(at: deadline, action) }
  func cancel(_ timer: TimerID) { timers.cancel(timer) }

  /// Advances to the next action and runs it.
  /// - Returns: false when none is due up to `end`; then the time is `end`.
  func step(until end: Instant) -> Bool {
    // Running code takes time, and the board does not wait for the end of a turn.
    if let due = timers.nextDeadline(), due < now {
      timers.popDue(at: now)?.action()
      return true
    }
    if let loop, loop.runDeferred() || loop.runMail() { return true }
    let ours = timers.nextDeadline()
    let theirs = loop?.nextDeadline()
    guard let next = [ours, theirs].compactMap({ $0 }).min(), next <= end else {
      move(to: max(now, end))
      return false
    }
    move(to: max(now, next))
    // The board comes first: the loop handles descriptors before timers.
    if let ours, ours <= next { timers.popDue(at: now)?.action() } else { loop?.runTimer() }
    return true
  }

  /// Drops all pending actions and the objects that they retain.
  func stop() { timers = TimerQueue() }

  /// Time passes without any action: the machine slept, or no process got CPU time.
  func skip(_ duration: Duration) { move(to: now + duration) }

  /// Sets the wall clock; the monotonic clock is not affected.
  func jumpWall(by duration: Duration) {
    wallMilliseconds = UInt64(max(0, Int64(wallMilliseconds) + duration.nanoseconds / 1_000_000))
    loop?.wallWasSet()
  }

  private func move(to instant: Instant) {
    wallMilliseconds += instant.nanoseconds / 1_000_000 - now.nanoseconds / 1_000_000
    now = instant
  }
}

/// The loop of one daemon, without threads and descriptors.
final class ManualLoop: Loop {
  private unowned let line: Timeline
  private let disk: Disk
  private var timers = TimerQueue()
  private var deferred: [() -> Void] = []
  private var head = 0
  private var works: [any ManualWork] = []
  /// Handlers of descriptors that are ready.
  private var mail: [() -> Void] = []
  private var onWallSet: (() -> Void)?
  /// The number of actions that have run.
  private(set) var actions = 0
  /// The action before which the daemon dies.
  var dies: (before: Int, how: () -> Void)?
  private(set) var isDead = false
  /// Whether an action on the loop's thread hangs.
  var isStuck = false
  /// Whether the current or next action is overdue.
  private var isLate = false

  init(_ line: Timeline, _ disk: Disk) {
    self.line = line
    self.disk = disk
  }

  // A dead loop must leave any wait for a deadline.
  var now: Instant { isDead ? Instant(nanoseconds: .max) : line.now }
  var wallMilliseconds: UInt64 { line.wallMilliseconds }
  var wallIsSynchronised: Bool { line.wallIsSynchronised }

  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID {
    isDead ? TimerID(0) : timers.add(at: deadline, action)
  }

  func cancel(_ timer: TimerID) { timers.cancel(timer) }
  func later(_ action: @escaping () -> Void) { if !isDead { deferred.append(action) } }
  func watchClock(_ handler: @escaping () -> Void) { onWallSet = handler }

  /// The kernel reports a set clock through a descriptor.
  func wallWasSet() { if let onWallSet { post(onWallSet) } }
  func turn(wait: Bool) {
    guard !isDead else { return }
    step()
    standStill()
  }

  /// Returns when the loop is no longer stuck, or dead.
  func standStill() { while isStuck && !isDead { step() } }

  private func step() {
    _ = line.step(until: Instant(nanoseconds: .max))
    line.onWait()
  }

  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any JobQueue<State> {
    let jobs = ManualJobQueue(self, disk, state)
    works.append(jobs)
    return jobs
  }

  /// Waits for a child in real time, and reports its end after 80 simulated milliseconds.
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    let code = try Spawn.wait(for: pid)
    schedule(after: .milliseconds(80)) { handler(code > 128 ? .signalled(code - 128) : .exited(code)) }
  }

  /// Running code takes `time`.
  func spend(_ time: Duration) { if !isDead { line.skip(time) } }

  /// The number of timers.
  var waiting: Int { timers.count }
  /// The number of deferred actions.
  var putOff: Int { deferred.count - head }
  var isActive: Bool { !isDead && !isStuck }
  /// Whether an overdue timer or a ready descriptor waits for the next turn.
  var isBehind: Bool { isLate || !mail.isEmpty || nextDeadline().map { $0 < line.now } ?? false }

  /// A descriptor becomes ready; its handler runs before timers.
  func post(_ action: @escaping () -> Void) { if !isDead { mail.append(action) } }

  /// A driver calls back: immediately, or later when the loop is stuck.
  func arrives(_ action: @escaping () -> Void) { if isStuck { post(action) } else if !isDead { action() } }

  func runMail() -> Bool {
    guard isActive, !mail.isEmpty else { return false }
    run(mail.removeFirst())
    return true
  }

  func nextDeadline() -> Instant? { isActive ? timers.nextDeadline() : nil }

  func runDeferred() -> Bool {
    guard isActive, head < deferred.count else { return false }
    let action = deferred[head]
    head += 1
    if head == deferred.count {
      deferred = []
      head = 0
    }
    run(action)
    return true
  }

  func runTimer() {
    guard isActive else { return }
    isLate = isBehind
    defer { isLate = false }
    if let due = timers.popDue(at: line.now) { run(due.action) }
  }

  private func run(_ action: () -> Void) {
    actions += 1
    if let dies, actions >= dies.before {
      self.dies = nil
      dies.how()
    }
    if !isDead { action() }
  }

  /// Drops all timers and actions. Running jobs continue for the number of writes that `cut` returns.
  /// - Parameter cut: the number of writes of a job that still reach the disk; nil for none.
  func die(_ cut: () -> Int?) {
    guard !isDead else { return }
    isDead = true
    timers = TimerQueue()
    deferred = []
    mail = []
    head = 0
    for work in works where work.isUnderway {
      guard let writes = cut() else { continue }
      disk.cut(after: writes)
      work.perform()
    }
    disk.leave()
    for work in works { work.abandon() }
    works = []
  }
}

private protocol ManualWork: AnyObject {
  /// Whether a job has begun but not yet run.
  var isUnderway: Bool { get }
  func perform()
  func abandon()
}

/// Jobs of a worker: a job takes the disk's delay, runs at one instant within it, and reports its result after it.
private final class ManualJobQueue<State>: JobQueue, ManualWork {
  private unowned let loop: ManualLoop
  private let disk: Disk
  private let make: @Sendable () -> State
  private var state: State?
  private var jobs: [(inout State) -> (() -> Void)] = []
  private var isRunning = false
  private(set) var isUnderway = false
  private var answer: (() -> Void)?

  init(_ loop: ManualLoop, _ disk: Disk, _ make: @escaping @Sendable () -> State) {
    self.loop = loop
    self.disk = disk
    self.make = make
  }

  func submit<Result: Sendable>(
    _ work: @escaping @Sendable (inout State) -> Result, then completion: @escaping (Result) -> Void
  ) {
    guard !loop.isDead else { return }
    jobs.append { state in
      let result = work(&state)
      return { completion(result) }
    }
    if !isRunning { begin() }
  }

  private func begin() {
    guard !jobs.isEmpty else { return }
    isRunning = true
    isUnderway = true
    let half = Duration.nanoseconds(disk.delay().nanoseconds / 2)
    loop.schedule(after: half) { [self] in
      perform()
      loop.schedule(after: half) { [self] in
        isRunning = false
        let answer = self.answer
        self.answer = nil
        begin()
        answer?()
      }
    }
  }

  func perform() {
    isUnderway = false
    var state = self.state.take() ?? make()
    answer = jobs.removeFirst()(&state)
    self.state = state
  }

  func abandon() {
    jobs = []
    answer = nil
    state = nil
  }
}
