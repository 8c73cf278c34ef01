import HAL
import Model
import Orchestrator

// The daemon's life and death, and who sees to the outputs meanwhile.
extension Machine {
  func launch() {
    startTimer = nil
    guard life == nil, !isOver else { return }
    lives += 1
    note("daemon \(lives) starts")
    folders.show(disk, lives)
    let life = DaemonLife(
      board, configured, simulated, line, disk, stage, guardian, runtime: folders.runtime, boot: boots, engine: engine)
    self.life = life
    line.loop = life.loop
    judge(life)
    answers.lifeBegins(lives)
    accounts.lifeBegins()
    watch(life)
    life.onEvent = { [unowned self] in happened($0) }
    life.onDispatch = { [unowned self, unowned life] event in
      answers.oneDispatched()
      if life.safeMode == nil { accounts.dispatched(event, to: configured) }
      rules.dispatched(event, depthLimit: DaemonLife.depthLimit, invariants, at: line.now)
    }
    life.onProblem = { [unowned self] in note(notice: $0) }
    life.onClosed = { [unowned self] in
      // What is to be held stays as it is until the next daemon comes.
      let next = line.now + Bound.stop + Bound.restart + Bound.start
      invariants.daemonDies(safeBy: line.now + .milliseconds(100), readyBy: next, holdsUntil: next)
    }
    life.firstNumber = ledger.newest
    life.start(
      opens: { [self] in invariants.daemonStarts(at: line.now) },
      recovered: { [unowned self] contents, stop, isLate in check(contents, stop, isLate: isLate) })
    if let reason = life.safeMode {
      note("safe mode: \(reason)")
      answers.pause(true)
      // Somebody looks after it.
      line.schedule(after: .seconds(5)) { [unowned self, weak life] in if let life { leaveSafeMode(life) } }
    }
    guard life.isReady else { return }
    invariants.daemonIsReady(at: line.now)
    look()
  }

  private func watch(_ life: DaemonLife) {
    let objects: [(String, AnyObject)] = [
      ("", life), ("'s loop", life.loop), ("'s log", life.log), ("'s hardware", life.hardware),
      ("'s registry", life.registry), ("'s agents", life.agents), ("'s rules", life.rules), ("'s book", life.book),
    ]
    for (name, object) in objects { remains.watch("daemon \(lives)\(name)", object) }
  }

  /// Whether it holds against agents, and against itself, what has happened.
  private func judge(_ life: DaemonLife) {
    let book = life.book
    guard folders.runtime != nil else { return }
    invariants.expect(book.record != nil, "record", at: line.now, "somebody holds the crash record")
    for notice in book.notices { note(notice: notice) }
    let isWritten = book.strikes.revision > revision
    strikes.daemonStarts(at: line.now, isKeptAtHome: isWritten && book.notices.isEmpty)
    revision = max(revision, book.strikes.revision)
    strikes.check(
      Set(book.strikes.quarantined.filter { $0.value.ending != nil }.keys), isSafe: life.safeMode != nil, invariants)
    book.onKept = { [unowned self, unowned life] problems in
      for problem in problems { note(notice: problem) }
      if !life.loop.isDead { strikes.kept(atHome: problems.isEmpty) }
    }
    life.agents.quarantines = WatchedBook(book) { [unowned self, unowned book] change, isWritten in
      revision = max(revision, book.strikes.revision)
      switch change {
      case .release(let agent): strikes.release(agent, isWritten: isWritten)
      case .quarantine: if isWritten { strikes.write() }
      }
    }
  }

  private func leaveSafeMode(_ life: DaemonLife) {
    guard self.life === life, life.isReady, life.loop.isActive, !life.isEnding else { return }
    note("leaves safe mode")
    if folders.runtime != nil { strikes.forgive() }
    life.leaveSafeMode()
    revision = max(revision, life.book.strikes.revision)
    if life.hardware.emergencyStop == nil { answers.pause(false) }
  }

