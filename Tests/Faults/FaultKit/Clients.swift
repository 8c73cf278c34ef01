import Agent
import HAL
import Model

/// Sends random requests of people and programs to the daemon, and records the answers.
final class Clients {
  private unowned let machine: Machine
  private var chance: Chance
  private var ticks: Int64 = 0
  private var versions = 0

  init(_ machine: Machine, _ seed: UInt64) {
    self.machine = machine
    chance = Chance(seed, "clients")
  }

  func begin() {
    tick()
    ask()
  }

  /// The daemon, when it answers requests; otherwise nil.
  private var life: DaemonLife? {
    guard let life = machine.life, life.isReady, !life.isEnding, life.loop.isActive else { return nil }
    return life
  }

  private func tick() {
    machine.line.schedule(after: .milliseconds(250)) { [self] in
      ticks += 1
      if let life, life.hardware.emergencyStop == nil {
        life.log.publish("probe:tick", from: "client/probe", priority: .high, ["n": .int(ticks)])
      }
      tick()
    }
  }

  private func ask() {
    machine.line.schedule(after: chance.milliseconds(20...1500)) { [self] in
      // Draw even when no daemon answers, so that removing a fault does not change later draws.
      let (what, which, length) = (chance.within(0...24), chance.within(0...59), chance.milliseconds(50...4000))
      if let life { ask(life, what, which, length) }
      ask()
    }
  }

  private func ask(_ life: DaemonLife, _ what: Int, _ which: Int, _ length: Duration) {
    let guest = TestAgents.guests[which % 3]
    let victim = TestAgents.patients[which % TestAgents.patients.count]
    let (agents, log) = (life.agents, life.log)
    machine.note("asks \(what) \(which)")
    switch what {
    case 0...2: register(guest, life)
    case 3: unregister(guest, life)
    case 4...5: settle(life)
    case 6...8:
      let device = DeviceID(machine.stage.devices[which % machine.stage.devices.count])
      let command: ActuatorCommand = which < 20 ? .off : which < 50 ? .on : .pulse(length)
      let receipt = try? life.hardware.controlActuator(
        device, command, lease: length * 3, as: Principal(name: "client/hand", permissions: .all),
        override: which % 2 == 0)
      if receipt != nil { machine.invariants.wasCommanded(device, at: machine.line.now) }
    case 9: try? machine.simulated.inject("button", ["press": .string("\(length.nanoseconds / 1_000_000)ms")])
    case 10 where which < 20: try? machine.simulated.inject("stop", ["press": "200ms"])
    case 11 where which < 20: stop(life)
    case 10...12: clear(life)
    case 13: try? agents.killAgent(victim, now: which % 2 == 0, cause: nil) {}
    case 14: try? agents.restartAgent(victim, cause: nil)
    case 15: _ = try? agents.spawnAgent(victim, cause: nil)
    case 16:
      life.variant = which
      if life.safeMode == nil { _ = try? life.rules.reloadRules() }
    case 17: for _ in 0..<which * 3 { log.publish("work:next", from: "client/storm", priority: .low) }
    default: log.publish(which % 2 == 0 ? "work:next" : "work:more", from: "client/cli", ["n": .int(Int64(which))])
    }
  }

  private func register(_ id: AgentID, _ life: DaemonLife) {
    versions += 1
    let manifest = TestAgents.guest(id, version: versions)
    guard (try? life.agents.register(manifest)) != nil else { return }
    let number = machine.ledger.submit("agent/\(id)", "\(versions)")
    answer("agent/\(id)", number, life)
  }

  private func unregister(_ id: AgentID, _ life: DaemonLife) {
    guard (try? life.agents.unregister(id)) != nil else { return }
    answer("agent/\(id)", machine.ledger.submit("agent/\(id)", nil), life)
    // Unregistering deletes the durable state.
    for key in machine.ledger.keys where key.hasPrefix("state/\(id)/") {
      answer(key, machine.ledger.submit(key, nil), life)
    }
  }

  /// Records the answer once the change is on the disk, as the control plane does.
  private func answer(_ key: String, _ number: Int, _ life: DaemonLife) {
    life.registry.flush { [machine, weak life] result in
      guard let life, !life.loop.isDead, case .success = result else { return }
      machine.ledger.answered(key, number)
    }
  }

  /// Records that all durable state up to now is on the disk, once it is.
  private func settle(_ life: DaemonLife) {
    let number = machine.ledger.newest
    life.registry.flush { [machine, weak life] result in
      guard let life, !life.loop.isDead, case .success = result else { return }
      machine.ledger.answeredAll("state/", after: life.firstNumber, number)
    }
  }

  private func stop(_ life: DaemonLife) {
    var number: Int?
    // A stop in force is confirmed without an event; the newest change in the ledger may be an earlier daemon's lost clear.
    if life.hardware.emergencyStop != nil { machine.ledger.submit("stop", "stopped") }
    life.stops?.begin(by: "client/hand", reason: nil, cause: nil) { [machine, weak life] _, problem in
      guard let life, !life.loop.isDead, problem == nil else { return }
      machine.ledger.answered("stop", number ?? machine.ledger.newest)
    }
    number = machine.ledger.newest
  }

  private func clear(_ life: DaemonLife) {
    var number: Int?
    do throws(HALError) {
      try life.stops?.clear(by: "client/hand", cause: nil) { [machine, weak life] was, problem in
        guard was, let life, !life.loop.isDead, problem == nil else { return }
        machine.ledger.answered("stop", number ?? machine.ledger.newest)
      }
      number = machine.ledger.newest
    } catch {}
  }
}
