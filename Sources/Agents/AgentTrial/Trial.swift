import Agent
import EventLoop
import HAL
import HALLinux
import HALSimulated
import Isolations
import Linux
import Model
import Orchestrator

/// One agent on a simulated board, in this process: the daemon's own supervisor, gate, lifecycle and driver, without
/// rules, socket or disk.
///
/// Time on the board is simulated and stands still while the agent runs: leases, limits, rates and back-off follow it,
/// and a minute of it takes no time. What the agent itself takes is measured, and limited, in real time.
public final class Trial {
  private let manifest: Manifest
  private let board: Board
  private let loop: EventLoop
  private let clock = ManualClock()
  private let tape: Tape
  private let log: EventLog
  private let simulation: SimulatedBackend
  private let hardware: Hardware
  private let registry: MemoryRegistry
  private let agents: AgentSupervisor
  private let pictures = Pictures()
  private var sequence: Int64 = 0

  /// Whoever asks in the name of the board.
  private let owner = Principal(name: "client/trial", permissions: .all)

  /// Puts the parts together and checks that the agent can run here.
  /// - Parameters:
  ///   - board: simulated; see `TrialBoard`.
  ///   - state: durable values of an earlier run.
  ///   - modules: a folder for compiled modules.
  ///   - compiler: a program that calls `ModuleCompiler.runIfAsked` first of all; by default this one.
  ///   - onStep: called with each thing that happens.
  /// - Throws: the agent cannot run: its module is missing or broken, there is no engine, its driver is not one that
  ///   can be tried.
  public convenience init(
    _ manifest: Manifest, board: Board, state: Fields = [:], modules: String, compiler: String = "/proc/self/exe",
    onStep: @escaping (TrialStep) -> Void
  ) throws(TrialFailure) {
    let kind = manifest.runtime.driver
    guard let isolation = Isolations.of(kind) else {
      throw TrialFailure("agents of the driver '\(kind.rawValue)' cannot be tried in this release")
    }
    if let why = isolation.cannotBeTried { throw TrialFailure("agent '\(manifest.id)' \(why)") }
    try self.init(manifest, board: board, state: state, onStep: onStep) { loop in
      // Known, or there would be no `isolation`.
      Isolations.driver(
        kind, DriverSite(loop, home: Files.folder(of: modules), modules: modules, program: compiler))!
    }
  }

  /// The same under any driver.
  init(
    _ manifest: Manifest, board: Board, state: Fields = [:], onStep: @escaping (TrialStep) -> Void,
    driver: (EventLoop) -> any AgentDriver
  ) throws(TrialFailure) {
    let loop: EventLoop
    do throws(SystemError) { loop = try EventLoop() } catch { throw TrialFailure("\(error)") }
    self.loop = loop
    self.manifest = manifest
    self.board = board
    let clock = self.clock
    let tape = Tape(clock, onStep)
    self.tape = tape
    log = EventLog(clock: clock, capacity: 256, depthLimit: 16, later: { loop.later($0) })
    let encoder = HALLinux.JPEGEncoder(loop: loop)
    simulation = SimulatedBackend(board: board, clock: clock, seed: 1, encoder: pictures.counting(encoder.encode))
    hardware = Hardware(board: board, backend: simulation, clock: clock, events: log)
    registry = MemoryRegistry(states: [manifest.id: state])
    agents = AgentSupervisor(
      clock: clock, events: log, hardware: hardware, files: AgentFiles(), registry: registry,
      drivers: [RecordedDriver(driver(loop), tape, time: loop)], logLines: 1)
    _ = log.listen(EventPattern("*")) { tape.hear($0) }
    hardware.open()
    do throws(AgentControlError) { try agents.adopt(manifest, state: state) } catch {
      throw TrialFailure("\(error)")
    }
  }

  // MARK: What can be done

