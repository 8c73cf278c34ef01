import EventLoop
import HAL
import Model
import Rules
import Store

/// Takes outputs up again that were held when the power went (`at_start: last`), through the whole gate, and notes in
/// the history of each why it was or was not taken up. Once, at the start of the daemon.
final class TakeUps {
  /// An output that was held.
  private struct Held {
    let output: HeldOutput
    /// Its lease is at most until then.
    let end: Instant
    var timer: TimerID
    /// Whether a line says that it will be tried again.
    var isTold = false
  }

  /// Rules decide first, and what conditions name is measured.
  private static let settling = Duration.seconds(1)
  /// How soon it is tried again when the gate does not say.
  private static let pause = Duration.seconds(1)
  /// The reasons of the lines in the history.
  static let (taken, notTaken) = ("taken-up", "not-taken-up")

  private let clock: any Timekeeper
  private let hardware: Hardware
  private let agents: AgentSupervisor
  private let rules: RuleRunner
  private let registry: StoredRegistry
  private var held: [DeviceID: Held] = [:]
  private var cause: Cause?
  /// How the power went, as a clause.
  private var when = ""
  private var hasBegun = false
  private var isTaking = false
  /// When the daemon started: an old lease counts from then, however late the disk answers.
  private let started: Instant

  init(clock: any Timekeeper, hardware: Hardware, agents: AgentSupervisor, rules: RuleRunner, registry: StoredRegistry)
  {
    self.clock = clock
    self.hardware = hardware
    self.agents = agents
    self.rules = rules
    self.registry = registry
    started = clock.now
    // Whoever commands an output meanwhile, or gives it up, decides.
    hardware.onRelease = { [weak self] device, holder in self?.overtaken(device, by: holder) }
    let next = hardware.onCommand
    hardware.onCommand = { [weak self] device, isSafe, principal in
      next(device, isSafe, principal)
      if let self, !isTaking { overtaken(device, by: principal.name) }
    }
    let stop = hardware.onEmergencyStop
    hardware.onEmergencyStop = { [weak self] current in
      stop(current)
      if current != nil { self?.giveUp("everything is stopped") }
    }
  }

  /// Deals with what an earlier boot has left, and has outputs recorded from now on. Only the first call has an effect.
  /// - Parameters:
  ///   - kept: what the registry had; nothing happens while it is not known.
  ///   - cause: the event of the start.
  ///   - obstacle: why nothing is taken up, as a clause; nil if nothing forbids it.
  func begin(_ kept: StoredRegistry.Contents, cause: Cause?, obstacle: String? = nil) {
    guard let stored = kept.held, !hasBegun else { return }
    hasBegun = true
    self.cause = cause
    when = kept.lastOfDaemon?.reason == RunHistory.stopped ? "when the board was restarted" : "when the power went"
    var earlier: [DeviceID: HeldOutput] = [:]
    var left: Set<DeviceID> = []
    for (id, value) in stored {
      guard settings(id)?.atStart != nil, let output = HeldOutput(value) else {
        try? registry.keep([.held(id, nil)])
        continue
      }
      earlier[id] = output
      // A daemon that was merely restarted has what the guardian has kept.
      if let boot = value["boot"]?.string, !boot.isEmpty, !registry.boot.isEmpty, boot != registry.boot {
        left.insert(id)
      }
    }
    hardware.recordHeld(earlier, undecided: left, store: registry)
    for id in left.sorted() {
      guard let output = earlier[id] else { continue }
      let timer = clock.schedule(after: Self.settling) { [weak self] in self?.look(at: id) }
      held[id] = Held(output: output, end: started + Self.settling + output.lease, timer: timer)
      if let obstacle { end(id, obstacle) }
    }
  }

  private func settings(_ id: DeviceID) -> ActuatorSettings? {
    if case .actuator(let settings)? = hardware.board.device(id)?.kind { settings } else { nil }
  }

  // MARK: One output

  private func look(at id: DeviceID) {
    guard let one = held[id] else { return }
    if let obstacle = obstacle(id, one.output) { return end(id, obstacle) }
    let lease = one.end - clock.now
    guard lease > .zero else { return end(id, "the lease would be over") }
    let principal = principal(one.output.holder)
    if let error = hardware.obstacle(id, .level(one.output.level), as: principal) { return retry(id, after: error) }
    // If its load takes the power down, that is known at the next start.
    hardware.willTakeUp(id)
    registry.flush { [weak self] result in
      if case .failure(let failure) = result {
        self?.end(id, "that it is taken up could not be stored: \(failure.message)")
      } else {
        self?.take(id, as: principal)
      }
    }
  }

  private func take(_ id: DeviceID, as principal: Principal) {
    guard let one = held[id] else { return }
    let lease = one.end - clock.now
    guard lease > .zero else { return end(id, "the lease would be over") }
    do throws(HALError) {
      isTaking = true
      defer { isTaking = false }
      let granted = try hardware.takeUp(id, one.output, lease: lease, as: principal, cause: cause)
      end(id, granted: granted)
    } catch {
      retry(id, after: error)
    }
  }

