import HAL
import Model

// The ends of a daemon. systemd kills a daemon that hangs after `WatchdogSec`, or after `TimeoutStartSec` and
// `TimeoutStopSec` during its start and its shutdown.
extension Machine {
  /// An end other than a shutdown.
  enum End {
    /// SIGKILL.
    case killed
    /// A crash in an agent's code.
    case crash(AgentID)
    /// SIGABRT by systemd, because the daemon does not answer.
    case aborted
    case power
  }

  /// A fault during a start.
  enum StartTrouble { case killed, hangs }

  /// Kills the daemon now.
  func kill(_ why: String, _ end: End = .killed, cut: Bool = true) {
    guard let life, !life.loop.isDead, !isOver else { return }
    note("daemon \(lives) dies: \(why)")
    // Record the current leases: from here on they decide which outputs may stay on.
    look(always: true)
    if life.isReady, !life.isClosed { invariants.hold { view($0) } }
    let bound = guardians.isSomebodyInCharge ? Bound.guardian : Bound.stopPost
    if !life.isClosed {
      invariants.daemonDies(
        safeBy: line.now + bound, readyBy: line.now + Bound.restart + Bound.start, isSeenTo: guardians.seesToDeath)
    }
    var chance = self.chance
    life.die(
      { cut && chance.happens(70) ? chance.within(0...40) : nil },
      // A daemon that has shut down has waited for its buses.
      lands: { _ in life.isClosed || chance.happens(50) })
    self.chance = chance
    line.loop = nil
    answers.lifeEnds(lives)
    let wasInOrder = life.hasEnded
    switch end {
    // Without a crash record the next daemon does not know of the end.
    case _ where life.book.record == nil && folders.runtime != nil: break
    case .killed where wasInOrder, .power: break
    case .killed: strikes.daemonDied(in: hanging)
    case .crash(let agent):
      CrashScene.crashed(life.record, at: line.now)
      strikes.daemonDied(in: agent)
    case .aborted:
      CrashScene.aborted(life.record, at: line.now)
      strikes.daemonDied(in: hanging)
    }
    hanging = nil
    if !wasInOrder { seeToOutputs() }
    // Release its objects later, when none of their code is running.
    line.schedule(after: .zero) { [unowned self, weak life] in if self.life === life { self.life = nil } }
    startTimer = line.schedule(after: Bound.restart) { [unowned self] in launch() }
  }

  /// The guardian notices the death, and systemd runs `ExecStopPost`, unless the power was cut.
  private func seeToOutputs() {
    let boot = boots
    line.schedule(after: .milliseconds(chance.within(1...9))) { [unowned self] in
      if line.loop == nil, boots == boot { guardians.daemonDied() }
    }
    line.schedule(after: .milliseconds(chance.within(20...480))) { [unowned self] in
      if line.loop == nil, boots == boot { guardians.makeAllSafe() }
    }
  }

  /// The daemon's thread hangs, until systemd kills it.
  /// - Parameters:
  ///   - agent: the agent whose code hangs; nil for the daemon's own.
  ///   - wakesAfter: the time after which it continues, unless it is killed before; nil for never.
  func stick(_ agent: AgentID? = nil, wakesAfter: Duration? = nil) {
    guard let life, life.loop.isActive, !isOver else { return }
    note("daemon \(lives) hangs")
    look(always: true)
    // Outputs that it has released or not opened yet do not depend on it.
    let drives = life.isOpen && !life.isClosed
    if drives, life.isReady { invariants.hold { view($0) } }
    life.loop.isStuck = true
    let since = line.now
    if drives { invariants.daemonSticks(at: since, isGuarded: guardians.isSomebodyWatching) }
    if !life.isReady { invariants.startHangs(at: since) }
    hanging = agent
    life.book.record?.beat(at: since, cpu: .zero, delay: .zero)
    // A stuck daemon may continue and hang again: kill it only for the same hang.
    life.hangs += 1
    let number = life.hangs
    line.schedule(at: patienceEnds(life)) { [unowned self, weak life] in
      if let life, self.life === life, life.loop.isStuck, life.hangs == number { kill("it does not answer", .aborted) }
    }
    guard let wakesAfter else { return }
    line.schedule(after: wakesAfter) { [unowned self, weak life] in
      if let life, self.life === life, !life.loop.isDead { goOn(life, since, drives: drives) }
    }
  }

  /// When systemd kills a daemon that hangs from now on.
  private func patienceEnds(_ life: DaemonLife) -> Instant {
    if !life.isReady { return life.began + Bound.hungStart }
    if let end = life.endsBy { return max(end, line.now) }
    // The last beat was at most half of `WatchdogSec` ago. On a board that is short of CPU the limit is four times as
    // long.
    let patience = Bound.watchdog * (chance.happens(25) ? 4 : 1)
    return line.now + chance.milliseconds(Int(patience.seconds * 500)...Int(patience.seconds * 1000))
  }

  private func goOn(_ life: DaemonLife, _ since: Instant, drives: Bool) {
    note("daemon \(lives) goes on")
    life.loop.isStuck = false
    hanging = nil
    if drives { invariants.daemonWakes(after: line.now - since, at: line.now) }
    if !life.isReady { invariants.startGoesOn(at: line.now) }
    answers.slept(line.now - since)
  }

  /// A start has completed one more step.
  func startStep() {
    guard let trouble = startTrouble, let life, life.loop.isActive else { return }
    startTrouble?.steps -= 1
    guard trouble.steps == 0 else { return }
    startTrouble = nil
    switch trouble.what {
    case .killed: kill("SIGKILL in its start")
    case .hangs:
      stick()
      life.loop.standStill()
    }
  }

  func cutPower() {
    if let startTimer { line.cancel(startTimer) }
    kill("the power went", .power)
    if let startTimer { line.cancel(startTimer) }
    disk.cutPower()
    guardians.forget()
    strikes.powerGoes()
    folders.powerGoes()
    folders.memory?.clock = line
    (boots, revision) = (boots + 1, 0)
    for device in board.devices {
      if case .actuator(let settings) = device.kind { invariants.output(device.id, takes: settings.safe, at: line.now) }
      if case .actuator(let settings) = device.kind { _ = simulated.drive(device.id, to: settings.safe) }
    }
    invariants.powerGoes()
    loseClock()
    invariants.daemonDies(safeBy: line.now, readyBy: line.now + Bound.boot + Bound.start)
    startTimer = line.schedule(after: Bound.boot) { [unowned self] in launch() }
  }

  /// `systemctl restart`.
  func restart() {
    guard let life, life.isReady, !life.isEnding, life.loop.isActive else { return }
    let deadline = line.now + Bound.stop
    life.endsBy = deadline
    life.end()
    awaitEnd(of: life, until: deadline)
  }

  private func awaitEnd(of life: DaemonLife, until deadline: Instant) {
    guard self.life === life, !life.loop.isDead else { return }
    if life.hasEnded { return kill("it ended", cut: false) }
    if line.now > deadline { return kill("its end takes too long", .aborted) }
    line.schedule(after: .milliseconds(10)) { [unowned self, weak life] in
      if let life { awaitEnd(of: life, until: deadline) }
    }
  }
}
