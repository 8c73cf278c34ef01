import Agent
import HAL
import HALSimulated
import Model
import Orchestrator

/// The whole of a run: the board and its wires, the disk, the daemon that lives or the next one, who starts it again,
/// and the clients that use it.
final class Machine {
  /// What holds for how long it may take.
  enum Bound {
    /// From the daemon's death to safe outputs, with the guardian, and without it by `ExecStopPost`.
    static let guardian = Duration.milliseconds(10)
    static let stopPost = Duration.milliseconds(500)
    /// `WatchdogSec`, `TimeoutStartSec` and `TimeoutStopSec` of the service, and `RestartSec` with what systemd takes.
    static let watchdog = Duration.seconds(5)
    static let hungStart = Duration.seconds(30)
    static let stop = Duration.seconds(15)
    static let restart = Duration.milliseconds(500)
    /// `StoredRegistry.open` waits for 5 s at most.
    static let start = Duration.seconds(6)
    static let boot = Duration.seconds(8)
    /// Chips that forget their level are told it again.
    static let refresh = Duration.seconds(5)
  }

  let seed: UInt64
  let line: Timeline
  let board: Board
  let simulated: SimulatedBackend
  let disk: Disk
  let stage: Stage
  let invariants: Invariants
  let ledger = Ledger()
  let answers = Answers()
  let accounts = EventAccounts(depthLimit: DaemonLife.depthLimit, wakes: TestAgents.wakes)
  var rules = LoopRules()
  var calendar = CalendarRules()
  var stopRules = StopRules()
  var minuteTimer: TimerID?
  let remains = Remains()
  var life: DaemonLife?
  /// What happened, for comparison with another run of the same seed.
  private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
  let folders: any FolderMaker
  var lives = 0
  var chance: Chance
  let guardians: Guardians
  let strikes = StrikeRules()
  /// The daemon that was started last keeps the changes of its outputs for the next one.
  var keepsChanges = false
  /// How often the power went.
  var boots = 1
  /// The newest of the daemon's books that was seen.
  var revision = 0
  var startTimer: TimerID?
  /// What happens to the next start, after so many steps.
  var startTrouble: (steps: Int, what: StartTrouble)?
  /// Whose code the daemon hangs in.
  var hanging: AgentID?
  var isOver = false
  /// How often guests of the engine have ended how.
  private(set) var guestEnds: [String: Int] = [:]
  private var looks = 0
  /// Since the last look an output, a device, an agent or the daemon has.
  var somethingChanged = true
  var trace: ((String) -> Void)?

  /// What moves outputs now is neither daemon nor guardian.
  var isInterfering = false

  let engine: GuestEngine?
  /// The agents that daemons have in their configuration.
  let configured: [Manifest]

  /// - Parameter engine: runs agents that are modules; without one there are none.
  init(_ plan: Plan, _ folders: any FolderMaker, _ engine: GuestEngine?) {
    seed = plan.seed
    // Somewhere within a minute of the year 2026.
    line = Timeline(wallMilliseconds: 1_780_000_000_000 + plan.seed % 60_000)
    length = plan.length
    self.engine = engine
    configured = TestAgents.configured + (engine?.agents ?? [])
    self.folders = folders
    chance = Chance(plan.seed, "machine")
    board = TestBoard.make(plan.seed)
    simulated = SimulatedBackend(board: board, clock: line, seed: plan.seed)
    disk = folders.disk(plan.seed)
    disk.clock = line
    folders.memory?.clock = line
    stage = Stage(plan.seed, board)
    invariants = Invariants(board, at: line.now)
    guardians = Guardians(board, simulated, line)
    simulated.onOutput = { [unowned self] id, level in
      note("\(id) \(level)")
      somethingChanged = true
      guard isInterfering else { return invariants.output(id, takes: level, at: line.now) }
      let isRefreshed = board.device(id)?.options["forgets"]?.bool ?? false
      invariants.interfered(
        id, level: level, at: line.now, isHeld: view(id)?.holder != nil, refresh: isRefreshed ? Bound.refresh : nil)
    }
    line.onWait = { [unowned self] in look() }
    stage.onHandled = { [unowned self] in handled($0, $1) }
    stage.onState = { [unowned self] agent, key, value in ledger.submit("state/\(agent)/\(key)", "\(value)") }
    stage.onGuest = { [unowned self] manifest, failure, cost in
      if let cost, let budget = manifest.budget.memory {
        rules.used(cost.peakMemory, of: budget, by: manifest.id, invariants, at: line.now)
      }
      guard let failure else { return }
      note("\(manifest.id) fails: \(failure.message)")
      guestEnds["\(manifest.id) \(failure.reason.rawValue)", default: 0] += 1
    }
    stage.onCommand = { [unowned self] in invariants.isTold($0, at: line.now) }
    stage.onCode = { [unowned self] agent, event in
      guard let record = life?.book.record else { return }
      if let agent { record.begin(.activation, agent, event: event, at: line.now) } else { record.end() }
    }
    stage.onCrash = { [unowned self] in kill("\($0) crashed in it", .crash($0)) }
    stage.onHang = { [unowned self] in stick($0) }
    for fault in plan.faults {
      line.schedule(at: start + fault.at) { [unowned self] in
        note("fault \(fault)")
        inject(fault)
        // Between two actions of what follows, not only before them.
        look()
      }
    }
    awaitMinute()
    Clients(self, plan.seed).begin()
  }

  private let length: Duration
  private let start = Instant(nanoseconds: 1_000_000_000)

  /// Notes a sentence without what it says of files, whose folders are other ones each time.
  func note(notice: String) { note("notice: \(notice.prefix { $0 != "/" })") }

