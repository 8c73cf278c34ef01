import Agent
import CLinux
import Control
import Document
import EventLoop
import Footprint
import GuardianClient
import HAL
import Isolations
import Journal
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import Projection
import Rules
import Systemd
import Vitals

/// The management zone: builds the daemon's parts, runs them, and ends them in order.
final class Zone {
  let configuration: Configuration
  let journal: Journal
  let loop: EventLoop
  let log: EventLog
  let backend: BoardBackend
  let hardware: Hardware
  let guardian: GuardianLink?
  let registry: StoredRegistry
  let agents: AgentSupervisor
  let rules: RuleRunner
  let started: Instant
  private let arguments: Arguments
  private let serviceManager: ServiceManager
  let vitals: Vitals
  private let story: Story?
  private var control: ControlServer?
  private var isServing = false
  private(set) var stopRequested = false
  private(set) var isStopping = false
  private var isLeavingSafeMode = false
  /// What refused to be safe at the end.
  var notSafe: [DeviceID] = []
  private var core: Core?
  private var settling: TimerID?

  /// Reads the configuration and builds the parts; no hardware is touched yet.
  init(
    _ arguments: Arguments, environment: [String: String], agents types: [AgentType], journal: Journal
  ) throws(StartFailure) {
    self.arguments = arguments
    self.journal = journal
    let configuration = try Configuration(arguments, environment: environment, journal: journal)
    self.configuration = configuration
    let settings = configuration.settings
    let loop: EventLoop
    do { loop = try EventLoop() } catch { throw .unavailable("\(error)") }
    self.loop = loop
    started = loop.now
    serviceManager = ServiceManager(environment: environment)
    let vitals = Vitals(
      settings, safeMode: arguments.safeMode, environment: environment, loop: loop, serviceManager: serviceManager)
    self.vitals = vitals
    story = arguments.story ? Story(environment: environment) : nil
    log = EventLog(
      clock: loop, capacity: settings.eventRing, depthLimit: settings.depthLimit, later: { loop.later($0) })
    do { guardian = try Self.guardian(configuration, loop: loop, events: log) } catch {
      // Disarm the watchdog, or it would reset the board after a refused start.
      vitals.end()
      throw error
    }
    backend = BoardBackend(configuration.board, loop: loop, guardian: guardian)
    hardware = Hardware(board: configuration.board, backend: backend, clock: loop, events: log)
    registry = StoredRegistry(folder: settings.home, loop: loop, events: log, boot: Self.boot())
    var limits = settings.boardLimits
    limits.budget.memory = vitals.meter.memoryBudget
    let agents = AgentSupervisor(
      clock: loop, events: log, hardware: hardware, files: AgentFiles(), registry: registry,
      drivers: Isolations.drivers(
        DriverSite(
          loop, home: settings.home, modules: Files.join(settings.home, "modules"), types: types,
          witness: vitals.witness)), logLines: settings.logLines, limits: limits)
    self.agents = agents
    let evidence = Self.clockEvidence(settings.socket, loop: loop, boot: registry.boot)
    rules = RuleRunner(
      clock: loop, events: log, hardware: hardware, agents: agents,
      boardClock: BoardClock(configuration.board.clock, clock: loop, events: log, evidence: evidence),
      utcOffset: { LocalTime.utcOffset(at: UInt64(clamping: $0) * 1000) },
      load: { () throws(Diagnostics) in
        try Self.refuse(in: vitals)
        return try configuration.rules(journal)
      })
  }

