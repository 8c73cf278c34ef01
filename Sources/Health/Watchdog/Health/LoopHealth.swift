import Model

/// Judges at each beat of the loop whether the daemon makes progress. A pure state machine.
///
/// Only a beat may feed the watchdogs of the service manager and the hardware: a loop that does not turn does not beat,
/// and a beat without progress does not feed.
package struct LoopHealth: Sendable {
  /// The thresholds.
  package struct Limits: Sendable {
    /// A beat that comes later than this is reported as late.
    package var late = Duration.milliseconds(500)
    /// A queue is stuck when nothing was taken from it for this time and `turns` turns. Time for which the loop waited
    /// for a CPU does not count.
    package var queue = Duration.milliseconds(500)
    /// The least number of turns for a stuck queue: two beats may come within one turn, which takes nothing in between.
    package var turns: UInt64 = 2
    /// A worker is stuck, and reported, when its job takes longer than this.
    package var job = Duration.seconds(10)
    /// A stuck vital worker stops the feeding of the watchdogs when its job takes longer than this.
    package var vitalJob = Duration.seconds(30)

    /// The default thresholds.
    package init() {}
  }

  /// The state of a queue of the daemon.
  package struct Queue: Sendable {
    /// The name for reports, e.g. `events`.
    package var name: String
    /// The number of entries that could be taken now.
    package var waiting: Int
    /// The number of entries taken since the start.
    package var taken: UInt64

    /// A queue's state.
    package init(_ name: String, waiting: Int, taken: UInt64) {
      self.name = name
      self.waiting = waiting
      self.taken = taken
    }
  }

  /// The state of a worker thread.
  package struct Worker: Sendable {
    /// The thread's name.
    package var name: String
    /// When the running job began; nil when none runs.
    package var busySince: Instant?
    /// Whether outputs cannot be made safe without it.
    package var isVital: Bool

    /// A worker's state.
    package init(_ name: String, busySince: Instant?, isVital: Bool) {
      self.name = name
      self.busySince = busySince
      self.isVital = isVital
    }
  }

  /// The input of a beat.
  package struct Sample: Sendable {
    /// The time of the beat.
    package var now: Instant
    /// When the beat was due.
    package var due: Instant
    /// The number of turns of the loop so far.
    package var turns: UInt64
    /// The CPU time of the loop's thread so far.
    package var cpu: Duration
    /// The time for which the loop's thread has waited for a CPU so far; nil if the kernel does not count it.
    package var delay: Duration?
    /// The time for which any task of the machine has waited for a CPU so far (PSI); nil if the kernel does not count
    /// it.
    package var stall: Duration?
    /// All queues of the daemon.
    package var queues: [Queue]
    /// All worker threads.
    package var workers: [Worker]
    /// The owner of the longest handler since the last beat, e.g. `agent climate`; nil if unknown.
    package var holder: String?

    /// A sample; optional parts are absent unless given.
    package init(
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
  package enum Lateness: String, Sendable, Hashable {
    /// The loop's thread waited for a CPU.
    case starved
    /// A handler used the CPU for too long.
    case busy
    /// A handler blocked on a disk, a device or a lock.
    case blocked
  }

  /// A finding of a beat.
  package enum Report: Sendable, Hashable {
    /// The beat was late.
    case late(by: Duration, Lateness, holder: String?)
    /// A part makes no progress, e.g. `worker i2c-1` or `queue events`.
    case stuck(String, for: Duration, holdsOutputs: Bool)
    /// A stuck part makes progress again, or is gone.
    case moving(String)
  }

  private let limits: Limits
  private var last: Sample?
  /// For each queue with waiting entries: its counters at the first beat since which nothing was taken.
  private var moved: [String: (taken: UInt64, at: Instant, turn: UInt64, waited: Duration)] = [:]
  private var stuck: Set<String> = []

  /// Judges against these thresholds, before the first beat.
  package init(limits: Limits = Limits()) { self.limits = limits }

  /// Processes a beat.
  /// - Returns: whether the watchdogs may be fed, and the changes since the last beat.
  package mutating func beat(_ sample: Sample) -> (feeds: Bool, reports: [Report]) {
    var reports: [Report] = []
    var feeds = true
    if let late = lateness(sample) { reports.append(late) }
    var known: Set<String> = []
    for queue in sample.queues {
      let now = (taken: queue.taken, at: sample.now, turn: sample.turns, waited: sample.delay ?? .zero)
      var since = moved[queue.name] ?? now
      if since.taken != queue.taken { since = now }
      // An entry that arrived after the last beat must not count from that beat.
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
    // A worker that no longer exists is not stuck.
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
    // At the first beat, count all CPU time since the start.
    let cpu = sample.cpu - (last?.cpu ?? .zero)
    let waited: Duration? =
      if let delay = sample.delay { delay - (last?.delay ?? .zero) } else if let stall = sample.stall {
        stall - (last?.stall ?? stall)
      } else { nil }
    if let waited, waited >= late / 2 { return .late(by: late, .starved, holder: nil) }
    // Compare with the time in which the thread could have run.
    return .late(by: late, cpu >= (late - (waited ?? .zero)) / 2 ? .busy : .blocked, holder: sample.holder)
  }
}
