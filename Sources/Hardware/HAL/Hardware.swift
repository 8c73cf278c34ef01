import Model

/// The gate to a board's hardware: every reading, command and picture passes through it.
///
/// It enforces permissions, leases and the limits of the board file; hardware layers (`Backend`) only execute.
/// Use it on the loop's thread only.
package final class Hardware {
  enum Channel {
    case sensor(SensorChannel)
    case input(InputChannel)
    case actuator(ActuatorChannel)
    case camera(CameraChannel)

    var health: Health {
      switch self {
      case .sensor(let channel): channel.health
      case .input(let channel): channel.health
      case .actuator(let channel): channel.health
      case .camera(let channel): channel.health
      }
    }
  }

  /// The board, as declared by its board file.
  package let board: Board
  /// Commands, readings and pictures refused since the start: permission missing, held by another, or a limit.
  package internal(set) var denials: UInt64 = 0

  /// The emergency stop in force; nil when there is none. Set it before `open` to restore one from an earlier run.
  package var emergencyStop: EmergencyStop?
  /// Stores the changes of actuators with `max_rate` for the next process; nil stores nothing. Set it before `open`.
  package var changeStore: (any ChangeStore)?
  /// Emergency stops since the start.
  package internal(set) var stops: UInt64 = 0
  /// Called with the stop when one begins, and with nil when it has been cleared.
  package var onEmergencyStop: (EmergencyStop?) -> Void = { _ in }

  /// Called after each measurement of a sensor, good or not, and after each change of an input.
  package var onValue: (DeviceID) -> Void = { _ in }
  /// Called after each command that was carried out, with whether it led to the safe state.
  package var onCommand: (DeviceID, _ isSafe: Bool, Principal) -> Void = { _, _, _ in }

  /// Says whether a value of the sensor of an output's `verify` is as expected at a level of the output. Nothing is
  /// verified without it. Set it before `open`.
  package var judgeEffect: ((DeviceID, _ value: Double, _ level: Double, _ isSafe: Bool) -> EffectJudgement)?
  /// Called when an output was switched without its effect, and with nil when that has been acknowledged.
  package var onNoEffect: (DeviceID, NoEffect?) -> Void = { _, _ in }

  /// Called when somebody gives an output up, whether there was a lease or not.
  package var onRelease: (DeviceID, _ holder: String) -> Void = { _, _ in }

  /// Asked who has an output next when its holder lets it go; nil for nobody.
  package var heir: (DeviceID) -> (level: Double, holder: String, cause: Cause?)? = { _ in nil }

  /// Commands that wait for a person.
  package let approvals: ApprovalDesk

  /// The outputs that shadows imagine.
  var imagined: [ImaginaryOutput] = []

  var channels: [DeviceID: Channel] = [:]
  /// For each actuator, those that must be safe while it is not. `exclusive_with` is symmetric: one side declares it.
  var rivals: [DeviceID: [ActuatorChannel]] = [:]
  /// The outputs with `at_start`.
  var records: [DeviceID: HeldRecord] = [:]
  /// The outputs with `verify`.
  var effects: [DeviceID: EffectWatch] = [:]
  let clock: any Timekeeper
  let events: any EventSink
  let backend: any Backend
  private var lastNumber: UInt64 = 0
  var retries: [DeviceID: Retry] = [:]
  private var leaseStore: (any LeaseStore)?
  /// Whether outputs may keep the level and lease that the previous daemon left.
  var isTakingOver = true
  var isOpen = false
  /// A shutdown that waits for the hardware; nil when there is none.
  var ending: Ending?
  /// What inputs have counted; nil on a board without inputs that count.
  private(set) var counts: CountBook?
  /// Callers of `confirm` that wait for actuators to answer.
  var confirmations: [UInt64: Confirmation] = [:]

  /// Creates a closed gate; no device is touched until `open`.
  /// - Parameters:
  ///   - board: the devices and their limits.
  ///   - backend: executes commands and measures; a board with devices of two layers passes one that dispatches.
  ///   - clock: used for leases, limits and timestamps.
  ///   - events: where events are published; retained by the gate.
  package init(board: Board, backend: any Backend, clock: any Timekeeper, events: any EventSink) {
    self.board = board
    self.backend = backend
    self.clock = clock
    self.events = events
    approvals = ApprovalDesk(clock, events)
    for device in board.devices {
      switch device.kind {
      case .sensor(let settings): channels[device.id] = .sensor(SensorChannel(device, settings, clock, events))
      case .input(let settings): channels[device.id] = .input(InputChannel(device, settings, clock, events))
      case .actuator(let settings): channels[device.id] = .actuator(ActuatorChannel(device, settings, clock, events))
      case .camera(let settings): channels[device.id] = .camera(CameraChannel(device, settings, clock, events))
      }
    }
    for channel in actuators {
      for id in channel.settings.exclusiveWith where id != channel.device.id {
        guard case .actuator(let other) = channels[id] else { continue }
        pair(channel, other)
        pair(other, channel)
      }
    }
    makeEffects()
    makeRecords()
    for channel in actuators {
      let id = channel.device.id
      channel.onAnswer = { [weak self] in
        self?.effects[id]?.outputAnswered()
        self?.actuatorAnswered()
      }
    }
    counts = makeCounts()
    for channel in actuators {
      let id = channel.device.id
      channel.heir = { [weak self] in self?.heir(id) }
    }
    for (id, channel) in channels {
      switch channel {
      case .sensor(let sensor): sensor.onValue = { [weak self] in self?.valueChanged(id) }
      case .input(let input): input.onValue = { [weak self] in self?.valueChanged(id) }
      case .actuator, .camera: break
      }
    }
    watchStops()
    watchApprovals()
  }

  private func pair(_ channel: ActuatorChannel, _ rival: ActuatorChannel) {
    let known = rivals[channel.device.id] ?? []
    if !known.contains(where: { $0 === rival }) { rivals[channel.device.id] = known + [rival] }
  }

  // MARK: Opening

  /// Opens every device: actuators go to their safe state, inputs are watched, cameras with `motion` run.
  ///
  /// A device that cannot be opened is reported as `device:fault` and retried with back-off; the others are not
  /// delayed.
  /// - Parameter leaseStore: stores leases for the next daemon. An actuator with `on_exit: hold` that was held when the
  ///   previous daemon died keeps its level and lease (`device:changed`, reason `taken-over`).
  package func open(leaseStore: (any LeaseStore)? = nil) {
    // Actuators first, so that no output is undriven for longer than needed.
    openActuators(leaseStore: leaseStore)
    for device in board.devices where !opensEarly(device) { open(device) }
  }

  /// Opens only the actuators and the emergency stop inputs; `open` opens the rest later. Does nothing when already
  /// open.
  /// - Parameters:
  ///   - leaseStore: as for `open`.
  ///   - takingOver: whether actuators may keep the level and lease of the previous daemon. Never during an emergency
  ///     stop.
  package func openActuators(leaseStore: (any LeaseStore)? = nil, takingOver: Bool = true) {
    guard !isOpen else { return }
    self.leaseStore = leaseStore
    leaseStore?.onOverruled = { [weak self] in self?.giveWay(to: $0) }
    isTakingOver = takingOver && emergencyStop == nil
    isOpen = true
    for device in board.devices { if case .actuator = device.kind { open(device) } }
    for device in board.devices { if case .input = device.kind, opensEarly(device) { open(device) } }
  }

  /// Publishes the current level of every input: `input:<id>` {active, edge: `none`, initial: true, sequence: 0,
  /// kernel_ns}. From now on the level is also published when an input is opened later or comes back. Call this once
  /// the receivers of events are ready.
  package func announceInputs() {
    for device in board.devices { if case .input(let channel) = channels[device.id] { channel.announce() } }
  }

  /// Publishes known levels again, for receivers that have missed them: inputs as in `announceInputs`, and the newest
  /// good reading of each sensor, as if it were the first (`previous` is null). Skips inputs before `announceInputs`,
  /// and sensors that have not published yet or whose newest reading is stale.
  /// - Parameter wanted: whether to publish the event of that name.
  package func repeatLevels(_ wanted: (_ event: String) -> Bool) {
    for device in board.devices {
      switch channels[device.id] {
      case .input(let channel) where wanted(InputEvents.name(of: device.id)): channel.publishLevel()
      case .sensor(let channel) where wanted(SensorEvents.name(of: device.id)): channel.publishAgain()
      default: break
      }
    }
  }

  /// Outputs, and the emergency stop inputs that must be able to switch them off.
  private func opensEarly(_ device: Device) -> Bool {
    switch device.kind {
    case .actuator: true
    case .input(let settings): settings.emergencyStop
    default: false
    }
  }

  private func open(_ device: Device) {
    guard isOpen, let channel = channels[device.id] else { return }
    do throws(HALError) {
      let opened = try driver(of: device)
      // Actuators recover when the hardware takes a level, inputs once they are watched: their channels report it.
      if retries.removeValue(forKey: device.id) != nil {
        switch channel {
        case .sensor, .camera: channel.health.recover()
        case .actuator, .input: break
        }
      }
      switch (channel, opened) {
      case (.sensor(let channel), .sensor(let driver)): channel.attach(driver)
      case (.input(let channel), .input(let driver)): channel.attach(driver)
      case (.actuator(let channel), .output(let driver)):
        channel.attach(
          driver, leaseStore: leaseStore, changeStore: changeStore, rivals: rivals[device.id] ?? [],
          mayInherit: isTakingOver && emergencyStop == nil)
      case (.camera(let channel), .camera(let driver)): channel.attach(driver)
      default: throw .invalid(device.id, "driver '\(device.driver)' does not make a \(device.kind.name)")
      }
    } catch {
      // `invalid` would blame the later caller of the device; the board file is wrong, not the call.
      let wrong: HALError? = if case .invalid(_, let why) = error { .wrongBoard(device.id, why) } else { nil }
      channel.health.fail(wrong ?? error, operation: "open")
      if case .input(let input) = channel { input.stopIfAsked(nil) }
      // No retry: the board file is not read again.
      if wrong != nil { return }
      let retry = retries[device.id] ?? Retry(clock)
      retries[device.id] = retry
      retry.later { [weak self] in self?.open(device) }
    }
  }

  /// Publishes that a driver's thread has stopped responding (`device:lost`), or responds again (`device:back`).
  /// - Parameter answers: whether it responds.
  package func note(_ id: DeviceID, answers: Bool) {
    guard let device = channels[id]?.health.device else { return }
    let event =
      answers ? DeviceEvents.back(device) : DeviceEvents.lost(device, reason: "its driver has stopped responding")
    events.publish(event, from: device.rawValue)
  }

  // MARK: Looking up

  var actuators: [ActuatorChannel] {
    board.devices.compactMap { if case .actuator(let channel) = channels[$0.id] { channel } else { nil } }
  }

  func number() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }

  /// The error for a call that names no device of `kind`.
  func notFound(_ id: DeviceID, _ kind: String) -> HALError {
    if let other = board.device(id) {
      return .notFound(id, kind: kind, suggestion: nil, actual: other.kind.name)
    }
    let known = board.devices.filter { $0.kind.name == kind || kind == "sensor" && $0.kind.name == "input" }
    return .notFound(id, kind: kind, suggestion: Suggestion.closest(to: id.rawValue, in: known.map(\.id.rawValue)))
  }

  /// Throws `denied`, and counts it, unless a pattern in `granted` matches.
  func check(_ granted: [EventPattern], _ id: DeviceID, _ operation: String, _ principal: Principal) throws(HALError) {
    for pattern in granted where pattern.text == "*" || pattern.matches(id.rawValue) { return }
    denials += 1
    throw .denied(id, operation: operation, principal: principal.name)
  }
}
