import Crash
import EventLoop
import Linux
import Model
import Orchestrator
import Watchdog

/// The loop's beat: a timer that checks whether the daemon makes progress, and only then feeds the watchdogs.
///
/// Without a watchdog it beats only while a worker has work, so that a daemon at rest has no timer.
final class Pulse {
  /// The time between beats without a watchdog.
  static let idlePeriod = Duration.seconds(5)

  private let loop: EventLoop
  private let log: EventLog
  private let agents: AgentSupervisor
  private let record: CrashRecord?
  private let witness: LoopWitness
  private let kernel = LoopClock()
  private var health = LoopHealth()
  private var feeders: [() -> Void] = []
  private var period: Duration?
  private var timer: TimerID?

  /// Called with a worker's thread name when it stops answering, and when it answers again.
  var onWorker: (_ name: String, _ answers: Bool) -> Void = { _, _ in }

  /// Called with each beat.
  var onBeat: () -> Void = {}

  init(loop: EventLoop, log: EventLog, agents: AgentSupervisor, record: CrashRecord?, witness: LoopWitness) {
    self.loop = loop
    self.log = log
    self.agents = agents
    self.record = record
    self.witness = witness
  }

  /// Adds a watchdog. `feeder` is called at least once a period while there is progress.
  func feed(every period: Duration, _ feeder: @escaping () -> Void) {
    self.period = min(period, self.period ?? period)
    feeders.append(feeder)
  }

  /// The time between beats; nil without a watchdog, when it beats only while there is work.
  var feedingPeriod: Duration? { feeders.isEmpty ? nil : period }

  /// The first beat.
  func start() {
    loop.onWork = { [unowned self] in if timer == nil { beat(due: loop.now) } }
    beat(due: loop.now)
  }

  private func beat(due: Instant) {
    timer = nil
    let now = loop.now
    let (cpu, delay) = (kernel.cpu, kernel.delay)
    record?.beat(at: now, cpu: cpu, delay: delay ?? .zero)
    let workers = loop.workerStatus()
    let deliveries = agents.progress
    let verdict = health.beat(
      LoopHealth.Sample(
        now: now, due: due, turns: loop.turns, cpu: cpu, delay: delay,
        stall: delay == nil ? PressureFile.read("/proc/pressure/cpu")?.some.total : nil,
        queues: [
          LoopHealth.Queue("events", waiting: log.waiting, taken: log.handedOn),
          LoopHealth.Queue("deliveries", waiting: deliveries.waiting, taken: deliveries.taken),
        ],
        workers: workers.map { LoopHealth.Worker($0.name, busySince: $0.busySince, isVital: $0.isVital) },
        holder: witness.takeLongest().map { "agent \($0.agent), \($0.time.text)" }))
    if verdict.feeds { for feeder in feeders { feeder() } }
    for report in verdict.reports { publish(report) }
    onBeat()
    guard let next = feedingPeriod ?? (workers.contains { $0.pending > 0 } ? Self.idlePeriod : nil) else { return }
    let due = now + next
    timer = loop.schedule(at: due) { [unowned self] in beat(due: due) }
  }

  private func publish(_ report: LoopHealth.Report) {
    switch report {
    case .late(let by, let cause, let holder):
      log.publish(SystemEvents.late(by: by, cause: cause.rawValue, longest: holder), from: "system")
    case .stuck(let what, let time, let holdsOutputs):
      log.publish(SystemEvents.stuck(what, for: time, holdsOutputs: holdsOutputs), from: "system")
      tell(what, answers: false)
    case .moving(let what):
      log.publish(SystemEvents.moving(what), from: "system")
      tell(what, answers: true)
    }
  }

  private func tell(_ what: String, answers: Bool) {
    guard what.hasPrefix("worker ") else { return }
    onWorker(String(what.dropFirst(7)), answers)
  }
}
