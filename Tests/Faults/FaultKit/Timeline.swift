import EventLoop
import Linux
import Model

/// The time of a run: of the board, of whoever tends the daemon, and of the daemon that lives. It stands still until
/// it is moved, one action after the other.
final class Timeline: Timekeeper {
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var wallMilliseconds: UInt64
  var wallIsSynchronised = true
  private var timers = TimerQueue()
  /// The daemon that lives; nil between two.
  var loop: ManualLoop?
  /// Called after each thing that happens while the daemon waits in the middle of something.
  var onWait: () -> Void = {}

  /// - Parameter wallMilliseconds: what the wall clock shows at first.
  init(wallMilliseconds: UInt64) { self.wallMilliseconds = wallMilliseconds }

  @discardableResult
  func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> TimerID { timers.add(at: deadline, action) }
  func cancel(_ timer: TimerID) { timers.cancel(timer) }

  /// Lets one thing happen, moving time on to it.
  /// - Returns: false when nothing is due up to `end`; then it is `end`.
  func step(until end: Instant) -> Bool {
    // Code that runs takes time, and the board does not wait for the end of a turn.
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
    // What happens to the board comes first: the loop looks at descriptors before it looks at its timers.
    if let ours, ours <= next { timers.popDue(at: now)?.action() } else { loop?.runTimer() }
    return true
  }

  /// Nothing happens any more: what was to happen is let go of, and with it who waits for it.
  func stop() { timers = TimerQueue() }

  /// Time passes and nobody does anything: a machine that slept, or had no processor to give.
  func skip(_ duration: Duration) { move(to: now + duration) }

  /// Sets the wall clock; the monotonic one goes on as it was.
  func jumpWall(by duration: Duration) {
    wallMilliseconds = UInt64(max(0, Int64(wallMilliseconds) + duration.nanoseconds / 1_000_000))
    loop?.wallWasSet()
  }

  private func move(to instant: Instant) {
    wallMilliseconds += instant.nanoseconds / 1_000_000 - now.nanoseconds / 1_000_000
    now = instant
  }
}

/// The loop of one daemon, from its start to its death, without threads and descriptors.
final class ManualLoop: Loop {
  private unowned let line: Timeline
  private let disk: Disk
  private var timers = TimerQueue()
  private var deferred: [() -> Void] = []
  private var head = 0
  private var works: [any ManualWork] = []
  /// What has arrived on a descriptor and was not read yet.
  private var mail: [() -> Void] = []
  private var onWallSet: (() -> Void)?
  /// How many actions have run.
  private(set) var actions = 0
  /// Dies before this action.
  var dies: (before: Int, how: () -> Void)?
  private(set) var isDead = false
  /// Something on the loop's thread does not return.
  var isStuck = false
  /// What runs, or is about to, was due earlier.
  private var isLate = false

  init(_ line: Timeline, _ disk: Disk) {
    self.line = line
    self.disk = disk
  }

  // A loop that waits for a deadline leaves its wait when it is dead.
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

  /// The kernel says so on a descriptor.
  func wallWasSet() { if let onWallSet { post(onWallSet) } }
  func turn(wait: Bool) {
    guard !isDead else { return }
    step()
    standStill()
  }

  /// Does not return before it goes on, or is dead.
  func standStill() { while isStuck && !isDead { step() } }

  private func step() {
    _ = line.step(until: Instant(nanoseconds: .max))
    line.onWait()
  }

  func worker<State>(_ name: String, state: @escaping @Sendable () -> State) -> any Jobs<State> {
    let jobs = ManualJobs(self, disk, state)
    works.append(jobs)
    return jobs
  }

  /// How long a child takes is not the run's time: it is waited for here, and found to have ended a little later.
  func onExit(of pid: Int32, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
    let code = try Spawn.wait(for: pid)
    schedule(after: .milliseconds(80)) { handler(code > 128 ? .signalled(code - 128) : .exited(code)) }
  }

  /// What runs takes time.
  func spend(_ time: Duration) { if !isDead { line.skip(time) } }

  /// How many timers wait.
  var waiting: Int { timers.count }
  /// How many actions wait for the end of the turn.
  var putOff: Int { deferred.count - head }
  var isActive: Bool { !isDead && !isStuck }
  /// Something is overdue, or has arrived: it has not had a turn since.
  var isBehind: Bool { isLate || !mail.isEmpty || nextDeadline().map { $0 < line.now } ?? false }

  /// Something arrives that the loop reads before it looks at its timers.
  func post(_ action: @escaping () -> Void) { if !isDead { mail.append(action) } }

  /// A driver calls back: at once, unless something on the loop's thread does not return.
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

  /// Nothing of it happens any more. Work that had begun goes on for a while, as `cut` says.
  /// - Parameter cut: how many writes of it the disk still sees; nil for none.
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
  /// A job has begun and has done nothing yet.
  var isUnderway: Bool { get }
  func perform()
  func abandon()
}

/// Work away from the loop: it takes as long as the disk takes, does everything at one moment within that, and answers
/// later.
private final class ManualJobs<State>: Jobs, ManualWork {
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
