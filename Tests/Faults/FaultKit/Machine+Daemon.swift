import HAL
import Model
import Orchestrator

// The start of a daemon, and the checks after it.
extension Machine {
  func launch() {
    startTimer = nil
    guard life == nil, !isOver else { return }
    lives += 1
    note("daemon \(lives) starts")
    folders.show(disk, lives)
    let life = DaemonLife(
      board, configured, simulated, line, disk, stage, guardians, runtime: folders.runtime, boot: boots, engine: engine)
    self.life = life
    line.loop = life.loop
    // Changes that a daemon could not store are unknown to all later ones.
    invariants.ratesOutliveTheDaemon = keepsChanges
    keepsChanges = life.hardware.changeStore != nil
    judge(life)
    answers.lifeBegins(lives)
    accounts.lifeBegins()
    calendar.daemonStarts()
    stopRules = StopRules()
    watch(life)
    life.onEvent = { [unowned self] in happened($0) }
    life.onDispatch = { [unowned self, unowned life] event, audience in
      answers.oneDispatched()
      if life.safeMode == nil {
        accounts.dispatched(
          event,
          to: configured.filter { manifest in
            switch audience {
            case .rules?: false
            case .agents(let ids)?: ids.contains(manifest.id)
            case nil: true
            }
          })
      }
      rules.dispatched(event, depthLimit: DaemonLife.depthLimit, invariants, at: line.now)
    }
    life.onProblem = { [unowned self] in note(notice: $0) }
    life.onClosed = { [unowned self] in
      let next = line.now + Bound.stop + Bound.restart + Bound.start
      invariants.daemonLetsGo(safeBy: line.now + .milliseconds(100), readyBy: next)
    }
    life.onTold = { [unowned self] in
      invariants.tells($0, at: line.now)
      guardians.opened($0)
    }
    life.onStep = { [unowned self] in startStep() }
    life.firstNumber = ledger.newest
    life.start(
      opens: { [self] in invariants.daemonStarts(at: line.now) },
      recovered: { [unowned self] contents, stop, isLate in check(contents, stop, isLate: isLate) })
    if let reason = life.safeMode {
      note("safe mode: \(reason)")
      answers.pause(true)
      // A person ends safe mode after five seconds.
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

  /// Checks strikes, quarantines and safe mode of a daemon that has just started.
  private func judge(_ life: DaemonLife) {
    let book = life.book
    guard folders.runtime != nil else { return }
    invariants.expect(
      book.record != nil || folders.memory?.isFull ?? false, "record", at: line.now, "somebody holds the crash record")
    for notice in book.notices { note(notice: notice) }
    let isWritten = book.strikes.revision > revision
    strikes.daemonStarts(
      at: line.now, isKept: isKept(book.notices), isDoubtful: book.notices.contains { $0.holds(": fsync ") },
      isKeptAtHome: isWritten && !isRefused(book.notices, disk.folder))
    revision = max(revision, book.strikes.revision)
    strikes.check(
      Set(book.strikes.quarantined.filter { $0.value.ending != nil }.keys), isSafe: life.safeMode != nil, invariants)
    book.onKept = { [unowned self, unowned life] problems in
      for problem in problems { note(notice: problem) }
      guard !life.loop.isDead else { return }
      strikes.kept(anywhere: isKept(problems), atHome: !isRefused(problems, disk.folder))
    }
    life.agents.quarantines = WatchedBook(book) { [unowned self, unowned book] change, isWritten in
      revision = max(revision, book.strikes.revision)
      switch change {
      case .release(let agent): strikes.release(agent, isWritten: isWritten)
      case .quarantine: if isWritten { strikes.write() }
      }
    }
  }

  /// Whether at least one of the two copies of the strikes was written.
  private func isKept(_ problems: [String]) -> Bool {
    !(isRefused(problems, disk.folder) && isRefused(problems, folders.runtime ?? disk.folder))
  }

  private func isRefused(_ problems: [String], _ folder: String) -> Bool {
    problems.contains { $0.hasPrefix("strikes cannot be stored") && $0.holds("\(folder)/") }
  }

  private func leaveSafeMode(_ life: DaemonLife) {
    guard self.life === life, life.isReady, life.loop.isActive, !life.isEnding else { return }
    note("leaves safe mode")
    if folders.runtime != nil { strikes.forgive() }
    life.leaveSafeMode()
    revision = max(revision, life.book.strikes.revision)
    if life.hardware.emergencyStop == nil { answers.pause(false) }
  }

  /// - Parameter isLate: whether the registry could be read only now, so that the stop was already checked.
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
}