  /// Starts everything, serves until it is told to end, and leaves every output safe.
  func run() throws(StartFailure) {
    journal.foldRepetition(by: loop)
    story?.foldRepetition(by: loop)
    defer {
      vitals.end()
      story?.close()
      journal.close()
    }
    do { try catchSignals() } catch { throw .unavailable("\(error)") }
    vitals.begin(log: log, hardware: hardware, agents: agents) { [unowned self] in
      if case .running(let process) = guardian?.state { process } else { nil }
    }
    makeFolders()
    // Waits for the disk, turning the loop: nothing else of the zone runs yet.
    let kept = registry.open(timeout: .seconds(5))
    if stopRequested { return }
    let control = ControlServer(loop: loop, settings: configuration.settings, services: services)
    // The socket first: a second daemon must not touch the first one's hardware.
    do { try control.start() } catch {
      switch error {
      case .alreadyRunning: throw .alreadyRunning("\(error)")
      case .noSuchGroup: throw .configuration("\(error)")
      default: throw .unavailable("\(error)")
      }
    }
    self.control = control
    begin(kept)
    isServing = true
    // Without one, a daemon that is killed would leave its outputs as they are: that is no start.
    if let problem = awaitGuardian() {
      journal.log(.error, problem)
      end()
      loop.run()
      throw .unavailable(problem)
    }
    // Told to end meanwhile: what was never ready does not say that it is.
    if isStopping {
      loop.run()
      if !notSafe.isEmpty { throw .notSafe(notSafe) }
      return
    }
    vitals.serve()
    serviceManager.ready(summary)
    journal.log(
      .notice,
      "ready in \((loop.now - started).text): board \(summary), socket \(configuration.settings.socket)")
    settleLater()
    // Looking after the board has mapped pages that rest does not need. A new trigger of the kernel fires once or twice
    // for nothing, so this comes after most starts.
    vitals.onRest = { [unowned self] in settleLater() }
    loop.run()
    if !notSafe.isEmpty { throw .notSafe(notSafe) }
  }

  /// What the control plane works on.
  private var services: Services {
    let projection = Projection(agents: agents, hardware: hardware, rules: rules, events: log, clock: loop) {
      [unowned self] in boardBudgets
    }
    return Services(
      zone: self, agents: agents, events: log, sink: log, rules: rules, hardware: hardware,
      simulation: backend.simulated, projection: projection)
  }

  /// The registry's thread, and with it the last of what was to be done, has gone by then.
  private func settleLater() {
    if let settling { loop.cancel(settling) }
    settling = loop.schedule(after: .seconds(3)) { Footprint.settle() }
  }

  /// What runs, in a few words.
  private var summary: String {
    (vitals.safeMode == nil ? "" : "safe mode: ")
      + "\(configuration.board.name), \(configuration.board.devices.count) devices, "
      + "\(agents.listAgents().count) agents, \(rules.listRules().count) rules"
  }

  private func begin(_ kept: StoredRegistry.Contents) {
    let (story, journal) = (self.story, self.journal)
    _ = log.listen(EventPattern("*")) { event in
      if let story { story.tell(event) } else { journal.log(event) }
    }
    _ = agents.follow(nil) { line in
      if let story { story.tell(line) } else { journal.log(line) }
    }
    for notice in kept.notices { journal.log(.warning, notice) }
    vitals.tell(journal)
    rules.boardClock.lastStored = kept.lastOfDaemon?.time ?? 0
    noteStart(after: kept.lastOfDaemon)
    if let time = arguments.runFor { loop.schedule(after: time) { [unowned self] in end() } }
    keepChanges()
    followTimeZone()
    let core = Core(
      loop: loop, log: log, hardware: hardware, registry: registry, agents: agents, rules: rules, guardian: guardian,
      owner: self)
    self.core = core
    core.start(kept, home: configuration.settings.home) {
      journal.log(.error, "a change of the emergency stop would not survive a restart: \($0)")
    }
    guard let left = hardware.emergencyStop else { return }
    let reason = left.reason.map { ": \($0)" } ?? ""
    journal.log(.warning, "everything is stopped, by \(left.by)\(reason); 'openstarry estop --clear' ends that")
  }

  var stops: EmergencyStops? { core?.stops }

  /// Goes on with what safe mode has left out.
  /// - Parameter done: called once, with false when it is not in safe mode, or is about to leave it or to end.
  func leaveSafeMode(_ done: @escaping (Bool) -> Void) {
    guard let core, core.isInSafeMode, !isLeavingSafeMode, !isStopping else { return done(false) }
    isLeavingSafeMode = true
    // What runs then may end the daemon at once, and the next start would be in safe mode again.
    vitals.forgiveEnds { [weak self] in
      guard let self, !isStopping else { return done(false) }
      isLeavingSafeMode = false
      vitals.leaveSafeMode()
      core.leaveSafeMode()
      serviceManager.ready(summary)
      done(true)
    }
  }

