import Agent
import EventLoop
import HAL
import Linux
import Model
import Store

/// What the core asks of whoever runs it.
public protocol CoreOwner: AnyObject {
  /// Why nothing but the outputs is to be touched; nil when everything is to run.
  var safeMode: String? { get }

  /// The agents of the configuration; called once, when everything is to run.
  func manifests() -> [Manifest]

  /// An agent that was registered at run time, checked again.
  /// - Returns: nil when it is left out, which the owner says itself.
  func manifest(of kept: StoredAgent) -> Manifest?

  /// The registry was read only now, and what was in it is about to be adopted.
  func readLate(_ kept: StoredRegistry.Contents)

  /// Something was left out, in a sentence; the rest goes on.
  func failed(_ problem: String)
}

/// The guardian as the core needs it: who keeps what is held, and when.
public protocol CoreGuardian: HoldKeeper {
  /// Before the hardware is opened.
  func start()

  /// The outputs are open; called once.
  func charge()
}

/// The parts that act on events, put together: in which order they start, go on when the disk was slow or safe mode is
/// left, and end.
///
/// Where they come from, what surrounds them and what people read is the owner's. It runs on any `Loop`, so that what
/// is proven of it with time that is moved by hand is proven of the daemon.
public final class Core {
  /// Hands every event to rules and agents, from `start` to the end.
  public let log: EventLog
  /// The gate; opened by `start`.
  public let hardware: Hardware
  /// What is kept; open before `start`, closed by `end`.
  public let registry: StoredRegistry
  /// Told of quarantines, drivers and limits by the owner.
  public let agents: AgentSupervisor
  /// Read when everything is to run.
  public let rules: RuleRunner
  /// Nil until `start`.
  public private(set) var stops: EmergencyStops?
  private let loop: any Loop
  private let guardian: (any CoreGuardian)?
  private unowned let owner: any CoreOwner
  private var isCharged = false
  /// What safe mode leaves undone.
  private var whenSafeModeEnds: (() -> Void)?

  /// Ties the parts to each other; nothing is started.
  /// - Parameters:
  ///   - guardian: nil where nobody sees to the outputs of a daemon that has died.
  ///   - owner: outlives this.
  public init(
    loop: any Loop, log: EventLog, hardware: Hardware, registry: StoredRegistry, agents: AgentSupervisor,
    rules: RuleRunner, guardian: (any CoreGuardian)?, owner: any CoreOwner
  ) {
    self.loop = loop
    self.log = log
    self.hardware = hardware
    self.registry = registry
    self.agents = agents
    self.rules = rules
    self.guardian = guardian
    self.owner = owner
    rules.registry = registry
    registry.onWritten = { [weak agents] in agents?.noteWritten($0) }
    registry.isThrifty = { [weak agents] in agents?.isDiskUsedUp ?? false }
  }

  /// Starts everything, or in safe mode the outputs alone.
  /// - Parameters:
  ///   - kept: what `registry.open` gave.
  ///   - home: the folder in which an emergency stop outlives the daemon.
  ///   - onProblem: told why a change of the emergency stop would not survive.
  public func start(_ kept: StoredRegistry.Contents, home: String, onProblem: @escaping (String) -> Void) {
    log.dispatch = { [unowned self] event in
      rules.handle(event)
      agents.handle(event)
    }
    log.dispatchTo = { [unowned self] event, audience in
      switch audience {
      case .rules(let ids): rules.handle(event, only: ids)
      case .agents(let ids): agents.handle(event, only: ids)
      }
    }
    do throws(SystemError) {
      try loop.watchClock { [unowned self] in
        log.clockWasSet()
        rules.boardClock.wasSet()
      }
    } catch {
      owner.failed("calendar rules will not notice when the clock is set: \(error)")
    }
    // Before the hardware is opened: a stop that an earlier run has left holds from the first moment.
    stops = EmergencyStops(folder: home, loop: loop, log: log, hardware: hardware, agents: agents, rules: rules) {
      onProblem("\($0)")
    }
    registry.onLate = { [unowned self] in adoptLate($0) }
    guardian?.start()
    guard owner.safeMode == nil else {
      // Safe states need nothing but the outputs; what else there is may be what has ended the daemon.
      hardware.openActuators(keeper: guardian, takingOver: false)
      charge()
      whenSafeModeEnds = { [unowned self] in runEverything(kept) }
      return
    }
    runEverything(kept)
  }

