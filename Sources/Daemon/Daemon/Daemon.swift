import Agent
import AgentProcess
import Config
import Control
import EventLoop
import Footprint
import Gateway
import GuardianClient
import HAL
import Isolations
import Journal
import LanguageModelClient
import LauncherClient
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import Plugins
import Projection
import Systemd
import Tokens
import Vitals

/// The daemon: composes its parts, runs them, and ends them in order.
final class Daemon {
  let configuration: Configuration
  let journal: Journal
  let loop: EventLoop
  let log: EventLog
  let board: GuardedBoard
  let core: DaemonCore
  let registrar: Registrar
  let runLedger: RunLedger
  let vitals: Vitals
  let serviceManager: ServiceManager
  let started: Instant
  /// Starts the programs of process agents.
  let launcher: LauncherLink
  /// Exists while the probes run.
  var probes: LimitProbes?
  let arguments: Arguments
  private let story: Story?
  var control: ControlServer?
  private(set) var isServing = false
  var stopRequested = false
  var isStopping = false
  private var isLeavingSafeMode = false
  /// The outputs that were not safe at the end.
  var notSafe: [DeviceID] = []
  private var settling: TimerID?
  /// Why nothing can be kept in the home. It is reported once, and not again by each part that uses the folder.
  private var homeObstacle: String?

  var hardware: Hardware { core.hardware }
  var guardian: GuardianLink? { board.guardian }
  var registry: StoredRegistry { core.registry }
  var agents: AgentSupervisor { core.agents }
  var rules: RuleRunner { core.rules }

  /// Reads the configuration and builds the parts. No hardware is touched yet.
  init(
    _ arguments: Arguments, environment: [String: String], agents types: [AgentType], journal: Journal
  ) throws(StartFailure) {
    self.arguments = arguments
    self.journal = journal
    let configuration = try Configuration(arguments, environment: environment, journal: journal)
    self.configuration = configuration
    let settings = configuration.settings
    if arguments.simulates { journal.log(.notice, SimulatedRun.notice(configuration.board, settings)) }
    let loop: EventLoop
    do { loop = try EventLoop() } catch { throw .unavailable("\(error)") }
    self.loop = loop
    started = loop.now
    serviceManager = ServiceManager(environment: environment)
    let vitals = Vitals(
      settings, safeMode: arguments.safeMode, environment: environment, loop: loop, serviceManager: serviceManager)
    self.vitals = vitals
    story = arguments.story ? Story(environment: environment) : nil
    log = EventLog(on: loop, capacity: settings.eventRing, depthLimit: settings.depthLimit)
    do { board = try GuardedBoard(configuration, loop: loop, events: log) } catch {
      // Disarm the watchdog, or it would reset the board after a refused start.
      vitals.end()
      throw error
    }
    launcher = LauncherLink(loop)
    var drivers = DriverSite(
      loop, home: settings.home, modules: Files.join(settings.home, "modules"), types: types, witness: vitals.witness)
    drivers.sockets =
      [settings.socket, GuardianLink.path(beside: settings.socket)]
      + (settings.docker.map { [$0, DockerEngine.usualFolder] } ?? [])
    drivers.docker = settings.docker
    drivers.launcher = launcher
    drivers.plugins = PluginStore(folder: settings.pluginFolder)
    var site = DaemonCore.Site(
      loop: loop, log: log, hardware: board.hardware, home: settings.home, boot: System.bootID(),
      drivers: Isolations.drivers(drivers))
    site.logLines = settings.logLines
    site.limits = settings.boardLimits
    site.limits.budget.memory = vitals.meter.memoryBudget
    site.clockEvidence = Self.clockEvidence(settings.socket, loop: loop, boot: site.boot)
    site.utcOffset = { LocalTime.utcOffset(at: UInt64(clamping: $0) * 1000) }
    site.guardian = board.guardian
    let link = LanguageModelLink(loop)
    let folder = Self.tokenFolder(settings)
    site.model = { [log, boot = site.boot] registry in
      LanguageModels(
        settings.models, clock: loop, server: link,
        ledger: TokenLedger(folder: folder, boot: boot, marks: registry.tokenMarks, clock: loop), events: log,
        transcript: settings.transcript)
    }
    core = DaemonCore(site) { () throws(Diagnostics) in
      try Self.refuse(in: vitals)
      return try configuration.rules(journal)
    }
    registrar = Registrar(configuration, agents: core.agents, registry: core.registry, clock: loop)
    runLedger = RunLedger(core.registry, boot: site.boot, clock: loop, journal: journal)
  }

