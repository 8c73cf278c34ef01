import Agent
import Crash
import HAL
import HALSimulated
import Model
import Orchestrator
import Rules
import Store

/// One daemon from its start to its death: the real parts on a manual loop.
final class DaemonLife {
  /// The maximum depth of a chain of events.
  static let depthLimit = 8
  let loop: ManualLoop
  let log: EventLog
  let hardware: Hardware
  let processes: PuppetDriver
  /// The ends of earlier daemons, strikes and quarantines.
  let book: CrashBook
  private let core: DaemonCore
  var registry: StoredRegistry { core.registry }
  var agents: AgentSupervisor { core.agents }
  var rules: RuleRunner { core.rules }
  var stops: EmergencyStops? { core.stops }
  /// The ledger's newest number when the daemon began.
  var firstNumber = 0
  /// Whether it answers clients.
  private(set) var isReady = false
  private(set) var isEnding = false
  private(set) var hasEnded = false
  /// Whether it has begun to open the hardware.
  private(set) var isOpen = false
  /// Whether it has released the hardware.
  private(set) var isClosed = false
  /// When its start began.
  let began: Instant
  /// The number of hangs.
  var hangs = 0
  /// The time limit of its shutdown; nil while it is not shutting down.
  var endsBy: Instant?
  /// Why it is in safe mode; nil when it is not.
  private(set) var safeMode: String?
  /// The path of its crash record.
  let record: String
  /// Called when it has released the hardware.
  var onClosed: () -> Void = {}
  /// Called for each event before its dispatch.
  var onEvent: (Event) -> Void = { _ in }
  /// Called when it sends a level to an output.
  var onTold: (DeviceID) -> Void = { _ in }
  /// Called between the steps of the start that concern outputs.
  var onStep: () -> Void = {}
  /// Called with the message of a part that failed to start.
  var onProblem: (String) -> Void = { _ in }
  /// Called when an event is dispatched.
  var onDispatch: (Event, Audience?) -> Void = { _, _ in }
  /// The variant of the rules that the next reload reads.
  var variant: Int {
    get { source.variant }
    set { source.variant = newValue }
  }
  private let source = RuleSource()
  private let home: String
  private let configured: [Manifest]
  private let backend: LifeBackend
  private let keeper: LifeKeeper
  private let abandonAgents: () -> Void

  init(
    _ board: Board, _ configured: [Manifest], _ simulated: SimulatedBackend, _ line: Timeline, _ disk: Disk,
    _ stage: Stage,
    _ guardians: Guardians, runtime: String?, boot: Int, engine: GuestEngine?
  ) {
    self.configured = configured
    began = line.now
    let loop = ManualLoop(line, disk)
    self.loop = loop
    home = disk.folder
    record = "\(runtime ?? home)/crash.record"
    book = CrashBook(runtime: runtime, home: home, loop: loop, boot: "boot-\(boot)", wasReset: false)
    safeMode = book.isBootLoop ? "the daemon ended too often" : nil
    keeper = LifeKeeper(guardians, loop)
    log = EventLog(on: loop, capacity: 256, depthLimit: Self.depthLimit)
    backend = LifeBackend(simulated, loop)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    processes = PuppetDriver(.process, stage, loop)
    let guests = engine.map { ObservedDriver($0.driver(loop), stage) }
    let residents = PuppetDriver(.inProcess, stage, loop)
    abandonAgents = { [processes] in
      residents.abandon()
      processes.abandon()
      guests?.abandon()
    }
    var site = DaemonCore.Site(
      loop: loop, log: log, hardware: hardware, home: home, boot: "boot-\(boot)",
      drivers: [residents, processes] + (guests.map { [$0] } ?? []))
    site.files = NoFiles()
    site.logLines = 10
    site.limits = BoardLimits(budget: Budget(events: Rate(count: 500, per: .seconds(1))))
    site.random = Chance(stage.seed, "daemon", Int(line.now.nanoseconds / 1_000_000))
    site.guardian = keeper
    core = DaemonCore(site) { [source] () throws(Diagnostics) in
      try RuleSet(compiling: TestAgents.rules(variant: source.variant))
    }
    if let runtime { try? core.keepChanges(in: "\(runtime)/changes", onProblem: { _ in }) }
  }

  /// Starts as the daemon does, with delays of the disk.
  /// - Parameters:
  ///   - opens: called before the hardware is opened.
  ///   - recovered: called with the contents of the disk.
  func start(
    opens: () -> Void,
    recovered: @escaping (StoredRegistry.Contents, EmergencyStop?, _ isLate: Bool) -> Void
  ) {
    _ = log.listen(EventPattern("*")) { [weak self] event in
      // A transfer may outlive the daemon and still publish events.
      if let self, !loop.isDead { onEvent(event) }
    }
    let kept = registry.open(timeout: .seconds(5))
    guard !loop.isDead else { return }
    self.recovered = recovered
    isOpen = true
    opens()
    backend.onTold = { [unowned self] in onTold($0) }
    keeper.onStep = { [unowned self] in onStep() }
    backend.onStep = { [unowned self] in if !isReady { onStep() } }
    core.start(kept, owner: self) { _ in }
    guard !loop.isDead else { return }
    recovered(kept, hardware.emergencyStop, false)
    let (dispatch, dispatchTo) = (log.dispatch, log.dispatchTo)
    log.dispatch = { [unowned self] event in
      onDispatch(event, nil)
      dispatch(event)
    }
    log.dispatchTo = { [unowned self] event, audience in
      onDispatch(event, audience)
      dispatchTo(event, audience)
    }
    isReady = true
    book.record?.enter(.serving)
  }

  private var recovered: (StoredRegistry.Contents, EmergencyStop?, _ isLate: Bool) -> Void = { _, _, _ in }

  /// Leaves safe mode and starts the rest.
  func leaveSafeMode() {
    guard core.isInSafeMode else { return }
    safeMode = nil
    book.forgiveEnds()
    core.leaveSafeMode()
  }

  /// Begins an orderly shutdown.
  func end() {
    guard isReady, !isEnding else { return }
    isEnding = true
    book.record?.enter(.stopping)
    core.end(
      within: .seconds(3),
      onSafe: { [unowned self] refusals in
        keeper.leave(refusals.map(\.device))
        isClosed = true
        onClosed()
      }
    ) { [unowned self] in
      hasEnded = true
      book.record?.enter(.ended)
    }
  }

  /// Dies as after SIGKILL.
  /// - Parameters:
  ///   - cut: the number of writes of running disk jobs that still reach the disk; nil for none.
  ///   - lands: whether a level on its way to an output still arrives.
  func die(_ cut: () -> Int?, lands: (DeviceID) -> Bool) {
    isReady = false
    backend.abandon(lands)
    loop.die(cut)
    abandonAgents()
  }
}

// The core's owner.
extension DaemonLife: DaemonCoreOwner {
  func manifests() -> [Manifest] { configured }
  func manifest(of kept: StoredAgent) -> Manifest? { TestAgents.guest(kept.id, kept.manifest) }
  func readLate(_ kept: StoredRegistry.Contents) { recovered(kept, nil, true) }
  func failed(_ problem: String) { onProblem(problem) }
}

/// Stands for the rule files.
private final class RuleSource {
  var variant = 0
}

/// Denies all files: no agent of a run reads any.
private final class NoFiles: FileReading {
  func resolve(_ path: String) -> String? { nil }
  func read(_ path: String) throws(AgentError) -> [UInt8] { throw AgentError(.notFound, path) }
}