  /// Gives a sensor a value, or an input a level (1 or 0).
  /// - Throws: there is no such sensor or input.
  public func set(_ device: DeviceID, _ value: Double) throws(TrialFailure) {
    let kind = board.device(device)?.kind
    switch kind {
    case .sensor: try inject(device, ["value": .double(value)])
    case .input: try inject(device, ["active": .bool(value != 0)])
    case .actuator, .camera:
      throw TrialFailure("'\(device)' is neither a sensor nor an input: nothing can be set", isUsage: true)
    case nil:
      let known = board.devices.filter { ["sensor", "input"].contains($0.kind.name) }.map(\.id.rawValue)
      let hint = Suggestion.phrase(for: device.rawValue, in: known)
      let list = known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))"
      throw TrialFailure("the board has no sensor or input '\(device)'\(hint): \(list)", isUsage: true)
    }
  }

  /// Starts the agent, as `openstarry spawn` does. A one-shot agent is started by each event.
  /// - Returns: why it could not be started; nil when it was.
  public func start() -> AgentFailure? {
    settle()
    if manifest.runtime.lifecycle != .oneShot {
      _ = try? agents.spawnAgent(manifest.id, cause: nil)
      settle()
    }
    return tape.startFailure
  }

  /// Lets the sensor or input that an event is about say what the event says, from now on: for the first event before
  /// the agent starts, so that it never reads anything else.
  public func prepare(for event: TrialEvent) throws(TrialFailure) {
    if let (device, change) = event.injection(board) { try inject(device, change) }
  }

  /// Hands an event to the agent and waits until it has been handled. A sensor or an input that the event is about says
  /// the same from now on; where it was measured just before, 100 ms pass, as a younger reading is used again.
  /// - Parameter after: simulated time that passes before.
  /// - Returns: the activations that ended meanwhile: none when the agent could not take the event.
  /// - Throws: the event makes no sense, or the agent does not take it: it is quarantined, or waits too long.
  public func deliver(_ event: TrialEvent, after: Duration = .zero) throws(TrialFailure) -> [TrialActivation] {
    guard EventPattern.isEventName(event.type) else {
      throw TrialFailure(
        "'\(event.type)' is no event name: it must be domain:verb, e.g. sensor:temperature", isUsage: true)
    }
    let before = tape.activations.count
    try prepare(for: event)
    pass(after)
    var reading = reading(for: event)
    if let value = event.payload["value"]?.double, let known = reading, known.value != value {
      pass(.milliseconds(100))
      reading = self.reading(for: event)
    }
    sequence += 1
    let isInput = InputEvents.isName(event.type)
    let published = log.publish(
      event.type, source: event.device?.rawValue ?? owner.name, cause: nil, priority: isInput ? .high : .normal,
      payload: event.payload(reading, sequence: sequence, now: clock.now))
    do throws(AgentControlError) { try agents.wakeAgent(manifest.id, with: published) } catch {
      throw TrialFailure("\(error)")
    }
    settle()
    // After a failure it waits for its restart: time goes on until then.
    while (status?.queued ?? 0) > 0, let next = clock.nextDeadline() {
      clock.advance(by: next - clock.now)
      settle()
    }
    return Array(tape.activations[before...])
  }

  /// Lets simulated time pass on a living board: what it says by itself wakes the agent where the manifest subscribes
  /// to it.
  /// - Returns: the activations that ended meanwhile.
  public func live(for time: Duration) -> [TrialActivation] {
    let before = tape.activations.count
    log.dispatch = { [unowned self] event in agents.handle(event) }
    pass(time)
    log.dispatch = { _ in }
    return Array(tape.activations[before...])
  }

  /// What the agent tells of itself now: counters and state; an empty map when it does not.
  public func snapshot() -> Value {
    var told = Value.map([:])
    try? agents.snapshot(manifest.id) { told = $0 }
    settle()
    return told
  }

  /// Ends the agent and the board, as at the end of the daemon: outputs go to their safe state.
  /// - Returns: the agent's durable values.
  public func end() -> Fields {
    var isOver = false
    tape.add(.end, "the agent ends, and the board", [:])
    agents.shutDown { isOver = true }
    settle()
    while !isOver, let next = clock.nextDeadline() {
      clock.advance(by: next - clock.now)
      settle()
    }
    hardware.close()
    settle()
    return registry.states[manifest.id] ?? [:]
  }

  // MARK: Time

  private var status: AgentStatus? { try? agents.agentStatus(manifest.id) }

  /// Whether something goes on that takes real time.
  private var isBusy: Bool {
    if pictures.underway > 0 { return true }
    return switch status?.state {
    case .starting, .active, .draining, .stopping: true
    case .idle, .ready, .backoff, .quarantined, nil: false
    }
  }

  /// Turns the loop until nothing more happens without time passing.
  private func settle() {
    var quietTurns = 0
    while quietTurns < 2 {
      loop.turn(wait: isBusy && quietTurns == 0)
      clock.advance(by: .zero)
      quietTurns = isBusy ? 0 : quietTurns + 1
    }
  }

  /// Moves time on from one thing that is due to the next, and lets each have its effects before the one after.
  private func pass(_ time: Duration) {
    let end = clock.now + time
    while let next = clock.nextDeadline(), next <= end {
      clock.advance(by: next - clock.now)
      settle()
    }
    clock.advance(by: end - clock.now)
    settle()
  }

  /// What the sensor or input says that the event is about.
  private func reading(for event: TrialEvent) -> Reading? {
    guard let device = event.device, board.device(device) != nil else { return nil }
    var reading: Reading?
    hardware.getSensorData(device, as: owner) { reading = try? $0.get() }
    settle()
    return reading
  }

  private func inject(_ device: DeviceID, _ change: Value) throws(TrialFailure) {
    do throws(HALError) { try simulation.inject(device, change) } catch { throw TrialFailure("\(error)") }
  }
}

/// Why a trial cannot be held.
public struct TrialFailure: Error, Sendable, CustomStringConvertible {
  /// One sentence.
  public var description: String
  /// Whether what was asked for makes no sense, rather than failed.
  public var isUsage: Bool

  /// Puts a failure together.
  public init(_ description: String, isUsage: Bool = false) {
    self.description = description
    self.isUsage = isUsage
  }
}

/// How many pictures are being compressed, on a thread of their own.
private final class Pictures {
  private(set) var underway = 0

  func counting(_ encode: @escaping HAL.JPEGEncoder) -> HAL.JPEGEncoder {
    { [self] frame, done in
      underway += 1
      encode(frame) { [self] result in
        underway -= 1
        done(result)
      }
    }
  }
}