  private static func refuse(in vitals: Vitals) throws(Diagnostics) {
    guard let reason = vitals.safeMode else { return }
    throw Diagnostics([
      Diagnostic(
        Location(file: "openstarryd"),
        "is in safe mode, as \(reason); 'openstarry daemon leave-safe-mode' reads everything and goes on")
    ])
  }

  /// How the daemon is, for `daemon.status`.
  var health: Fields { vitals.status }

  /// Reads manifests and rules again; an error in any file changes nothing. An agent that runs keeps its manifest: the
  /// next reload after its end takes the new one.
  func reloadAll() throws(Diagnostics) -> Fields {
    try Self.refuse(in: vitals)
    serviceManager.reloading(at: loop.now)
    defer { serviceManager.ready(summary) }
    let (manifests, problems, _) = configuration.manifests(journal)
    guard problems.isEmpty else { throw Diagnostics(problems) }
    let checked = try configuration.rules(journal)
    var replaced = 0
    var new: [AgentID] = []
    for manifest in manifests {
      let known = try? agents.manifest(manifest.id)
      if known?.document == manifest.document { continue }
      if known == nil { new.append(manifest.id) }
      do {
        try agents.adopt(manifest, state: agents.durableState(manifest.id))
        replaced += 1
      } catch {
        journal.log(.warning, "\(manifest.file): not replaced: \(error)")
        agents.leaveOut(manifest.id, error.reason)
      }
    }
    if replaced > 0 { agents.warnOfParents() }
    let count = rules.enforce(checked)
    agents.startResident(new)
    return ["agents_changed": .int(Int64(replaced)), "rules": .int(Int64(count))]
  }

  // MARK: The end

  /// Ends in order: agents, then outputs, then what is to be kept, then the socket.
  func end() {
    stopRequested = true
    guard isServing, !isStopping else { return }
    isStopping = true
    serviceManager.stopping()
    vitals.stop()
    let onSafe = { [unowned self] (refusals: [Hardware.Refusal]) in
      leave(refusals)
      noteEnd()
    }
    core?.end(within: Self.patience, onSafe: onSafe) { [unowned self] in
      control?.stop()
      log.publish(SystemEvents.stopped(), from: "system")
      loop.stop()
    }
  }

  private func catchSignals() throws(SystemError) {
    // Caught and dropped, so that a write to a reader that is gone returns an error instead of ending the daemon.
    try loop.onSignal(SIGPIPE) {}
    // The same where a file may not grow any more (RLIMIT_FSIZE).
    try loop.onSignal(SIGXFSZ) {}
    try loop.onSignal(SIGTERM) { [unowned self] in end() }
    try loop.onSignal(SIGINT) { [unowned self] in
      // The second Ctrl-C does not wait for anybody: outputs safe, out.
      if isStopping {
        hardware.end(.safe, within: .zero) { [unowned self] in leave($0) }
        vitals.end()
        exit(130)
      }
      end()
    }
    try loop.onSignal(SIGHUP) { [unowned self] in
      guard isServing else { return }
      do { _ = try reloadAll() } catch { journal.log(.error, "\(error)\nthe agents and rules in force stay") }
    }
  }

  private func makeFolders() {
    for folder in [configuration.settings.home, Files.folder(of: configuration.settings.socket)] {
      do { try Files.makeFolder(folder) } catch { journal.log(.warning, "\(error)") }
    }
    do { _ = try TrustedFolder(configuration.settings.home) } catch {
      // What else is wrong with it is said by those that need it.
      guard let remedy = error.remedy else { return }
      journal.log(
        .warning,
        "'home': \(error): whoever writes there decides which agents run, and what they may do; \(remedy)")
    }
  }
}
