import Agent
import HAL
import HALSimulated
import Model
import Orchestrator

/// One run: the board and its outputs, the disk, the successive daemons, systemd, and the clients.
final class Machine {
  /// Time limits.
  enum Bound {
    /// From the daemon's death to safe outputs: by the guardian, or else by `ExecStopPost`.
    static let guardian = Duration.milliseconds(10)
    static let stopPost = Duration.milliseconds(500)
    /// `WatchdogSec`, `TimeoutStartSec` and `TimeoutStopSec` of the service, and `RestartSec` plus systemd's own time.
    static let watchdog = Duration.seconds(5)
    static let hungStart = Duration.seconds(30)
    static let stop = Duration.seconds(15)
    static let restart = Duration.milliseconds(500)
    /// `StoredRegistry.open` waits up to 5 s.
    static let start = Duration.seconds(6)
    static let boot = Duration.seconds(8)
    /// The refresh period of chips that may lose their level.
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
  /// A hash of everything that happened, to compare runs of the same seed.
  private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
  let folders: any FolderMaker
  var lives = 0
  var chance: Chance
  let guardians: Guardians
  let strikes = StrikeRules()
  /// Whether the newest daemon stores the changes of its outputs for the next one.
  var keepsChanges = false
  /// The number of boots.
  var boots = 1
  /// The newest seen revision of the crash book.
  var revision = 0
  var startTimer: TimerID?
  /// The fault of the next start, and the number of steps before it.
  var startTrouble: (steps: Int, what: StartTrouble)?
  /// The agent in whose code the daemon hangs; nil for none.
  var hanging: AgentID?
  var isOver = false
  /// The number of failures of WASM agents, by agent and reason.
  private(set) var guestEnds: [String: Int] = [:]
  private var looks = 0
  /// Whether an output, a device, an agent or the daemon has changed since the last check.
  var somethingChanged = true
  var trace: ((String) -> Void)?

  /// Whether outputs are being moved by something other than daemon and guardian.
  var isInterfering = false

  let engine: GuestEngine?
  /// The agents in the daemons' configuration.
  let configured: [Manifest]

  /// - Parameter engine: for WASM agents; nil leaves them out.
  init(_ plan: Plan, _ folders: any FolderMaker, _ engine: GuestEngine?) {
    seed = plan.seed
    // A time in 2026, at any point within a minute.
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
    stage.onCommand = { [unowned self] in invariants.wasCommanded($0, at: line.now) }
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
        // Check between the actions of a wait, too, not only before it.
        look()
      }
    }
    awaitMinute()
    Clients(self, plan.seed).begin()
  }

  private let length: Duration
  private let start = Instant(nanoseconds: 1_000_000_000)

  /// Notes a message up to its first path: paths differ between runs.
  func note(notice: String) { note("notice: \(notice.prefix { $0 != "/" })") }

  func note(_ text: String) {
    for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
    digest = (digest ^ line.now.nanoseconds) &* 0x100_0000_01b3
    trace?("\((line.now - start).seconds) \(text)")
  }

  /// Runs to the end, which is an orderly shutdown of the daemon.
  func run() {
    launch()
    let end = start + length
    while line.step(until: end) { look() }
    // All faults are over: the daemon must be ready again, and shut down in order.
    let limit = line.now + .seconds(60)
    while !isServing, line.step(until: limit) { look() }
    isOver = true
    life?.loop.dies = nil
    guard let life, isServing else {
      return invariants.expect(false, "back in time", at: line.now, "there is no daemon")
    }
    // Check before the shutdown: events during it need not be handled.
    answers.check(invariants, at: line.now)
    life.end()
    while !life.hasEnded, line.step(until: limit + .seconds(60)) {}
    EndRules(invariants, at: line.now).check(hasEnded: life.hasEnded)
    // Rules have timers until the end; remove them, so that no timer may be left.
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
    // Sliding windows have timers that end with the window.
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

  // MARK: Checks

  func look(always: Bool = false) {
    looks += 1
    guard always || somethingChanged || looks % 16 == 0 else { return }
    // A daemon whose loop hangs does not answer.
    let life = self.life.flatMap { $0.isReady && !$0.isClosed && $0.loop.isActive ? $0 : nil }
    // After a sleep, overdue actions run first.
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
    // Expensive checks run less often, and not during an action that kills the daemon.
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

  // MARK: Events of agents and the daemon

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
    // In safe mode agents are not woken, even when a stop is cleared.
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
