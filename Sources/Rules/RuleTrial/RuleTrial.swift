import Agent
import AgentInProcess
import EventLoop
import HAL
import HALSimulated
import Linux
import Model
import OpenStarryAgent
import Orchestrator
import Rules
import Store

/// A board and its rules on time that is moved by hand: the daemon's own core on simulated devices, without sockets,
/// threads or a real clock. A day takes milliseconds.
///
/// Agents that rules name are replaced by ones that only take events.
package final class RuleTrial {
  /// The time, and the wall clock.
  package let loop: TrialLoop
  /// Every event since the start, oldest first.
  package private(set) var events: [Event] = []
  /// What could not be done at a start or a reload, for people.
  package private(set) var problems: [String] = []
  /// Gives devices values, and faults.
  package private(set) var backend: SimulatedBackend
  /// The board, simulated.
  package let board: Board
  private let home: String
  private let offset: (Int64) -> Int
  private var declarations: RuleDeclarations
  private var run: Run

  /// Starts a board with rules.
  /// - Parameters:
  ///   - board: every device of it is simulated.
  ///   - home: an existing folder for what survives a restart.
  ///   - initial: changes of simulated devices before the start, so that nothing acts on values that nobody gave.
  ///   - wall: the wall clock at the start, in seconds since 1970.
  ///   - utcOffset: how far local time is ahead of UTC at a time, both in seconds.
  /// - Throws: all errors in the rules.
  package init(
    _ board: Board, _ declarations: RuleDeclarations, home: String, wall: Int64? = nil,
    utcOffset: @escaping (Int64) -> Int = { _ in 0 }, initial: [(device: DeviceID, change: Value)] = []
  ) throws(Diagnostics) {
    _ = try RuleSet(compiling: declarations.rules, variables: declarations.firstValues)
    self.board = Self.simulated(board)
    self.declarations = declarations
    self.home = home
    offset = utcOffset
    loop = TrialLoop()
    if let wall { loop.clock.jumpWall(by: .milliseconds(wall * 1000 - Int64(loop.wallMilliseconds))) }
    backend = SimulatedBackend(board: self.board, clock: loop.clock, seed: 1)
    for (id, change) in initial {
      // What cannot be done now is reported when the script does it again.
      guard let device = self.board.device(id), (try? backend.open(device)) != nil else { continue }
      try? backend.inject(id, change)
    }
    run = Run(self.board, backend, loop, home, declarations, utcOffset)
    begin()
  }

  /// A copy with every device simulated. A sensor of real hardware is given the values that it shows, as by
  /// `openstarryd --simulate`: calibration and conversion are left out, filters stay.
  private static func simulated(_ board: Board) -> Board {
    var result = board.simulated
    for (index, device) in board.devices.enumerated() where device.driver != result.devices[index].driver {
      guard case .sensor(var settings) = device.kind else { continue }
      settings.unit = settings.convert ?? settings.unit
      (settings.points, settings.scale, settings.offset, settings.convert) = ([], 1, 0, nil)
      result.devices[index].kind = .sensor(settings)
    }
    // Days of pictures would take hours: motion comes as an event.
    for index in result.devices.indices {
      guard case .camera(var settings) = result.devices[index].kind else { continue }
      settings.motion = nil
      result.devices[index].kind = .camera(settings)
    }
    return result
  }

  private func begin() {
    run.onProblem = { [unowned self] in problems.append($0) }
    _ = run.log.listen(EventPattern("*")) { [unowned self] in events.append($0) }
    run.start()
    loop.settle()
  }

  // MARK: Time

  /// Moves time on, through everything that is due in between.
  package func wait(_ duration: Duration) {
    loop.settle()
    let end = loop.now + duration
    while loop.now < end {
      let next = loop.clock.nextDeadline().map { max($0, loop.now) } ?? end
      loop.clock.advance(by: min(next, end) - loop.now)
      loop.settle()
    }
  }

  /// Moves time on to a time of day.
  /// - Parameter minutes: after local midnight.
  package func waitUntil(minutes: Int) {
    let now = Int64(loop.wallMilliseconds)
    let local = now + Int64(offset(now / 1000)) * 1000
    let day: Int64 = 86_400_000
    let wait = (Int64(minutes) * 60_000 - local % day + day) % day
    self.wait(.milliseconds(wait))
  }

  /// Steps the wall clock, as NTP or a person does.
  package func setWall(_ seconds: Int64) {
    loop.clock.jumpWall(by: .milliseconds(seconds * 1000 - Int64(loop.wallMilliseconds)))
    loop.settle()
  }

  /// Whether the wall clock is synchronised. Set it before a restart, which looks at it.
  package var clockIsSynchronised: Bool {
    get { loop.clock.wallIsSynchronised }
    set { loop.clock.wallIsSynchronised = newValue }
  }

  // MARK: The board

  /// Changes a simulated device, as `openstarry simulate` does.
  package func simulate(_ device: DeviceID, _ change: Value) throws(HALError) {
    try backend.inject(device, change)
    loop.settle()
  }

  /// A device of the board; nil when there is none of that name.
  package func device(_ id: DeviceID) -> Device? { board.device(id) }

  /// The level that an output has taken, from 0 to 1.
  package func level(of device: DeviceID) -> Double { backend.history(of: device).last?.level ?? 0 }

  /// The state of an output, with its holder; nil when there is no such output.
  package func output(_ id: DeviceID) -> Hardware.OutputState? { run.hardware.output(id) }

  /// The levels that an output has taken since the start of the trial.
  package func levels(of device: DeviceID) -> [Double] { backend.history(of: device).map(\.level) }

  // MARK: People and agents

  /// Commands an output, as a person or an agent.
  @discardableResult
  package func set(
    _ device: DeviceID, _ command: ActuatorCommand, lease: Duration? = nil, as holder: String = "client/ada"
  ) throws(HALError) -> Receipt {
    defer { loop.settle() }
    return try run.hardware.controlActuator(
      device, command, lease: lease,
      as: Principal(name: holder, permissions: .all, mayMakeSafe: holder.hasPrefix("client/")))
  }

  /// Lets an output go.
  package func release(_ device: DeviceID, as holder: String = "client/ada") throws(HALError) {
    defer { loop.settle() }
    if run.core.rules.giveBack(device), run.hardware.device(device)?.holder != holder { return }
    try run.hardware.release(device, holder: holder, reason: "released")
  }

  /// Publishes an event.
  @discardableResult
  package func emit(_ type: String, _ payload: Fields = [:]) -> Event {
    defer { loop.settle() }
    return run.log.publish(type, from: "client/ada", payload)
  }

  /// Begins an emergency stop.
  package func stop() {
    run.core.stops?.begin(by: "client/ada", reason: nil, cause: nil) { _, _ in }
    loop.settle()
  }

  /// Clears an emergency stop.
  package func clear() throws(HALError) {
    try run.core.stops?.clear(by: "client/ada", cause: nil) { _, _ in }
    loop.settle()
  }

  /// The rules in force.
  package var rules: RuleRunner { run.core.rules }

  // MARK: Restarts

  /// Ends the daemon's core and starts another, after `pause`.
  /// - Parameters:
  ///   - isCrash: whether the first one ends without a chance to do anything: what it has not written is lost.
  ///   - other: the rules that the second one finds; nil for the same.
  package func restart(isCrash: Bool = false, after pause: Duration = .zero, with other: RuleDeclarations? = nil) {
    if let other { declarations = other }
    if isCrash {
      backend.abandon { _ in true }
    } else {
      var isDone = false
      run.end { isDone = true }
      loop.settle()
      // Outputs that refuse are given a second.
      for _ in 0..<40 where !isDone { wait(.milliseconds(50)) }
      backend.abandon { _ in true }
    }
    loop.forget()
    if isCrash {
      // The guardian makes what was held safe.
      for device in board.devices {
        if case .actuator(let settings) = device.kind { _ = backend.drive(device.id, to: settings.safe) }
      }
    }
    loop.clock.advance(by: pause)
    // Also what the hardware has told the dead one meanwhile.
    loop.forget()
    run = Run(board, backend, loop, home, declarations, offset)
    begin()
  }

  /// Reads other rules.
  package func reload(_ declarations: RuleDeclarations) throws(Diagnostics) {
    _ = try RuleSet(compiling: declarations.rules, variables: declarations.firstValues)
    self.declarations = declarations
    run.source.declarations = declarations
    _ = try run.core.rules.reloadRules()
    loop.settle()
  }

  /// One life of the daemon's core.
  private final class Run: DaemonCoreOwner {
    let log: EventLog
    let hardware: Hardware
    let core: DaemonCore
    let source: Source
    var onProblem: (String) -> Void = { _ in }
    let safeMode: String? = nil

    init(
      _ board: Board, _ backend: SimulatedBackend, _ loop: TrialLoop, _ home: String, _ declarations: RuleDeclarations,
      _ offset: @escaping (Int64) -> Int
    ) {
      log = EventLog(on: loop, capacity: 4096, depthLimit: 16)
      hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
      var site = DaemonCore.Site(
        loop: loop, log: log, hardware: hardware, home: home,
        drivers: [InProcessDriver(types: [AgentType("trial", TakesEvents.self)])])
      site.utcOffset = offset
      let source = Source(declarations)
      self.source = source
      core = DaemonCore(site) { () throws(Diagnostics) in
        try RuleSet(compiling: source.declarations.rules, variables: source.declarations.firstValues)
      }
    }

    func start() {
      core.start(core.registry.open(timeout: .seconds(5)), owner: self) { [unowned self] in onProblem($0) }
    }

    func end(_ done: @escaping () -> Void) { core.end(within: .seconds(1), onSafe: { _ in }, done) }

    /// Every agent that a rule names, as one that only takes events.
    func manifests() -> [Manifest] {
      let named = source.declarations.rules.flatMap { rule in
        (rule.actions + rule.otherwise + (rule.state?.endActions ?? [])).compactMap(\.agent)
      }
      return Set(named).sorted().map { id in
        Manifest(id: id, name: id.rawValue, runtime: Manifest.Runtime(driver: .inProcess, entry: "trial"))
      }
    }

    func manifest(of kept: StoredAgent) -> Manifest? { nil }
    func readLate(_ kept: StoredRegistry.Contents) {}
    func failed(_ problem: String) { onProblem(problem) }
  }

  /// The rules that the next load reads.
  private final class Source {
    var declarations: RuleDeclarations
    init(_ declarations: RuleDeclarations) { self.declarations = declarations }
  }
}

/// Takes events, and does nothing with them.
struct TakesEvents: OpenStarryAgent.Agent {
  init() {}
  mutating func handle(_ event: Event, _ context: inout Context) throws(AgentError) {}
  func snapshot() -> Value { [:] }
}