  private func runEverything(_ kept: StoredRegistry.Contents) {
    adopt(owner.manifests(), kept)
    hardware.open(keeper: guardian)
    charge()
    rules.recall(kept.cooldowns)
    do { _ = try rules.reloadRules() } catch {
      owner.failed("\(error)\nno rules are in force: mend the file, then 'openstarry rules reload'")
    }
    releaseOfTheGone(hasAllAgents: !registry.isLate)
    log.publish(SystemEvents.started(board: hardware.board.name), from: "system")
    agents.startResident()
    // Only now is there somebody whom it could concern that a leak is wet.
    hardware.announceInputs()
  }

  /// Outputs are open: once, also where safe mode has opened them and the rest follows later.
  private func charge() {
    if !isCharged { guardian?.charge() }
    isCharged = true
  }

  /// The disk was too slow for the start: goes on with what it had, now that it has been read.
  private func adoptLate(_ kept: StoredRegistry.Contents) {
    owner.readLate(kept)
    if whenSafeModeEnds != nil {
      whenSafeModeEnds = { [unowned self] in runEverything(kept) }
      return
    }
    agents.restore(kept.states)
    rules.recall(kept.cooldowns)
    adopt([], kept)
    releaseOfTheGone(hasAllAgents: true)
    agents.startResident(kept.agents.map(\.id))
  }

  /// What the daemon before has left held, and whoever held it is not here any more.
  private func releaseOfTheGone(hasAllAgents: Bool) {
    hardware.releaseAll { holder in
      let parts = holder.split(separator: "/", maxSplits: 1).map(String.init)
      // What was cut may be anybody's.
      guard parts.count == 2, holder.utf8.count < Hardware.longestHolder else { return false }
      return switch parts[0] {
      case "rule": !rules.isInForce(RuleID(parts[1]))
      case "agent": hasAllAgents && !agents.isRegistered(AgentID(parts[1]))
      default: false
      }
    }
  }

  /// Whether `leaveSafeMode` has something to go on with.
  public var isInSafeMode: Bool { whenSafeModeEnds != nil }

  /// Goes on with what safe mode has left out; the owner's `safeMode` is nil by then.
  public func leaveSafeMode() {
    let go = whenSafeModeEnds.take()
    go?()
  }

  /// Registers what the configuration names, then what was registered at run time; the configuration wins.
  private func adopt(_ manifests: [Manifest], _ kept: StoredRegistry.Contents) {
    // What was registered in safe mode is newer than what was kept before.
    let named = Set(manifests.map(\.id) + agents.listAgents().map(\.id))
    let registered = kept.agents.filter { !named.contains($0.id) }.compactMap(owner.manifest)
    for manifest in manifests + registered {
      do { try agents.adopt(manifest, state: kept.states[manifest.id] ?? [:]) } catch {
        owner.failed("\(manifest.file): \(error)")
        agents.leaveOut(manifest.id, error.reason)
      }
    }
    agents.warnOfParents((manifests + registered).map(\.id))
  }

  /// Ends in order: agents, then outputs, then what is to be kept.
  /// - Parameters:
  ///   - patience: how long to wait for outputs that refuse to be as they are to be at the end.
  ///   - onSafe: called with those when the hardware has been let go of, while lines may still be added to the ledger.
  ///   - done: called when everything is on the disk, or could not be written.
  public func end(
    within patience: Duration, onSafe: @escaping ([Hardware.Refusal]) -> Void, _ done: @escaping () -> Void
  ) {
    log.publish(SystemEvents.stopping(), from: "system")
    // Rules and agents that wait for this event may still act on it; nothing is woken after them.
    loop.later { [unowned self] in
      agents.shutDown { [unowned self] in
        log.dispatch = { _ in }
        log.dispatchTo = { _, _ in }
        hardware.end(within: patience) { [unowned self] refusals in
          onSafe(refusals)
          registry.close { [unowned self] in
            guard let stops else { return done() }
            // A stop that nobody was answered yet holds after the restart, too.
            stops.end(done)
          }
        }
      }
    }
  }
}
