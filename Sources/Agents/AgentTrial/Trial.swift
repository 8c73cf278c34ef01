import Agent
import EventLoop
import HAL
import HALLinux
import HALSimulated
import Isolations
import Linux
import Model
import Orchestrator

/// Runs one agent on a simulated board in this process, with the daemon's own supervisor, gate, lifecycle and driver,
/// but without rules, control socket and disk.
///
/// The board's time is simulated and stops while the agent runs. Leases, limits, rates and back-off use it, so that a
/// simulated minute takes no real time. The agent's own run time is measured and limited in real time.
package final class Trial {
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

  /// The principal for reading the board's sensors.
  private let owner = Principal(name: "client/trial", permissions: .all)

  /// Opens the board and checks that the agent can run here.
  /// - Parameters:
  ///   - board: must be simulated; see `TrialBoard`.
  ///   - state: the durable state to begin with, such as that of an earlier trial.
  ///   - modules: a folder for compiled modules.
  ///   - compiler: a program that calls `ModuleCompiler.runIfAsked` first of all; by default this one.
  ///   - onStep: called for each step, in order.
  /// - Throws: the agent cannot run: its module is missing or broken, the engine is missing, or its isolation does not
  ///   support trials.
  package convenience init(
    _ manifest: Manifest, board: Board, state: Fields = [:], modules: String, compiler: String = "/proc/self/exe",
    onStep: @escaping (TrialStep) -> Void
  ) throws(TrialFailure) {
    let kind = manifest.runtime.driver
    guard let isolation = Isolations.of(kind) else {
      throw TrialFailure("agents of the driver '\(kind.rawValue)' cannot be tried in this release")
    }
    if let why = isolation.cannotBeTried { throw TrialFailure("agent '\(manifest.id)' \(why)") }
    try self.init(manifest, board: board, state: state, onStep: onStep) { loop in
      // The driver exists, because its isolation does.
      Isolations.driver(
        kind, DriverSite(loop, home: Files.folder(of: modules), modules: modules, program: compiler))!
    }
  }

  /// A trial with the given driver.
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

  // MARK: Operations

  /// Gives a sensor a value, or an input a level (1 or 0).
  /// - Throws: there is no such sensor or input.
  package func set(_ device: DeviceID, _ value: Double) throws(TrialFailure) {
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

  /// Starts the agent, as `openstarry spawn` does. Does not start a one-shot agent: each event does.
  /// - Returns: why the start failed; nil when it did not.
  package func start() -> AgentFailure? {
    settle()
    if manifest.runtime.lifecycle != .oneShot {
      _ = try? agents.spawnAgent(manifest.id, cause: nil)
      settle()
    }
    return tape.startFailure
  }

  /// Sets the event's sensor or input to the value in its payload. Call it for the first event before the agent starts,
  /// so that the agent never reads another value.
  package func prepare(for event: TrialEvent) throws(TrialFailure) {
    if let (device, change) = event.injection(board) { try inject(device, change) }
  }

  /// Delivers an event to the agent and runs until it has been handled. The event's sensor or input has the payload's
  /// value from then on. When that sensor was measured less than 100 ms ago, 100 simulated milliseconds pass first,
  /// because a younger reading is reused.
  /// - Parameter after: simulated time that passes before the delivery.
  /// - Returns: the activations that ended during the call; empty when the agent could not start.
  /// - Throws: the event name is not valid, its value cannot be set, or the agent does not accept the event, for
  ///   example because it is quarantined.
  package func deliver(_ event: TrialEvent, after: Duration = .zero) throws(TrialFailure) -> [TrialActivation] {
    guard EventPattern.isEventName(event.type) else {
      throw TrialFailure(
        "'\(event.type)' is not an event name: it must be domain:verb, e.g. sensor:temperature", isUsage: true)
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
    // After a failure the event waits for the restart: advance time until then. An agent that never starts is retried for
    // ever.
    let limit = clock.now + Self.longestWait
    while (status?.queued ?? 0) > 0, let next = clock.nextDeadline(), next <= limit {
      clock.advance(by: next - clock.now)
      settle()
    }
    return Array(tape.activations[before...])
  }

  /// Lets simulated time pass, and delivers the board's own events to which the manifest subscribes.
  /// - Returns: the activations that ended during the call.
  package func live(for time: Duration) -> [TrialActivation] {
    let before = tape.activations.count
    log.dispatch = { [unowned self] event in agents.handle(event) }
    pass(time)
    log.dispatch = { _ in }
    return Array(tape.activations[before...])
  }

  /// The agent's report: its own counters and state; an empty map when there is none.
  package func snapshot() -> Value {
    var report = Value.map([:])
    try? agents.snapshot(manifest.id) { report = $0 }
    settle()
    return report
  }

  /// Stops the agent and closes the board, as at the daemon's shutdown: outputs go to their safe states.
  /// - Returns: the agent's durable state.
  package func end() -> Fields {
    var isOver = false
    tape.add(.end, "stopping the agent, then the board", [:])
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

  /// The simulated time that an event waits for its agent to start.
  private static let longestWait = Duration.seconds(3600)

  private var status: AgentStatus? { try? agents.agentStatus(manifest.id) }

  /// Whether work is under way that takes real time.
  private var isBusy: Bool {
    if pictures.underway > 0 { return true }
    return switch status?.state {
    case .starting, .active, .draining, .stopping: true
    case .idle, .ready, .backoff, .quarantined, nil: false
    }
  }

  /// Turns the loop until nothing more happens at the current simulated time.
  private func settle() {
    var quietTurns = 0
    while quietTurns < 2 {
      loop.turn(wait: isBusy && quietTurns == 0)
      clock.advance(by: .zero)
      quietTurns = isBusy ? 0 : quietTurns + 1
    }
  }

  /// Advances simulated time from deadline to deadline, and settles after each one.
  private func pass(_ time: Duration) {
    let end = clock.now + time
    while let next = clock.nextDeadline(), next <= end {
      clock.advance(by: next - clock.now)
      settle()
    }
    clock.advance(by: end - clock.now)
    settle()
  }

  /// The current reading of the event's sensor or input; nil when it has none.
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

/// Why a trial, or a step of it, is not possible.
package struct TrialFailure: Error, Sendable, CustomStringConvertible {
  /// One sentence.
  package var description: String
  /// Whether the user's input is wrong, such as an unknown device. False when the operation failed.
  package var isUsage: Bool

  /// - Parameter description: one sentence.
  package init(_ description: String, isUsage: Bool = false) {
    self.description = description
    self.isUsage = isUsage
  }
}

/// Counts the pictures that are being compressed on the encoder's thread.
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