  /// - Parameter isLate: the registry was read only now; the stop was looked at before.
  private func check(_ contents: StoredRegistry.Contents, _ stop: EmergencyStop?, isLate: Bool) {
    for notice in contents.notices { note(notice: notice) }
    let isOpen = !contents.notices.contains { $0.holds("did not open within") }
    for key in ledger.keys {
      let found: String?
      if key == "stop" {
        if isLate { continue }
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

  /// What ends a daemon that does not end by itself.
  enum End {
    /// SIGKILL.
    case killed
    /// A signal of its own making, in an agent's code.
    case crash(AgentID)
    /// The service manager's watchdog.
    case bitten
    case power
  }

  /// Kills the daemon now.
  func kill(_ why: String, _ end: End = .killed, cut: Bool = true) {
    guard let life, !life.loop.isDead, !isOver else { return }
    note("daemon \(lives) dies: \(why)")
    // Who held what until when is what counts from here.
    look(always: true)
    if life.isReady, !life.isClosed { invariants.hold { view($0) } }
    let bound = guardian.isAlive ? Bound.guardian : Bound.stopPost
    if !life.isClosed {
      invariants.daemonDies(safeBy: line.now + bound, readyBy: line.now + Bound.restart + Bound.start)
    }
    var chance = self.chance
    life.die(
      { cut && chance.happens(70) ? chance.within(0...40) : nil },
      // One that ends in order waits for its buses.
      lands: { _ in life.isClosed || chance.happens(50) })
    self.chance = chance
    line.loop = nil
    answers.lifeEnds(lives)
    let wasInOrder = life.hasEnded
    switch end {
    case .killed where wasInOrder, .power: break
    case .killed: strikes.daemonDied(in: hanging)
    case .crash(let agent):
      CrashScene.crashed(life.record, at: line.now)
      strikes.daemonDied(in: agent)
    case .bitten:
      CrashScene.bitten(life.record, at: line.now)
      strikes.daemonDied(in: hanging)
    }
    hanging = nil
    if !wasInOrder {
      line.schedule(after: .milliseconds(chance.within(1...9))) { [unowned self] in
        if line.loop == nil { guardian.settle() }
      }
      line.schedule(after: .milliseconds(chance.within(20...480))) { [unowned self] in
        if line.loop == nil, !guardian.isAlive { guardian.makeAllSafe() }
      }
    }
    // Its objects go when nothing of them is running.
    line.schedule(after: .zero) { [unowned self, weak life] in if self.life === life { self.life = nil } }
    startTimer = line.schedule(after: Bound.restart) { [unowned self] in launch() }
  }

  /// The daemon's thread does not return; systemd notices.
  /// - Parameters:
  ///   - agent: whose code it is in; nil for the daemon's own.
  ///   - wakesAfter: when it returns, should it live as long.
  func stick(_ agent: AgentID? = nil, wakesAfter: Duration? = nil) {
    guard let life, life.loop.isActive, !isOver else { return }
    note("daemon \(lives) hangs")
    look(always: true)
    if life.isReady, !life.isClosed { invariants.hold { view($0) } }
    life.loop.isStuck = true
    let since = line.now
    invariants.daemonSticks(at: since, isGuarded: guardian.isAlive)
    hanging = agent
    life.book.record?.beat(at: since, cpu: .zero, delay: .zero)
    let left = chance.milliseconds(Int(Bound.watchdog.seconds * 500)...Int(Bound.watchdog.seconds * 1000))
    var isOver = false
    line.schedule(after: left) { [unowned self, weak life] in
      if let life, self.life === life, !isOver { kill("the watchdog bit", .bitten) }
    }
    guard let wakesAfter, wakesAfter < left else { return }
    line.schedule(after: wakesAfter) { [unowned self, weak life] in
      guard let life, self.life === life, !life.loop.isDead else { return }
      isOver = true
      note("daemon \(lives) goes on")
      life.loop.isStuck = false
      invariants.daemonWakes(after: line.now - since, at: line.now)
      answers.slept(line.now - since)
    }
  }

  func cutPower() {
    if let startTimer { line.cancel(startTimer) }
    kill("the power went", .power)
    if let startTimer { line.cancel(startTimer) }
    disk.cutPower()
    guardian.forget()
    strikes.powerGoes()
    folders.powerGoes()
    (boots, revision) = (boots + 1, 0)
    for device in board.devices {
      if case .actuator(let settings) = device.kind { invariants.output(device.id, takes: settings.safe, at: line.now) }
      if case .actuator(let settings) = device.kind { _ = simulated.drive(device.id, to: settings.safe) }
    }
    invariants.powerGoes()
    // Without a battery the wall clock begins where it was last noted.
    line.jumpWall(by: .seconds(-chance.within(0...100_000)))
    line.wallIsSynchronised = false
    invariants.daemonDies(safeBy: line.now, readyBy: line.now + Bound.boot + Bound.start, holdsUntil: line.now)
    startTimer = line.schedule(after: Bound.boot) { [unowned self] in launch() }
  }

  /// `systemctl restart`.
  func restart() {
    guard let life, life.isReady, life.loop.isActive else { return }
    life.end()
    awaitEnd(of: life, until: line.now + Bound.stop)
  }

  private func awaitEnd(of life: DaemonLife, until deadline: Instant) {
    guard self.life === life, !life.loop.isDead else { return }
    if life.hasEnded || line.now > deadline { return kill("it ended", cut: false) }
    line.schedule(after: .milliseconds(10)) { [unowned self, weak life] in
      if let life { awaitEnd(of: life, until: deadline) }
    }
  }
}
