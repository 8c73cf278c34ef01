import Agent
import Cgroup
import Crash
import EventLoop
import HAL
import Journal
import Linux
import Model
import Orchestrator
import Systemd
import Watchdog

/// The daemon's own health: the beat that feeds the watchdogs, crash record, strikes, safe mode, pressure, and the
/// board's budget.
package final class Vitals {
  /// Notes which agent's code runs on the loop.
  package let witness: LoopWitness
  /// Why only the control plane and safe outputs run; nil outside safe mode.
  package private(set) var safeMode: String?

  /// Called when a shortage, or what looked like one, is over.
  package var onRest: () -> Void = {}

  private let loop: EventLoop
  private let environment: [String: String]
  private let serviceManager: ServiceManager
  private let book: CrashBook
  private let device: HardwareWatchdog?
  /// Measures what the daemon uses as a whole.
  package let meter: BoardMeter
  /// Whether the kernel killed a process of the service before this start because it was out of memory.
  package let wasKilledForMemory: Bool
  private var problems: [String] = []
  private var log: EventLog?
  private var pulse: Pulse?
  private var pressure: PressureWatch?

  /// Opens the crash record, finds out how the last run ended, and arms the hardware watchdog if the settings name one.
  /// - Parameter startsInSafeMode: whether `--safe-mode` was given.
  package init(
    _ settings: Settings, safeMode startsInSafeMode: Bool, environment: [String: String], loop: EventLoop,
    serviceManager: ServiceManager
  ) {
    self.loop = loop
    self.environment = environment
    self.serviceManager = serviceManager
    meter = BoardMeter(settings.budget, clock: loop)
    // One watchdog is enough. With systemd's, systemd itself can feed the hardware watchdog (RuntimeWatchdogSec=).
    let path = serviceManager.feedingPeriod == nil ? settings.watchdog : nil
    do throws(SystemError) {
      device = try path.map { path throws(SystemError) in
        try HardwareWatchdog(path, timeout: max(1, Int(settings.watchdogTimeout.seconds.rounded(.up))))
      }
    } catch {
      device = nil
      problems.append("nobody watches the daemon: \(error)")
    }
    // An error here is reported later, when `Daemon.run` makes the folders.
    try? Files.makeFolder(settings.home)
    let note = MemoryKill(environment)
    wasKilledForMemory = note?.isThere ?? false
    book = CrashBook(
      runtime: note?.folder, home: settings.home, loop: loop, wasReset: device?.hasReset ?? false,
      forMemory: wasKilledForMemory)
    // Only the daemon that has the record may remove the note.
    if book.record != nil { note?.begin(kills: (try? ControlGroup.ofThisProcess().memory())?.kills ?? 0) }
    witness = LoopWitness(book.record, clock: loop)
    if startsInSafeMode {
      safeMode = "it was started with --safe-mode"
    } else if book.isBootLoop {
      safeMode =
        "it has ended \(Strikes.loopLimit) times within \(Strikes.window.text)"
        + (book.last.map { "; last: \($0.sentence)" } ?? "")
    }
  }

  /// Records fatal signals from now on. Only a program calls this, because it sets handlers of the whole process.
  package func noteCrashes() {
    do throws(SystemError) { try book.record?.catchSignals() } catch {
      problems.append("crashes are not noted: \(error)")
    }
  }

  /// Starts the beat, which feeds the watchdogs.
  /// - Parameter guardian: gives the guardian's process id; nil while none runs.
  package func begin(log: EventLog, hardware: Hardware, agents: AgentSupervisor, guardian: @escaping () -> Int32?) {
    self.log = log
    let pulse = Pulse(loop: loop, log: log, agents: agents, record: book.record, witness: witness)
    self.pulse = pulse
    if let period = serviceManager.feedingPeriod {
      pulse.feed(every: period) { [serviceManager] in serviceManager.feed() }
    }
    if let device { pulse.feed(every: .seconds(device.timeout) / 3) { device.feed() } }
    let pressure = PressureWatch(loop: loop, clock: loop, log: log, agents: agents, environment: environment)
    self.pressure = pressure
    pressure.onRest = { [unowned self] in onRest() }
    pressure.onShortCPU = { [serviceManager] isShort in serviceManager.giveTime(isShort) }
    meter.guardian = guardian
    meter.looksByItself = { [unowned pulse] in pulse.feedingPeriod != nil }
    pressure.follow(meter)
    pulse.onBeat = { [unowned pressure] in pressure.beat() }
    // A camera's thread is named after it, cut to the length of a thread name.
    pulse.onWorker = { name, answers in
      for device in hardware.board.devices where "cam-\(device.id)".prefix(15) == name {
        hardware.note(device.id, answers: answers)
      }
    }
    agents.quarantines = book
    pulse.start()
  }

  /// Reports how the last run ended and why the daemon is in safe mode, and starts to watch the pressure.
  package func tell(_ journal: Journal) {
    for problem in problems + book.notices { journal.log(.warning, problem) }
    book.onKept = { problems in for problem in problems { journal.log(.warning, problem) } }
    if let notice = meter.notice { journal.log(.warning, notice) }
    if let last = book.last, last.ending != .clean {
      log?.publish(
        SystemEvents.uncleanStart(ending: last.ending.rawValue, message: last.sentence, agent: last.blamed),
        from: "system")
      if let agent = last.blamed {
        log?.publish(
          AgentEvents.struck(
            agent, strikes: book.count(agent), limit: Strikes.strikeLimit, reason: last.ending.rawValue,
            message: last.sentence),
          from: "agent/\(agent)")
      }
    }
    if let safeMode {
      log?.publish(SystemEvents.safeMode(reason: safeMode), from: "system")
    }
    pressure?.start()
  }

  /// How the last run ended; nil when it ended cleanly or with the power, or there is no record of it.
  package var lastEnd: (verdict: Verdict, run: PastRun)? {
    guard let verdict = book.last, let run = book.record?.previous else { return nil }
    return verdict.ending == .clean || verdict.ending == .power ? nil : (verdict, run)
  }

  /// Records that the daemon serves.
  package func serve() { book.record?.enter(.serving) }

  /// Records that the daemon is ending.
  package func stop() { book.record?.enter(.stopping) }

  /// Records a clean end and disarms the hardware watchdog.
  package func end() {
    book.record?.enter(.ended)
    device?.stop()
  }

  /// Forgets the unclean ends that led to safe mode.
  /// - Parameter done: called when that is on the disk, or after five seconds if the disk is slower.
  package func forgiveEnds(_ done: @escaping () -> Void) {
    var waiting: (() -> Void)? = done
    func goOn() {
      let done = waiting.take()
      done?()
    }
    book.forgiveEnds(goOn)
    loop.schedule(after: .seconds(5), goOn)
  }

  /// Ends safe mode.
  package func leaveSafeMode() {
    safeMode = nil
    log?.publish(SystemEvents.safeModeLeft(), from: "system")
  }

  /// The fields of `daemon.status`.
  package var status: Fields {
    var fields: Fields = [:]
    if let safeMode { fields["safe_mode"] = .string(safeMode) }
    let feeder = serviceManager.feedingPeriod != nil ? "systemd" : device != nil ? "hardware" : nil
    fields["watchdog"] =
      feeder.map { ["fed": .string($0), "every": .string(pulse?.feedingPeriod?.text ?? "-")] } ?? "nobody watches"
    fields["control_group"] = meter.status
    fields["pressure"] = pressure?.status ?? "not watched"
    if let last = book.last {
      fields["last_end"] = ["ending": .string(last.ending.rawValue), "message": .string(last.sentence)]
    }
    return fields
  }
}
