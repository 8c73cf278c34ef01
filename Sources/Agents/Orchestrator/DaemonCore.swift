import Agent
import EventLoop
import HAL
import Linux
import Model
import Rules

/// The parts that act on events: gate, registry, agents and rules. Builds them, and gives the order in which they start,
/// continue after a slow disk or safe mode, and end.
///
/// The owner chooses what they run on, and does all reporting. The core runs on any `Loop`, so tests on manual time
/// exercise the daemon's own code.
package final class DaemonCore {
  /// Hands every event to rules and agents, from `start` to `end`.
  package let log: EventLog
  /// The gate; opened by `start`.
  package let hardware: Hardware
  /// Opened by the owner before `start`, closed by `end`.
  package let registry: StoredRegistry
  /// The agents; quarantines are the owner's to set.
  package let agents: AgentSupervisor
  /// The rules; read outside safe mode.
  package let rules: RuleRunner
  /// Emergency stops; nil until `start`.
  package private(set) var stops: EmergencyStops?
  /// Asks language models; nil where there is no gateway.
  package let model: (any ModelGateway & ModelControl)?
  private let loop: any Loop
  private let home: String
  private let guardian: (any DaemonCoreGuardian)?
  private weak var owner: (any DaemonCoreOwner)?
  private var takeUps: TakeUps?
  private var isCharged = false
  /// Whether the leases of the previous daemon's sessions have ended.
  private var areSessionsEnded = false
  /// What safe mode leaves undone.
  private var whenSafeModeEnds: (() -> Void)?

  /// Builds the parts and connects them; nothing is started.
  /// - Parameter loadRules: reads and compiles the rule files, at the start and for each reload.
  package init(_ site: Site, loadRules: @escaping () throws(Diagnostics) -> RuleSet) {
    (loop, log, hardware, home, guardian) = (site.loop, site.log, site.hardware, site.home, site.guardian)
    registry = StoredRegistry(folder: home, loop: loop, events: log, boot: site.boot)
    model = site.model(registry)
    agents = AgentSupervisor(
      clock: loop, events: log, hardware: hardware, files: site.files, registry: registry, drivers: site.drivers,
      logLines: site.logLines, model: model, limits: site.limits, random: site.random)
    rules = RuleRunner(
      clock: loop, events: log, hardware: hardware, agents: agents,
      boardClock: BoardClock(hardware.board.clock, clock: loop, events: log, evidence: site.clockEvidence),
      utcOffset: site.utcOffset, load: loadRules)
    rules.registry = registry
    rules.history = log
    agents.history = log
    hardware.approvals.onChange = { [weak registry = self.registry] approval in
      // Refused is only what can never be stored, or when nothing can be.
      try? registry?.keep([.approval(approval.id, approval.isWaiting ? approval.stored : nil)])
    }
    registry.onWritten = { [weak agents = self.agents] in agents?.noteWritten($0) }
    registry.isThrifty = { [weak agents = self.agents] in agents?.isDiskUsedUp ?? false }
  }

  /// Has `max_rate` count over restarts. Call it before `start`.
  /// - Parameters:
  ///   - file: in a folder in memory (tmpfs): it is written for each change of an output.
  ///   - onProblem: told once when a change cannot be kept.
  /// - Throws: the file cannot be made, and `max_rate` counts from this start.
  package func keepChanges(in file: String, onProblem: @escaping (SystemError) -> Void) throws(SystemError) {
    hardware.changeStore = try ChangeFile(
      file, boot: registry.boot, actuators: Self.rates(hardware.board), onProblem: onProblem)
  }

  /// The actuators with `max_rate`.
  package static func rates(_ board: Board) -> [(id: DeviceID, rate: Rate)] {
    board.devices.compactMap { device in
      guard case .actuator(let settings) = device.kind, let rate = settings.maxRate else { return nil }
      return (device.id, rate)
    }
  }

  /// Starts everything, or in safe mode only the outputs.
  /// - Parameters:
  ///   - kept: what `registry.open` returned.
  ///   - owner: not retained; must outlive the core.
  ///   - onProblem: told why a change of the emergency stop would not survive a restart.
  package func start(
    _ kept: StoredRegistry.Contents, owner: any DaemonCoreOwner, onProblem: @escaping (String) -> Void
  ) {
    self.owner = owner
    log.handOut(to: rules, agents)
    do throws(SystemError) {
      try loop.watchClock { [unowned self] in
        log.clockWasSet()
        rules.boardClock.wasSet()
      }
    } catch {
      owner.failed("calendar rules will not notice when the clock is set: \(error)")
    }
    // Before the hardware is opened: a stop of an earlier run is in force from the first moment.
    stops = EmergencyStops(folder: home, loop: loop, log: log, hardware: hardware, agents: agents, rules: rules) {
      onProblem("\($0)")
    }
    // After the stops, of which it has to hear, too.
    takeUps = TakeUps(clock: loop, hardware: hardware, agents: agents, rules: rules, registry: registry)
    registry.onLate = { [unowned self] in adoptLate($0) }
    agents.recallDisabled(kept.disabled)
    rules.keepEffects(kept.noEffects)
    guardian?.start()
    guard owner.safeMode == nil else {
      agents.isPartial = true
      rules.enterSafeMode(kept)
      // Safe states need only the outputs; any other part may be what ended the daemon.
      hardware.openActuators(leaseStore: guardian, takingOver: false)
      charge()
      releaseOfSessions()
      takeUps?.begin(kept, cause: nil, obstacle: Self.inSafeMode)
      whenSafeModeEnds = { [unowned self] in runEverything(kept) }
      return
    }
    runEverything(kept)
  }

  private func runEverything(_ kept: StoredRegistry.Contents) {
    agents.isPartial = false
    rules.leaveSafeMode()
    adopt(owner?.manifests() ?? [], kept)
    // Before the outputs: one that its interlock forbids must not take over the level of the previous daemon.
    rules.watchInterlocks()
    rules.watchApprovals()
    rules.watchEffects()
    hardware.open(leaseStore: guardian)
    if let counts = kept.counts { hardware.recallCounts(counts, store: registry) }
    charge()
    rules.recall(kept)
    recallApprovals(kept)
    do { _ = try rules.reloadRules() } catch {
      owner?.failed("\(error)\nno rules are in force: correct the file, then 'openstarry rules reload'")
    }
    releaseOfSessions()
    releaseOfTheGone(hasAllAgents: !registry.isLate)
    let started = log.publish(SystemEvents.started(board: hardware.board.name), from: "system")
    takeUps?.begin(kept, cause: Cause(started))
    agents.startResident()
    // After the agents: earlier nobody would hear that an input is active.
    hardware.announceInputs()
  }

  /// Why nothing is taken up again.
  private static let inSafeMode = "the daemon is in safe mode"

  /// The outputs are open: the guardian is told, and what models have used is read. Once, although after safe mode the outputs
  /// are opened again.
  private func charge() {
    guard !isCharged else { return }
    isCharged = true
    guardian?.charge()
    // Not before the outputs are safe: it reads files.
    model?.open { [weak owner] in for notice in $0 { owner?.failed(notice) } }
  }

  /// Continues with the contents of a disk that was too slow for the start.
  private func adoptLate(_ kept: StoredRegistry.Contents) {
    owner?.readLate(kept)
    agents.recallDisabled(kept.disabled)
    rules.keepEffects(kept.noEffects)
    if whenSafeModeEnds != nil {
      rules.enterSafeMode(kept)
      takeUps?.begin(kept, cause: nil, obstacle: Self.inSafeMode)
      whenSafeModeEnds = { [unowned self] in runEverything(kept) }
      return
    }
    agents.restore(kept.states)
    if let counts = kept.counts { hardware.recallCounts(counts, store: registry) }
    rules.recall(kept)
    recallApprovals(kept)
    adopt([], kept)
    releaseOfTheGone(hasAllAgents: true)
    takeUps?.begin(kept, cause: nil)
    agents.startResident(kept.agents.map(\.id))
  }

  /// What waited for a person when the previous daemon ended has expired with it.
  private func recallApprovals(_ kept: StoredRegistry.Contents) {
    hardware.approvals.recall(kept.approvals)
    try? registry.keep(kept.approvals.keys.map { .approval($0, nil) })
  }

  /// Releases what programs held whose sessions have ended with the previous daemon. Once: later leases are those of
  /// sessions of this one.
  private func releaseOfSessions() {
    guard !areSessionsEnded else { return }
    areSessionsEnded = true
    hardware.releaseAll { $0.hasPrefix("mcp/") }
  }

  /// Releases the leases of the previous daemon whose holder does not exist any more.
  private func releaseOfTheGone(hasAllAgents: Bool) {
    hardware.releaseAll { holder in
      let parts = holder.split(separator: "/", maxSplits: 1).map(String.init)
      // A name of the greatest length may be cut off.
      guard parts.count == 2, holder.utf8.count < Hardware.longestHolder else { return false }
      return switch parts[0] {
      case "rule":
        !rules.isInForce(RuleID(parts[1])) || rules.listRules().contains { $0.id == RuleID(parts[1]) && $0.isShadow }
      case "agent":
        hasAllAgents && !agents.isRegistered(AgentID(parts[1]))
          || (try? agents.manifest(AgentID(parts[1])))?.shadow ?? false
      default: false
      }
    }
  }

  /// Whether `leaveSafeMode` has anything to start.
  package var isInSafeMode: Bool { whenSafeModeEnds != nil }

  /// Starts what safe mode has left out. Call it when the owner's `safeMode` is nil.
  package func leaveSafeMode() {
    let go = whenSafeModeEnds.take()
    go?()
  }

  /// Registers what the configuration names, then what was registered at run time; the configuration wins.
  private func adopt(_ manifests: [Manifest], _ kept: StoredRegistry.Contents) {
    // Agents that were registered in safe mode are newer than those of the registry.
    let named = Set(manifests.map(\.id) + agents.listAgents().map(\.id))
    let registered = kept.agents.filter { !named.contains($0.id) && !agents.removed.contains($0.id) }
      .compactMap { owner?.manifest(of: $0) }
    let declared = Set(manifests.map(\.id))
    for manifest in manifests + registered {
      let state = agents.removed.contains(manifest.id) ? nil : kept.states[manifest.id]
      do { try agents.adopt(manifest, state: state ?? [:]) } catch {
        owner?.failed("\(manifest.file): \(error)")
        agents.leaveOut(manifest.id, error.reason, isDeclared: declared.contains(manifest.id))
      }
    }
    agents.warnOfParents((manifests + registered).map(\.id))
  }

  private func closeStorage(_ done: @escaping () -> Void) {
    let close = { [unowned self] in
      registry.close { [unowned self] in
        guard let stops else { return done() }
        // Wait for an emergency stop that is being written, so that it is in force after the restart.
        stops.end(done)
      }
    }
    if let model { model.close(close) } else { close() }
  }

  /// Ends agents, then outputs, then the registry.
  /// - Parameters:
  ///   - patience: how long to wait for outputs that refuse their final level.
  ///   - onSafe: called with those outputs after the hardware was closed. Lines can still be added to the ledger.
  ///   - done: called when everything is on the disk, or could not be written.
  package func end(
    within patience: Duration, onSafe: @escaping ([Hardware.Refusal]) -> Void, _ done: @escaping () -> Void
  ) {
    log.publish(SystemEvents.stopping(), from: "system")
    hardware.approvals.isClosed = true
    // Later, so that rules and agents that subscribe to this event still act on it.
    loop.later { [unowned self] in
      agents.shutDown { [unowned self] in
        log.dispatch = { _ in }
        log.dispatchTo = { _, _ in }
        hardware.end(within: patience) { [unowned self] refusals in
          onSafe(refusals)
          closeStorage(done)
        }
      }
    }
  }
}