  func note(_ text: String) {
    for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
    digest = (digest ^ line.now.nanoseconds) &* 0x100_0000_01b3
    trace?("\((line.now - start).seconds) \(text)")
  }

  /// Runs to the end; the last thing is that the daemon ends in order.
  func run() {
    launch()
    let end = start + length
    while line.step(until: end) { look() }
    // Everything that went wrong is over; the daemon must be back, and end in order.
    let limit = line.now + .seconds(60)
    while !isServing, line.step(until: limit) { look() }
    isOver = true
    life?.loop.dies = nil
    guard let life, isServing else {
      return invariants.expect(false, "back in time", at: line.now, "there is no daemon")
    }
    // What comes at the very end waits for nobody.
    answers.check(invariants, at: line.now)
    life.end()
    while !life.hasEnded, line.step(until: limit + .seconds(60)) {}
    EndRules(invariants, at: line.now).check(hasEnded: life.hasEnded)
    // Rules stay in force to the end; without them nothing may be left to wait for.
    life.rules.enforce(.empty)
    if life.hasEnded { checkRemains(life) }
    life.die({ nil }, lands: { _ in false })
    line.loop = nil
    line.onWait = {}
    disk.clock = nil
    folders.memory?.clock = nil
    line.stop()
    self.life = nil
  }

  private var isServing: Bool {
    guard let life else { return false }
    return life.isReady && !life.isEnding && life.loop.isActive
  }

  private func checkRemains(_ life: DaemonLife) {
    // What watches over a window of time ends with the window.
    let quiet = line.now + .seconds(600)
    while life.loop.waiting > 0, line.step(until: quiet) {}
    let end = EndRules(invariants, at: line.now)
    end.check(timers: life.loop.waiting)
    for status in life.agents.listAgents() { end.check(status.id, status.state, queued: status.queued) }
    for device in board.devices {
      guard case .actuator(let settings) = device.kind, let view = view(device.id) else { continue }
      end.check(device.id, settings, level: view.level, isSettled: view.isSettled)
    }
    checkAccounts(life)
  }

  // MARK: Looking

  func look(always: Bool = false) {
    looks += 1
    guard always || somethingChanged || looks % 16 == 0 else { return }
    // While its loop hangs nobody answers; what it drives stays as it is.
    let life = self.life.flatMap { $0.isReady && !$0.isClosed && $0.loop.isActive ? $0 : nil }
    // What was due while everybody slept comes first.
    if let life, life.loop.isBehind { return }
    somethingChanged = false
    let isStopped = life?.hardware.emergencyStop != nil
    invariants.look(
      at: line.now, life == nil ? nil : { [unowned self] in view($0) }, isStopped: isStopped
    ) { holder in
      guard let life else { return true }
      if holder.hasPrefix("rule/") { return life.rules.isInForce(RuleID(String(holder.dropFirst(5)))) }
      guard holder.hasPrefix("agent/") else { return true }
      guard let status = try? life.agents.agentStatus(AgentID(String(holder.dropFirst(6)))) else { return false }
      return status.state != .idle && status.state != .quarantined && status.state != .backoff
    }
    guard let life else { return }
    rules.check(timers: life.loop.waiting, putOff: life.loop.putOff, invariants, at: line.now)
    checkQuarantines(life)
    // What takes longer is looked at less often, and not in the middle of an action that kills.
    if looks % 64 == 0, !always { checkAccounts(life) }
  }

  func view(_ id: DeviceID) -> ActuatorView? {
    guard let life, let status = life.hardware.device(id), let reading = status.reading else { return nil }
    return ActuatorView(
      level: reading.value, isSettled: reading.quality == .good, holder: status.holder,
      leaseEnd: life.hardware.lease(of: id)?.end)
  }

  private func checkQuarantines(_ life: DaemonLife) {
    let isSafeMode = life.safeMode != nil
    for agent in isSafeMode ? configured.map(\.id) : strikes.quarantined.sorted() {
      rules.check(
        agent, (try? life.agents.agentStatus(agent))?.state, isQuarantined: strikes.quarantined.contains(agent),
        isSafeMode: isSafeMode, invariants, at: line.now)
    }
  }

  private func checkAccounts(_ life: DaemonLife) {
    let log = life.log
    accounts.check(
      EventAccounts.Log(total: log.total, handedOn: log.handedOn, shed: log.shed, waiting: log.waiting), invariants,
      at: line.now)
    guard !life.isEnding else { return }
    for manifest in configured {
      guard let status = try? life.agents.agentStatus(manifest.id) else { continue }
      accounts.check(manifest.id, waiting: status.queued, dropped: status.dropped, invariants, at: line.now)
    }
  }

  // MARK: What agents and the daemon say

  func happened(_ event: Event) {
    note("\(event.type) \(event.source)")
    somethingChanged = true
    switch event.type {
    case "system:emergency_stop":
      ledger.submit("stop", "stopped")
      invariants.stopIsAskedFor(at: line.now)
    case "timer:minute": calendar.isDue(line.wallMilliseconds, isTrusted: clockIsTrusted, invariants, at: line.now)
    case "system:emergency_stop_cleared":
      ledger.submit("stop", nil)
      stopRules.cleared(event)
    case "device:changed": stopRules.changed(event, board, invariants, at: line.now)
    default: break
    }
    answers.published(event, lives, line.now)
    // A stop that is cleared in safe mode wakes nobody yet.
    if life?.safeMode != nil { answers.pause(true) }
    accounts.published(event)
    if event.type == "work:storm", event.source.hasPrefix("agent/") {
      rules.emitted(by: event.source, budget: TestAgents.eventsPerSecond, invariants, at: line.now)
    }
  }

  private func handled(_ agent: AgentID, _ event: Event) {
    answers.handled(agent, event, lives, line.now)
    accounts.given(event, to: agent)
  }
}
