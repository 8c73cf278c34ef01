import Agent
import Crash
import EventLoop
import HAL
import Journal
import Linux
import Model
import Orchestrator
import Systemd
import Watchdog

/// The daemon's care for itself: the beat that feeds whoever watches, the crash record, strikes, safe mode, pressure.
package final class Vitals {
  /// What knows whose code runs on the loop.
  package let witness: LoopWitness
  /// Why nothing but the control plane and safe outputs runs; nil when everything does.
  package private(set) var safeMode: String?

  /// Called when the board was, or seemed, short of something, and is not any more.
  package var onRest: () -> Void = {}

  private let loop: EventLoop
  private let environment: [String: String]
  private let serviceManager: ServiceManager
  private let book: CrashBook
  private let device: HardwareWatchdog?
  /// What the daemon uses as a whole.
  package let meter: BoardMeter
  /// Whether the kernel had killed a process of the service before this start, for want of memory.
  package let wasKilledForMemory: Bool
  private var problems: [String] = []
  private var log: EventLog?
  private var pulse: Pulse?
  private var pressure: PressureWatch?

  /// Opens the crash record, and finds out how the last run ended.
  package init(
    _ settings: Settings, safeMode startsInSafeMode: Bool, environment: [String: String], loop: EventLoop,
    serviceManager: ServiceManager
  ) {
    self.loop = loop
    self.environment = environment
    self.serviceManager = serviceManager
    meter = BoardMeter(settings.budget, clock: loop)
    // One of the two is enough, and systemd feeds the hardware's itself where it is told to (RuntimeWatchdogSec=).
    let path = serviceManager.feedingPeriod == nil ? settings.watchdog : nil
    do throws(SystemError) {
      device = try path.map { path throws(SystemError) in
        try HardwareWatchdog(path, timeout: max(1, Int(settings.watchdogTimeout.seconds.rounded(.up))))
      }
    } catch {
      device = nil
      problems.append("nobody watches the daemon: \(error)")
    }
    // The folders are made again, with what is wrong with them, when the daemon runs.
    try? Files.makeFolder(settings.home)
    let note = MemoryKill(environment)
    wasKilledForMemory = note?.isThere ?? false
    book = CrashBook(
      runtime: note?.folder, home: settings.home, loop: loop, wasReset: device?.hasReset ?? false,
      forMemory: wasKilledForMemory)
    // A second daemon does not take away what is for the first.
    if book.record != nil { note?.remove() }
    witness = LoopWitness(book.record, clock: loop)
    if startsInSafeMode {
      safeMode = "it was started with --safe-mode"
    } else if book.isBootLoop {
      safeMode =
        "it has ended \(Strikes.loopLimit) times within \(Strikes.window.text)"
        + (book.last.map { "; last: \($0.sentence)" } ?? "")
    }
  }

  /// Signals that end the process are noted from here on. They are the whole process's: its program asks for this.
  package func noteCrashes() {
    do throws(SystemError) { try book.record?.catchSignals() } catch {
      problems.append("crashes are not noted: \(error)")
    }
  }

  /// The loop beats from here on, and whoever watches is fed.
  /// - Parameter guardian: its process; nil while none runs.
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
    // A camera has a thread of its own, which is named for it as far as names go.
    pulse.onWorker = { name, answers in
      for device in hardware.board.devices where "cam-\(device.id)".prefix(15) == name {
        hardware.note(device.id, answers: answers)
      }
    }
    agents.quarantines = book
    pulse.start()
  }

  /// Says what is known of the last run, and in safe mode why; what is short is watched from here on.
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

  /// How the last run ended, where that was not in good order and something is known of it.
  package var lastEnd: (verdict: Verdict, run: PastRun)? {
    guard let verdict = book.last, let run = book.record?.previous else { return nil }
    return verdict.ending == .clean || verdict.ending == .power ? nil : (verdict, run)
  }

  /// The daemon serves.
  package func serve() { book.record?.enter(.serving) }

  /// The daemon is ending.
  package func stop() { book.record?.enter(.stopping) }

  /// The daemon has ended in good order; nobody needs to feed any more.
  package func end() {
    book.record?.enter(.ended)
    device?.stop()
  }

  /// A person wants everything to run again.
  /// - Parameter done: called when the next start knows that, or is not going to know: the disk is not waited for longer
  ///   than five seconds.
  package func forgiveEnds(_ done: @escaping () -> Void) {
    var waiting: (() -> Void)? = done
    func goOn() {
      let done = waiting.take()
      done?()
    }
    book.forgiveEnds(goOn)
    loop.schedule(after: .seconds(5), goOn)
  }

  /// Everything runs again from here on.
  package func leaveSafeMode() {
    safeMode = nil
    log?.publish(SystemEvents.safeModeLeft(), from: "system")
  }

  /// What `daemon.status` shows.
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
