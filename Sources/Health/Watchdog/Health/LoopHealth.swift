import Model

/// Whether the daemon makes progress, judged each time its loop beats. Values in, values out.
///
/// Only a beat may feed the service manager's watchdog or the hardware's: a loop that does not turn does not beat, and
/// a beat that finds no progress does not feed.
public struct LoopHealth: Sendable {
  /// What is too long.
  public struct Limits: Sendable {
    /// A beat that comes later than this is said to be late.
    public var late = Duration.milliseconds(500)
    /// A queue that nothing was taken from for this long, in so many turns of the loop, is stuck. Time for which the loop
    /// waited for a CPU does not count. Two beats may come within one turn, which has handed on nothing in between.
    public var queue = Duration.milliseconds(500)
    /// In so many turns.
    public var turns: UInt64 = 2
    /// A job of a worker that takes longer makes the worker stuck: said, with its name.
    public var job = Duration.seconds(10)
    /// A stuck worker without which outputs cannot be made safe holds the feeding back after this long.
    public var vitalJob = Duration.seconds(30)

    /// The defaults.
    public init() {}
  }

  /// Something that hands on what waits.
  public struct Queue: Sendable {
    /// What people call it, e.g. `events`.
    public var name: String
    /// How much waits that could be taken.
    public var waiting: Int
    /// How much has been taken since the start.
    public var taken: UInt64

    /// Puts it together.
    public init(_ name: String, waiting: Int, taken: UInt64) {
      self.name = name
      self.waiting = waiting
      self.taken = taken
    }
  }

  /// A thread beside the loop.
  public struct Worker: Sendable {
    /// The thread's name.
    public var name: String
    /// When it began the job it is at; nil when it is at none.
    public var busySince: Instant?
    /// Whether outputs cannot be made safe without it.
    public var isVital: Bool

    /// Puts it together.
    public init(_ name: String, busySince: Instant?, isVital: Bool) {
      self.name = name
      self.busySince = busySince
      self.isVital = isVital
    }
  }

  /// What a beat sees.
  public struct Sample: Sendable {
    public var now: Instant
    /// When the beat was due.
    public var due: Instant
    /// How many turns the loop has made so far.
    public var turns: UInt64
    /// CPU time of the loop's thread so far.
    public var cpu: Duration
    /// How long the loop's thread has waited for a CPU so far; nil where the kernel does not say.
    public var delay: Duration?
    /// How long some task of the machine has waited for a CPU so far (PSI); nil where the kernel does not say.
    public var stall: Duration?
    /// Everything that hands on what waits.
    public var queues: [Queue]
    /// Every thread beside the loop.
    public var workers: [Worker]
    /// What held the loop longest since the last beat, e.g. `agent climate`; nil when nothing is known.
    public var holder: String?

    /// Puts a sample together.
    public init(
      now: Instant, due: Instant, turns: UInt64, cpu: Duration, delay: Duration? = nil, stall: Duration? = nil,
      queues: [Queue] = [], workers: [Worker] = [], holder: String? = nil
    ) {
      self.now = now
      self.due = due
      self.turns = turns
      self.cpu = cpu
      self.delay = delay
      self.stall = stall
      self.queues = queues
      self.workers = workers
      self.holder = holder
    }
  }

  /// Why a beat was late.
  public enum Lateness: String, Sendable, Hashable {
    /// The machine gave the loop no CPU.
    case starved
    /// A handler ran for too long.
    case busy
    /// A handler waited for something: a disk, a device, a lock.
    case blocked
  }

  /// What people should know.
  public enum Report: Sendable, Hashable {
    /// The loop turned too late.
    case late(by: Duration, Lateness, holder: String?)
    /// Something has stopped moving: `worker i2c-1`, `queue events`.
    case stuck(String, for: Duration, holdsOutputs: Bool)
    /// It moves again.
    case moving(String)
  }

  private let limits: Limits
  private var last: Sample?
  /// For each queue in which something waits: how much had been taken when that was first seen to wait, and when that was.
  private var moved: [String: (taken: UInt64, at: Instant, turn: UInt64, waited: Duration)] = [:]
  private var stuck: Set<String> = []

  /// Nothing has been seen yet.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Takes a beat.
  /// - Returns: whether the watchdog may be fed, and what changed.
  public mutating func beat(_ sample: Sample) -> (feeds: Bool, reports: [Report]) {
    var reports: [Report] = []
    var feeds = true
    if let late = lateness(sample) { reports.append(late) }
    var known: Set<String> = []
    for queue in sample.queues {
      let now = (taken: queue.taken, at: sample.now, turn: sample.turns, waited: sample.delay ?? .zero)
      var since = moved[queue.name] ?? now
      if since.taken != queue.taken { since = now }
      // What came since the last beat has not waited since then.
      moved[queue.name] = queue.waiting == 0 ? nil : since
      if queue.waiting == 0 { since = now }
      let age = sample.now - since.at - (now.waited - since.waited)
      let isStuck = age >= limits.queue && sample.turns - since.turn >= limits.turns
      if isStuck { feeds = false }
      note("queue \(queue.name)", isStuck, age, true, &known, &reports)
    }
    for worker in sample.workers {
      let age = worker.busySince.map { sample.now - $0 } ?? .zero
      if worker.isVital && age > limits.vitalJob { feeds = false }
      note("worker \(worker.name)", age > limits.job, age, worker.isVital, &known, &reports)
    }
    // A worker that is gone is not stuck any more.
    for name in stuck.subtracting(known).sorted() { reports.append(.moving(name)) }
    stuck.formIntersection(known)
    last = sample
    return (feeds, reports)
  }

  private mutating func note(
    _ name: String, _ isStuck: Bool, _ age: Duration, _ holdsOutputs: Bool, _ known: inout Set<String>,
    _ reports: inout [Report]
  ) {
    guard known.insert(name).inserted else { return }
    if isStuck, stuck.insert(name).inserted {
      reports.append(.stuck(name, for: age, holdsOutputs: holdsOutputs))
    } else if !isStuck, stuck.remove(name) != nil {
      reports.append(.moving(name))
    }
  }

  private func lateness(_ sample: Sample) -> Report? {
    let late = sample.now - sample.due
    guard late > limits.late else { return nil }
    // Before the first beat all that was used counts.
    let cpu = sample.cpu - (last?.cpu ?? .zero)
    let waited: Duration? =
      if let delay = sample.delay { delay - (last?.delay ?? .zero) } else if let stall = sample.stall {
        stall - (last?.stall ?? stall)
      } else { nil }
    if let waited, waited >= late / 2 { return .late(by: late, .starved, holder: nil) }
    // Of the time in which it could have run.
    return .late(by: late, cpu >= (late - (waited ?? .zero)) / 2 ? .busy : .blocked, holder: sample.holder)
  }
}