  /// Starts everything, serves until it is told to end, and leaves every output safe.
  /// - Throws: why it could not start, or which outputs are not safe at the end.
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
    // Turns the loop until the disk has answered. No other part runs yet.
    let kept = registry.open(timeout: .seconds(5)) { [unowned self] in stopRequested }
    if stopRequested { return }
    try openSocket()
    begin(kept)
    isServing = true
    // Without its guardian the daemon must not serve: killed, it would leave the outputs as they are.
    if let problem = board.awaitGuardian(isCancelled: { stopRequested }) {
      journal.log(.error, problem)
      end()
      loop.run()
      throw .unavailable(problem)
    }
    // Told to end meanwhile: do not report READY.
    if !isStopping { becomeReady() }
    loop.run()
    if !notSafe.isEmpty { throw .notSafe(notSafe) }
  }

  /// Opened before the hardware: a second daemon must not touch what the first one drives.
  private func openSocket() throws(StartFailure) {
    let control = ControlServer(loop: loop, settings: configuration.settings, services: services)
    do { try control.start() } catch {
      switch error {
      case .alreadyRunning: throw .alreadyRunning("\(error)")
      case .noSuchGroup: throw .configuration("\(error)")
      default: throw .unavailable("\(error)")
      }
    }
    self.control = control
  }

  /// What the control plane works on.
  private var services: Services {
    let projection = Projection(
      agents: agents, hardware: hardware, rules: rules, events: log, clock: loop,
      looseMemoryMax: vitals.meter.looseLimit?.value,
      boardBudgets: { [vitals, agents] in
        vitals.meter.look()
        return agents.boardBudgets
      },
      isStopping: { [unowned self] in isStopping })
    return Services(
      daemon: self, registry: registrar, agents: agents, events: log, sink: log, rules: rules, hardware: hardware,
      simulation: board.backend.simulated, models: core.model, shadows: agents.shadows, projection: projection)
  }

  private func begin(_ kept: StoredRegistry.Contents) {
    let (story, journal) = (self.story, self.journal)
    _ = log.listen(EventPattern("*")) { event in
      if let story { story.tell(event) } else { journal.log(event) }
    }
    _ = agents.follow(nil) { line in
      if let story { story.tell(line) } else { journal.log(line) }
    }
    if homeObstacle == nil {
      for notice in kept.notices { journal.log(.warning, notice) }
    }
    vitals.tell(journal)
    rules.boardClock.lastStored = kept.lastOfDaemon?.time ?? 0
    runLedger.noteStart(
      after: kept.lastOfDaemon, end: vitals.lastEnd, wasKilledForMemory: vitals.wasKilledForMemory)
    if let time = arguments.runFor { loop.schedule(after: time) { [unowned self] in end() } }
    keepChanges()
    followTimeZone()
    core.start(kept, owner: self) {
      journal.log(.error, "a change of the emergency stop would not survive a restart: \($0)")
    }
    guard let left = hardware.emergencyStop else { return }
    let reason = left.reason.map { ": \($0)" } ?? ""
    journal.log(.warning, "everything is stopped, by \(left.by)\(reason); 'openstarry estop --clear' ends that")
  }

  private func becomeReady() {
    vitals.serve()
    serviceManager.ready(summary)
    journal.log(
      .notice,
      "ready in \((loop.now - started).text): board \(summary), socket \(configuration.settings.socket)")
    settleLater()
    // Checking the pressure has mapped pages that are not needed at rest. A new PSI trigger usually fires once or twice
    // without pressure, so this also runs after most starts.
    vitals.onRest = { [unowned self] in settleLater() }
  }

  /// After three seconds the registry's thread has ended, and with it the last work of the start.
  private func settleLater() {
    if let settling { loop.cancel(settling) }
    settling = loop.schedule(after: .seconds(3)) { Footprint.settle() }
  }

  /// One line about what runs, for systemd and the journal.
  var summary: String {
    (vitals.safeMode == nil ? "" : "safe mode: ")
      + "\(configuration.board.name)\(configuration.board.backend == .simulated ? " (simulated)" : ""), "
      + "\(Self.count(configuration.board.devices.count, "device")), "
      + "\(Self.count(agents.listAgents().count, "agent")), \(Self.count(rules.count, "rule"))"
  }

  private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// Starts what safe mode has left out.
  /// - Parameter done: called once; false when the daemon is not in safe mode, is already leaving it, or is ending.
  func leaveSafeMode(_ done: @escaping (Bool) -> Void) {
    guard core.isInSafeMode, !isLeavingSafeMode, !isStopping else { return done(false) }
    isLeavingSafeMode = true
    // Forgive first: if the agents or rules end the daemon at once, the next start must not be in safe mode again.
    vitals.forgiveEnds { [weak self] in
      guard let self, !isStopping else { return done(false) }
      isLeavingSafeMode = false
      vitals.leaveSafeMode()
      core.leaveSafeMode()
      serviceManager.ready(summary)
      done(true)
    }
  }

  private func makeFolders() {
    let home = configuration.settings.home
    homeObstacle = HomeFolder.obstacle(home)
    if let homeObstacle { journal.log(.warning, homeObstacle) }
    for folder in homeObstacle == nil ? [home, socketFolder] : [socketFolder] {
      do { try Files.makeFolder(folder) } catch { journal.log(.warning, "\(error)") }
    }
    guard homeObstacle == nil else { return }
    do { _ = try TrustedFolder(home) } catch {
      if let doubt = HomeFolder.doubt(error) { journal.log(.warning, doubt) }
    }
  }

  /// Where the exact count of tokens survives the end of the daemon: beside the socket, which systemd has in memory. On a
  /// disk it is written without waiting for the disk.
  private static func tokenFolder(_ settings: Settings) -> String {
    let beside = Files.folder(of: settings.socket)
    return Files.isInMemory(beside) ? "\(beside)/tokens" : "\(settings.home)/tokens"
  }

  private var socketFolder: String { Files.folder(of: configuration.settings.socket) }
}