  /// Why it is not taken up whatever the gate says; nil if nothing forbids it.
  private func obstacle(_ id: DeviceID, _ output: HeldOutput) -> String? {
    if settings(id)?.atStart != .last { return "at_start is safe" }
    switch output.obstacle {
    case .pulse: return "a pulse is not given twice"
    case .connection: return "its lease was to end with a connection"
    case .again: return "the power went again within a minute after it had been taken up"
    case nil: break
    }
    guard let state = hardware.output(id) else { return "it is not there any more" }
    if state.safe == output.level { return "that is its safe state now" }
    if let holder = state.holder { return "it is held by \(holder)" }
    return obstacle(ofHolder: output.holder)
  }

  private func obstacle(ofHolder holder: String) -> String? {
    let name = holder.split(separator: "/", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
    switch holder.prefix(while: { $0 != "/" }) {
    case "client": return nil
    case "agent":
      guard let status = try? agents.agentStatus(AgentID(name)) else { return "\(holder) is not registered any more" }
      if status.isShadow { return "\(holder) is a shadow now" }
      if !status.isEnabled { return "\(holder) is disabled" }
      return status.state == .quarantined ? "\(holder) is quarantined" : nil
    case "rule":
      guard rules.isInForce(RuleID(name)) else { return "\(holder) is not in force any more" }
      if rules.listRules().contains(where: { $0.id == RuleID(name) && $0.isShadow }) {
        return "\(holder) is a shadow now"
      }
      return rules.isStateRule(RuleID(name)) ? "\(holder) decides itself" : nil
    case "mcp": return "the session of \(holder) has ended"
    default: return "\(holder) is not there any more"
    }
  }

  private func principal(_ holder: String) -> Principal {
    guard holder.hasPrefix("agent/"),
      let manifest = try? agents.manifest(AgentID(String(holder.dropFirst("agent/".utf8.count))))
    else {
      return Principal(
        name: holder, permissions: .all, mayMakeSafe: true, needsNoApproval: Party(of: holder) == .rules)
    }
    return Principal(name: holder, permissions: manifest.permissions)
  }

  private func retry(_ id: DeviceID, after error: HALError) {
    let isForAWhile =
      switch error {
      // Its safe state may not be confirmed yet.
      case .limited(_, let rule, _, let time):
        rule != "emergency_stop" && (time != nil || rule == "only_while" || hardware.output(id)?.level == nil)
      case .unavailable, .failed: true
      case .notFound, .denied, .busy, .invalid, .waits: false
      }
    let due = clock.now + max(error.retryAfter(at: clock.now) ?? Self.pause, .milliseconds(1))
    guard isForAWhile, let one = held[id], due < one.end else { return end(id, error.sentence) }
    if !one.isTold {
      note(Self.notTaken, "\(head(id, one.output)); not taken up yet: \(error.sentence)")
    }
    held[id]?.isTold = true
    held[id]?.timer = clock.schedule(at: due) { [weak self] in self?.look(at: id) }
  }

  private func overtaken(_ id: DeviceID, by name: String) {
    guard let one = held[id] else { return }
    end(id, "\(name) has commanded it" + (name == one.output.holder ? " by itself" : ""))
  }

  private func giveUp(_ why: String) {
    for id in held.keys.sorted() { end(id, why) }
  }

  // MARK: The history

  private func head(_ id: DeviceID, _ output: HeldOutput) -> String {
    let percent = Int((output.level * 100).rounded())
    return "\(id): held at \(percent)% by \(output.holder) \(when)"
  }

  private func end(_ id: DeviceID, granted lease: Duration) {
    guard let one = held.removeValue(forKey: id) else { return }
    let seconds = Duration.seconds(max(1, (lease.nanoseconds + 500_000_000) / 1_000_000_000))
    note(
      Self.taken,
      one.isTold
        ? "\(id): taken up again for \(seconds.text), as \(one.output.holder) had held it \(when)"
        : "\(head(id, one.output)); taken up again for \(seconds.text)")
  }

  private func end(_ id: DeviceID, _ obstacle: String) {
    guard let one = held.removeValue(forKey: id) else { return }
    clock.cancel(one.timer)
    note(Self.notTaken, "\(head(id, one.output)); not taken up: \(obstacle)")
    hardware.decideHeld(id)
  }

  private func note(_ reason: String, _ message: String) {
    // The registry reports a disk that cannot be written, once for all changes.
    try? registry.keep([
      .ledger(
        LedgerEntry(
          .board, time: clock.wallMilliseconds, reason: reason, message: message,
          uptime: clock.now.nanoseconds / 1_000_000))
    ])
  }
}

extension StoredRegistry: HeldStore {
  package func keep(_ held: HeldOutput?, of device: DeviceID) {
    var fields = held?.fields
    fields?["boot"] = .string(boot)
    try? keep([.held(device, fields.map { .map($0) })])
  }
}
