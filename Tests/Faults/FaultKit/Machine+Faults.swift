import Model

// The injection of faults.
extension Machine {
  func inject(_ fault: Fault) {
    let now = line.now
    let until = now + fault.length
    let agent = TestAgents.victims[fault.target % TestAgents.victims.count]
    // One fault in three affects the WASM agents.
    if engine != nil, fault.target % 3 == 0, injectIntoGuest(fault) { return }
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
    case .outputUnplugged: strike(actuators, "unplug", fault, until)
    case .outputBrownout: strike(actuators, "brownout", fault, now)
    case .outputDriven: drive(DeviceID(stage.devices[fault.target % stage.devices.count]), fault)
    case .inputUnplugged: strike(["button", "stop"], "unplug", fault, until)
    case .cameraLost: strike(["eye"], "unplug", fault, until)
    case .diskSlow: disk.suffer(.slow, until: until)
    case .diskFull: disk.suffer(.full, until: until)
    case .fsyncError: disk.suffer(.sync, until: until)
    case .writeError: disk.suffer(.write, until: until)
    case .clockForward: setClock(by: .seconds(fault.target * 20_000_000))
    case .clockBack: setClock(by: .seconds(-fault.target * 20_000_000))
    case .clockStepped: setClock(by: .milliseconds((fault.target - 31) * 17_123))
    case .suspended:
      let gap = fault.length * (1 + fault.target)
      line.skip(gap)
      invariants.everybodySlept(gap, until: line.now)
      answers.slept(gap)
      if fault.target % 2 == 1 { guardians.goFirst() }
    case .daemonKilled:
      // Kill it immediately, or during the next actions of its loop.
      guard fault.target % 3 > 0, let loop = life?.loop else { return kill("SIGKILL") }
      loop.dies = (loop.actions + fault.target, { [unowned self] in kill("SIGKILL") })
    case .daemonHangs: stick()
    case .daemonStalls: stick(wakesAfter: fault.length)
    case .agentCrashesAgain:
      stage.habit = (agent, .crashes)
      line.schedule(at: now + fault.length * 4) { [unowned self] in stage.habit = nil }
    case .daemonKilledAgain:
      for number in 0..<5 {
        line.schedule(after: .milliseconds(number * 1500)) { [unowned self] in kill("SIGKILL") }
      }
    case .guardianKilled:
      guardians.die()
      invariants.guardianDies()
      startGuardianAgain()
    case .powerCut: cutPower()
    case .restart: restart()
    case .startKilled: kill(before: .killed, fault)
    case .startHangs: kill(before: .hangs, fault)
    case .startFull: startWithoutRoom(fault)
    case .memoryFull: folders.memory?.suffer(.full, until: until)
    }
  }

  /// - Returns: false for a fault that WASM agents cannot have.
  private func injectIntoGuest(_ fault: Fault) -> Bool {
    switch fault.kind {
    case .agentCrashes: provoke("fault:trap")
    case .agentHangs: provoke("fault:spin")
    case .agentLeaks: provoke("fault:leak")
    case .agentStorms: provoke("fault:storm")
    case .agentKilled:
      guard let life else { return true }
      life.loop.arrives { try? life.agents.killAgent("gauge", now: true, cause: nil) {} }
    case .agentCrashesAgain:
      for number in 0..<12 {
        line.schedule(after: .milliseconds(number * 700)) { [unowned self] in
          provoke(number % 2 == 0 ? "fault:trap" : "fault:spin")
        }
      }
    default: return false
    }
    return true
  }

  private func provoke(_ event: String) {
    guard let life, life.isReady, life.loop.isActive else { return }
    life.log.publish(event, from: "client/fault")
  }

  /// Kills the daemon and injects a fault into the next start.
  private func kill(before trouble: StartTrouble, _ fault: Fault) {
    startTrouble = (1 + fault.target % Self.startSteps, trouble)
    kill("SIGKILL")
  }

  /// Cuts the power or kills the daemon, and lets the next start find the disk, the memory or both full.
  private func startWithoutRoom(_ fault: Fault) {
    let isBoot = fault.target % 2 == 0
    if isBoot { cutPower() } else { kill("SIGKILL") }
    let end = line.now + (isBoot ? Bound.boot : Bound.restart) + fault.length
    if fault.target % 3 != 1 { disk.suffer(.full, until: end) }
    if fault.target % 3 != 2 { folders.memory?.suffer(.full, until: end) }
  }

  /// The number of steps of a start that concern outputs: starting a guardian, opening each output, and putting the
  /// guardian in charge.
  private static let startSteps = 10

  /// The daemon notices its guardian's death at its next turn.
  private func startGuardianAgain() {
    line.schedule(after: .milliseconds(200)) { [unowned self] in
      guard let loop = line.loop else { return }
      if loop.isActive { guardians.startAgain() } else { startGuardianAgain() }
    }
  }

  private var actuators: [DeviceID] { stage.devices.map { DeviceID($0) } }

  private func strike(_ devices: [DeviceID], _ what: String, _ fault: Fault, _ until: Instant) {
    let device = devices[fault.target % devices.count]
    let length = "\(fault.length.nanoseconds / 1_000_000)ms"
    isInterfering = what == "unplug" || what == "brownout"
    try? simulated.inject(device, ["fault": .string(what), "for": .string(length), "delay": "300ms"])
    isInterfering = false
    guard what != "brownout" else { return }
    invariants.fault(device, at: line.now, until: until, lies: what == "stuck")
    invariants.unplugged(device, until: what == "unplug" ? until : nil)
    // An output of a chip returns under the same descriptor, that of its bus.
    guard what == "unplug", board.device(device)?.options["forgets"] == nil else { return }
    invariants.isCutOff(device)
    guardians.unplugged(device, until: until)
  }

  /// Another program writes to the bus: a safe output leaves its safe state, any other output gets a random level.
  private func drive(_ device: DeviceID, _ fault: Fault) {
    guard case .actuator(let settings) = board.device(device)?.kind else { return }
    let isSafe = simulated.history(of: device).last?.level ?? settings.safe == settings.safe
    isInterfering = true
    simulated.interfere(device, level: isSafe ? 1 - settings.safe : fault.target % 2 == 0 ? settings.safe : 1)
    isInterfering = false
  }
}
