import Model

/// The one gate to the hardware of a board: every reading, command and picture passes here, whoever asks.
///
/// It knows who may reach what, who holds what until when, and what the board file limits; hardware layers
/// (`Backend`) only carry out. Everything happens on the loop's thread.
public final class Hardware {
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

  /// What it drives.
  public let board: Board
  /// How many commands, readings and pictures were refused since the start, for want of a permission, a lease or
  /// because of a limit.
  public internal(set) var denials: UInt64 = 0

  /// The stop that is in force; nil when none is. Set before `open` to go on with one that an earlier run left.
  public var emergencyStop: EmergencyStop?
  /// Where the changes of actuators with `max_rate` are kept for the next process; nil for nowhere. Set before `open`.
  public var changeKeeper: (any ChangeKeeper)?
  /// How many stops there have been since the start.
  public internal(set) var stops: UInt64 = 0
  /// Called when a stop begins, and with nil when it has been cleared.
  public var onEmergencyStop: (EmergencyStop?) -> Void = { _ in }

  var channels: [DeviceID: Channel] = [:]
  /// For each actuator, those that must be safe while it is not; said by one of two, it holds for both.
  var rivals: [DeviceID: [ActuatorChannel]] = [:]
  let clock: any Timekeeper
  let events: any EventSink
  let backend: any Backend
  private var lastNumber: UInt64 = 0
  var retries: [DeviceID: Retry] = [:]
  private var keeper: (any HoldKeeper)?
  /// Whether outputs may go on as the daemon before left them.
  var isTakingOver = true
  var isOpen = false
  /// The end that waits for the hardware; nil when there is none.
  var ending: Ending?
  /// Who waits for actuators to answer.
  var confirmations: [UInt64: Confirmation] = [:]

  /// Puts a gate before `backend`; no device is touched until `open`.
  /// - Parameters:
  ///   - board: what there is and what limits it.
  ///   - backend: what carries out; a board with devices of two layers passes one that tells them apart.
  ///   - events: where it says what happened; kept for as long as the gate.
  public init(board: Board, backend: any Backend, clock: any Timekeeper, events: any EventSink) {
    self.board = board
    self.backend = backend
    self.clock = clock
    self.events = events
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
    for channel in actuators { channel.onAnswer = { [weak self] in self?.actuatorAnswered() } }
    watchStops()
  }

  private func pair(_ channel: ActuatorChannel, _ rival: ActuatorChannel) {
    let known = rivals[channel.device.id] ?? []
    if !known.contains(where: { $0 === rival }) { rivals[channel.device.id] = known + [rival] }
  }

  // MARK: Opening

  /// Opens every device: actuators go to their safe state, inputs are watched, cameras with `motion` run.
  ///
  /// A device that cannot be opened is a `device:fault`; it is tried again, less and less often, and holds up nobody.
  /// - Parameter keeper: remembers for the next daemon who holds what. An actuator that was held when the one before
  ///   died and has `on_exit: hold` goes on as it was (`device:changed`, reason `taken-over`).
  public func open(keeper: (any HoldKeeper)? = nil) {
    // Actuators first: nothing may be undriven for longer than needed.
    openActuators(keeper: keeper)
    for device in board.devices where !opensEarly(device) { open(device) }
  }

  /// Opens the actuators, and the inputs that stop them all, unless they are open; `open` does the rest later.
  /// - Parameter takingOver: whether one that was held when the daemon before died goes on as it was.
  public func openActuators(keeper: (any HoldKeeper)? = nil, takingOver: Bool = true) {
    guard !isOpen else { return }
    self.keeper = keeper
    keeper?.onOverruled = { [weak self] in self?.giveWay(to: $0) }
    isTakingOver = takingOver && emergencyStop == nil
    isOpen = true
    for device in board.devices { if case .actuator = device.kind { open(device) } }
    for device in board.devices { if case .input = device.kind, opensEarly(device) { open(device) } }
  }

  /// Publishes the level of every input as it is now: `input:<id>` {active, edge: `none`, initial: true, sequence: 0,
  /// kernel_ns}, and from now on that of each one that is opened later, or comes back. Called once those who act on
  /// events are there.
  public func announceInputs() {
    for device in board.devices { if case .input(let channel) = channels[device.id] { channel.announce() } }
  }

  /// Publishes once more what is known already, for those who have not heard it: the levels of inputs, as `announceInputs`
  /// does, and the newest good readings of sensors, as the first to a subscriber (`previous` is null). Nothing is said of
  /// an input before `announceInputs`, of a sensor that publishes nothing, or whose newest reading is stale.
  /// - Parameter wanted: whether an event of that name is.
  public func repeatLevels(_ wanted: (_ event: String) -> Bool) {
    for device in board.devices {
      switch channels[device.id] {
      case .input(let channel) where wanted(InputEvents.name(of: device.id)): channel.publishLevel()
      case .sensor(let channel) where wanted(SensorEvents.name(of: device.id)): channel.publishAgain()
      default: break
      }
    }
  }

  /// Whatever can be switched on, and whatever must be able to switch it off.
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
      let opened = try backend.open(device)
      // An actuator works when it has taken its first level, an input once it is watched: they say so themselves.
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
          driver, keeper: keeper, changeKeeper: changeKeeper, rivals: rivals[device.id] ?? [],
          mayInherit: isTakingOver && emergencyStop == nil)
      case (.camera(let channel), .camera(let driver)): channel.attach(driver)
      default: throw .invalid(device.id, "driver '\(device.driver)' does not make a \(device.kind.name)")
      }
    } catch {
      // Whoever asks for the device later is not who was wrong.
      let wrong: HALError? = if case .invalid(_, let why) = error { .wrongBoard(device.id, why) } else { nil }
      channel.health.fail(wrong ?? error, operation: "open")
      if case .input(let input) = channel { input.stopIfAsked(nil) }
      // What the board file says does not change by waiting.
      if wrong != nil { return }
      let retry = retries[device.id] ?? Retry(clock)
      retries[device.id] = retry
      retry.later { [weak self] in self?.open(device) }
    }
  }

  /// A driver's thread does not answer any more, or does again: the device is `device:lost`, or `device:back`.
  public func note(_ id: DeviceID, answers: Bool) {
    guard let device = channels[id]?.health.device else { return }
    let event =
      answers ? DeviceEvents.back(device) : DeviceEvents.lost(device, reason: "its driver does not answer any more")
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

  /// What to throw when no device of `kind` is called `id`.
  func notFound(_ id: DeviceID, _ kind: String) -> HALError {
    if let other = board.device(id) {
      return .notFound(id, kind: kind, suggestion: nil, actual: other.kind.name)
    }
    let known = board.devices.filter { $0.kind.name == kind || kind == "sensor" && $0.kind.name == "input" }
    return .notFound(id, kind: kind, suggestion: Suggestion.closest(to: id.rawValue, in: known.map(\.id.rawValue)))
  }

  /// Throws unless one of `granted` fits.
  func check(_ granted: [EventPattern], _ id: DeviceID, _ operation: String, _ principal: Principal) throws(HALError) {
    for pattern in granted where pattern.text == "*" || pattern.matches(id.rawValue) { return }
    denials += 1
    throw .denied(id, operation: operation, principal: principal.name)
  }
}
