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
    /// `WatchdogSec` and `RestartSec` of the service.
    static let watchdog = Duration.seconds(10)
    static let restart = Duration.milliseconds(500)
    /// `TimeoutStopSec`.
    static let stop = Duration.seconds(15)
    /// `StoredRegistry.open` waits for 5 s at most.
    static let start = Duration.seconds(6)
    static let boot = Duration.seconds(8)
  }

  let seed: UInt64
  let line = Timeline()
  let board: Board
  let simulated: SimulatedBackend
  let disk: Disk
  let stage: Stage
  let invariants: Invariants
  let ledger = Ledger()
  let answers = Answers()
  private(set) var life: DaemonLife?
  /// What happened, for comparison with another run of the same seed.
  private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
  private let folders: any FolderMaker
  private(set) var lives = 0
  private var chance: Chance
  private var guardianLives = true
  private var startTimer: TimerID?
  private var isOver = false
  private var looks = 0
  /// Since the last look an output, a device, an agent or the daemon has.
  private var somethingChanged = true
  var trace: ((String) -> Void)?

  init(_ plan: Plan, _ folders: any FolderMaker) {
    seed = plan.seed
    self.folders = folders
    chance = Chance(plan.seed, "machine")
    board = TestBoard.make(plan.seed)
    simulated = SimulatedBackend(board: board, clock: line, seed: plan.seed)
    disk = folders.disk(plan.seed)
    disk.clock = line
    stage = Stage(plan.seed, board)
    invariants = Invariants(board, at: line.now)
    simulated.onOutput = { [unowned self] id, level in
      note("\(id) \(level)")
      somethingChanged = true
      invariants.output(id, takes: level, at: line.now)
    }
    stage.onHandled = { [unowned self] in handled($0, $1) }
    stage.onState = { [unowned self] agent, key, value in ledger.submit("state/\(agent)/\(key)", "\(value)") }
    stage.onCrash = { [unowned self] in kill("an agent in it crashed") }
    stage.onHang = { [unowned self] in stick() }
    for fault in plan.faults {
      line.schedule(at: start + fault.at) { [unowned self] in
        note("fault \(fault)")
        inject(fault)
        // Between two actions of what follows, not only before them.
        look()
      }
    }
    Clients(self, plan.seed).begin()
  }

  private let start = Instant(nanoseconds: 1_000_000_000)

  func note(_ text: String) {
    for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
    digest = (digest ^ line.now.nanoseconds) &* 0x100_0000_01b3
    trace?("\((line.now - start).seconds) \(text)")
  }

  /// Runs to the end; the last thing is that the daemon ends in order.
  func run() {
    launch()
    let end = start + Plan.length
    while line.step(until: end) { look() }
    // Everything that went wrong is over; the daemon must be back, and end in order.
    let limit = line.now + .seconds(60)
    while !isServing, line.step(until: limit) { look() }
    isOver = true
    life?.loop.dies = nil
    guard let life, isServing else {
      return invariants.expect(false, "back in time", at: line.now, "there is no daemon")
    }
    life.end()
    while !life.hasEnded, line.step(until: limit + .seconds(60)) {}
    invariants.expect(life.hasEnded, "orderly end", at: line.now, "the daemon does not end when it is told to")
    // Rules stay in force to the end; without them nothing may be left to wait for.
    life.rules.enforce(.empty)
    if life.hasEnded { checkRemains(life) }
    answers.check(invariants, at: line.now)
    life.die({ nil }, lands: { _ in false })
    self.life = nil
  }

  private var isServing: Bool {
    guard let life else { return false }
    return life.isReady && !life.isEnding && life.loop.isActive
  }

  private func checkRemains(_ life: DaemonLife) {
    let timers = life.loop.waiting
    invariants.expect(timers == 0, "timers left", at: line.now, "\(timers) timers are left after the end")
    for status in life.agents.listAgents() {
      let isOver = status.state == .idle || status.state == .quarantined
      invariants.expect(
        isOver && status.queued == 0, "agents left", at: line.now, "\(status.id) is \(status.state) after the end")
    }
    for device in board.devices {
      guard case .actuator(let settings) = device.kind, let view = view(device.id), view.isSettled else { continue }
      invariants.expect(
        view.level == settings.safe, "safe at the end", at: line.now, "\(device.id) is at \(view.level) after the end")
    }
  }

  // MARK: Looking

  private func look() {
    looks += 1
    guard somethingChanged || looks % 16 == 0 else { return }
    // While its loop hangs nobody answers; what it drives stays as it is.
    let life = self.life?.isReady == true && self.life?.loop.isActive == true ? self.life : nil
    // What was due while everybody slept comes first.
    if let life, life.loop.isBehind { return }
    somethingChanged = false
    let isStopped = life?.hardware.emergencyStop != nil
    invariants.look(at: line.now, life == nil ? nil : { [unowned self] in view($0) }, isStopped: isStopped) { holder in
      guard let life, holder.hasPrefix("agent/") else { return true }
      guard let status = try? life.agents.agentStatus(AgentID(String(holder.dropFirst(6)))) else { return false }
      return status.state != .idle && status.state != .quarantined && status.state != .backoff
    }
    if let life { checkBounds(life) }
  }

  private func view(_ id: DeviceID) -> ActuatorView? {
    guard let life, let status = life.hardware.device(id), let reading = status.reading else { return nil }
    return ActuatorView(
      level: reading.value, isSettled: reading.quality == .good, holder: status.holder,
      leaseEnd: life.hardware.lease(of: id)?.end)
  }

  private func checkBounds(_ life: DaemonLife) {
    let timers = life.loop.waiting
    invariants.expect(timers <= 200, "bounded timers", at: line.now, "\(timers) timers wait")
    let actions = life.loop.putOff
    invariants.expect(actions <= 1000, "bounded turn", at: line.now, "\(actions) actions wait in one turn")
  }

  // MARK: The daemon's life and death

  private func launch() {
    startTimer = nil
    guard life == nil, !isOver else { return }
    lives += 1
    note("daemon \(lives) starts")
    folders.show(disk, lives)
    let life = DaemonLife(board, simulated, line, disk, stage)
    self.life = life
    line.loop = life.loop
    // It starts its guardian again.
    guardianLives = true
    answers.lifeBegins(lives)
    life.onEvent = { [unowned self] in happened($0) }
    life.onDispatch = { [unowned self] event in
      answers.dispatched(event)
      let limit = DaemonLife.depthLimit
      invariants.expect(event.depth <= limit, "depth", at: line.now, "\(event.type) has depth \(event.depth)")
    }
    life.start(
      { [self] in invariants.daemonStarts(at: line.now) },
      recovered: { [self] contents, stop in check(contents, stop) })
    guard life.isReady else { return }
    invariants.daemonIsReady(at: line.now)
    look()
  }

  private func check(_ contents: StoredRegistry.Contents, _ stop: EmergencyStop?) {
    for notice in contents.notices { note("notice: \(notice)") }
    // A registry that did not open in time is read later.
    let isOpen = !contents.notices.contains { $0.holds("did not open within") }
    for key in ledger.keys {
      let found: String?
      if key == "stop" {
        found = stop == nil ? nil : "stopped"
      } else if !isOpen {
        continue
      } else if key.hasPrefix("state/") {
        let parts = key.split(separator: "/")
        found = contents.states[AgentID(String(parts[1]))]?[String(parts[2])].map { "\($0.int ?? 0)" }
      } else {
        let agent = contents.agents.first { "agent/\($0.id)" == key }
        found = agent.map { $0.manifest["identity"]?["version"]?.string ?? "no version" }
      }
      let problem = ledger.problem(key, found: found)
      invariants.expect(problem == nil, "kept", at: line.now, problem ?? "")
    }
  }

  /// Kills the daemon now.
  func kill(_ why: String, cut: Bool = true) {
    guard let life, !life.loop.isDead else { return }
    note("daemon \(lives) dies: \(why)")
    let bound = guardianLives ? Bound.guardian : Bound.stopPost
    invariants.daemonDies(safeBy: line.now + bound, readyBy: line.now + Bound.restart + Bound.start)
    var chance = self.chance
    life.die(
      { cut && chance.happens(70) ? chance.within(0...40) : nil }, lands: { _ in chance.happens(50) })
    self.chance = chance
    line.loop = nil
    answers.lifeEnds(lives)
    let delay = chance.within(guardianLives ? 1...9 : 20...480)
    line.schedule(after: .milliseconds(delay)) { [unowned self] in makeSafe() }
    // Its objects go when nothing of them is running.
    line.schedule(after: .zero) { [unowned self] in if self.life === life { self.life = nil } }
    startTimer = line.schedule(after: Bound.restart) { [unowned self] in launch() }
  }

  /// What the guardian does, and `ExecStopPost` when there is none.
  private func makeSafe() {
    guard line.loop == nil else { return }
    var isDone = true
    for device in board.devices {
      guard case .actuator(let settings) = device.kind else { continue }
      if !simulated.drive(device.id, to: settings.safe) { isDone = false }
    }
    if !isDone { line.schedule(after: .milliseconds(100)) { [unowned self] in makeSafe() } }
  }

  /// The daemon's thread does not return; systemd notices.
  private func stick() {
    guard let life, life.loop.isActive else { return }
    note("daemon \(lives) hangs")
    life.loop.isStuck = true
    invariants.daemonSticks()
    let left = chance.milliseconds(Int(Bound.watchdog.seconds * 500)...Int(Bound.watchdog.seconds * 1000))
    line.schedule(after: left) { [unowned self] in if self.life === life { kill("the watchdog bit") } }
  }

  private func cutPower() {
    if let startTimer { line.cancel(startTimer) }
    kill("the power went")
    if let startTimer { line.cancel(startTimer) }
    disk.cutPower()
    for device in board.devices {
      if case .actuator(let settings) = device.kind { invariants.output(device.id, takes: settings.safe, at: line.now) }
      if case .actuator(let settings) = device.kind { _ = simulated.drive(device.id, to: settings.safe) }
    }
    // Without a battery the wall clock begins where it was last noted.
    line.jumpWall(by: .seconds(-chance.within(0...100_000)))
    line.wallIsSynchronised = false
    invariants.daemonDies(safeBy: line.now, readyBy: line.now + Bound.boot + Bound.start)
    startTimer = line.schedule(after: Bound.boot) { [unowned self] in launch() }
  }

  // MARK: Faults

  private func inject(_ fault: Fault) {
    let now = line.now
    let until = now + fault.length
    let agent = TestAgents.victims[fault.target % TestAgents.victims.count]
    switch fault.kind {
    case .agentFails: stage.mischief[agent] = .fails
    case .agentCrashes: stage.mischief[agent] = .crashes
    case .agentHangs: stage.mischief[agent] = .hangs
    case .agentLeaks: stage.mischief[agent] = .leaks
    case .agentStorms: stage.mischief[agent] = .storms
    case .agentSlow: stage.mischief[agent] = .slow
    case .agentDoesNotStart: stage.mischief[agent] = .doesNotStart
    case .agentKilled: life?.processes.instances[agent]?.vanish()
    case .sensorNack: strike(["temperature", "humidity"], "nack", fault, until)
    case .sensorStuck: strike(["temperature", "humidity"], "stuck", fault, until)
    case .sensorTimeout: strike(["temperature", "humidity"], "timeout", fault, until)
    case .sensorUnplugged: strike(["temperature", "humidity"], "unplug", fault, until)
    case .outputNack: strike(actuators, "nack", fault, until)
    case .outputStuck: strike(actuators, "stuck", fault, until)
    case .outputSlow: strike(actuators, "slow", fault, until)
    case .outputTimeout: strike(actuators, "timeout", fault, until)
    case .inputUnplugged: strike(["button", "stop"], "unplug", fault, until)
    case .cameraLost: strike(["eye"], "unplug", fault, until)
    case .diskSlow: disk.suffer(.slow, until: until)
    case .diskFull: disk.suffer(.full, until: until)
    case .fsyncError: disk.suffer(.sync, until: until)
    case .writeError: disk.suffer(.write, until: until)
    case .clockForward: line.jumpWall(by: .seconds(fault.target * 20_000_000))
    case .clockBack: line.jumpWall(by: .seconds(-fault.target * 20_000_000))
    case .suspended:
      let gap = fault.length * (1 + fault.target)
      line.skip(gap)
      invariants.everybodySlept(gap)
      answers.slept(gap)
    case .daemonKilled:
      // At once, or in the middle of what the loop does next.
      guard fault.target % 3 > 0, let loop = life?.loop else { return kill("SIGKILL") }
      loop.dies = (loop.actions + fault.target, { [unowned self] in kill("SIGKILL") })
    case .daemonHangs: stick()
    case .guardianKilled:
      guardianLives = false
      // The daemon notices, and starts it again.
      line.schedule(after: .milliseconds(200)) { [unowned self] in
        if line.loop?.isActive == true { guardianLives = true }
      }
    case .powerCut: cutPower()
    case .restart: restart()
    }
  }

  private var actuators: [DeviceID] { stage.devices.map { DeviceID($0) } }

  private func strike(_ devices: [DeviceID], _ what: String, _ fault: Fault, _ until: Instant) {
    let device = devices[fault.target % devices.count]
    let length = "\(fault.length.nanoseconds / 1_000_000)ms"
    try? simulated.inject(device, ["fault": .string(what), "for": .string(length), "delay": "300ms"])
    invariants.fault(device, at: line.now, until: until, lies: what == "stuck")
  }

  /// `systemctl restart`.
  private func restart() {
    guard let life, life.isReady, life.loop.isActive else { return }
    life.end()
    awaitEnd(of: life, until: line.now + Bound.stop)
  }

  private func awaitEnd(of life: DaemonLife, until deadline: Instant) {
    guard self.life === life, !life.loop.isDead else { return }
    if life.hasEnded || line.now > deadline { return kill("it ended", cut: false) }
    line.schedule(after: .milliseconds(10)) { [unowned self] in awaitEnd(of: life, until: deadline) }
  }

  // MARK: What agents and the daemon say

  private func happened(_ event: Event) {
    note("\(event.type) \(event.source)")
    somethingChanged = true
    switch event.type {
    case "system:emergency_stop": ledger.submit("stop", "stopped")
    case "system:emergency_stop_cleared": ledger.submit("stop", nil)
    default: break
    }
    answers.published(event, lives, line.now)
  }

  private func handled(_ agent: AgentID, _ event: Event) { answers.handled(agent, event, lives, line.now) }
}

/// Makes the folders that daemons see.
public protocol FolderMaker: AnyObject {
  /// The disk of a run.
  func disk(_ seed: UInt64) -> Disk
  /// Writes what a disk has into a folder of its own, for the daemon with this number.
  func show(_ disk: Disk, _ life: Int)
}
