import Model

extension Hardware {
  /// What becomes of the actuators when the gate closes.
  public enum Closing: Sendable {
    /// As each one's `on_exit` says.
    case asDeclared
    /// All safe, whatever the board file says.
    case safe
  }

  /// An actuator that does not do what it was told.
  public struct Refusal: Sendable, Hashable {
    /// Which.
    public var device: DeviceID
    /// Why.
    public var why: HALError

    /// Whether it is not there: nothing can be done about it before it comes back.
    public var isGone: Bool { why.isGone }

    /// Puts one together.
    public init(device: DeviceID, why: HALError) {
      self.device = device
      self.why = why
    }
  }

  /// An end that waits.
  struct Ending {
    var timer: TimerID
    var done: ([Refusal]) -> Void
  }

  /// Actuators that were told to be safe, or could not be opened, and have failed since.
  public var refusals: [Refusal] {
    actuators.compactMap { channel in channel.refusal.map { Refusal(device: channel.device.id, why: $0) } }
  }

  /// Whether an actuator that refuses, or could not be opened, is tried again by itself: not where the board file is wrong.
  public func isTriedAgain(_ id: DeviceID) -> Bool {
    guard case .actuator(let channel) = channels[id] else { return false }
    return channel.driver != nil || retries[id] != nil
  }

  /// Ends everything at once: actuators are told once what `mode` says, inputs, subscriptions and cameras stop, devices
  /// are let go.
  public func close(_ mode: Closing = .asDeclared) { end(mode, within: .zero) { _ in } }

  /// Ends everything: actuators as `mode` says, inputs, subscriptions and cameras stop, devices are let go.
  ///
  /// An actuator that refuses is told again, after 100 ms first and twice as long each time. Commands are refused
  /// meanwhile. An end that already waits is over with a second call.
  /// - Parameters:
  ///   - patience: how long to wait for hardware that refuses or has not answered; what has gone is not waited for.
  ///   - done: called once, within this call where all have answered, with the actuators that were open and have not
  ///     taken what they were told.
  public func end(
    _ mode: Closing = .asDeclared, within patience: Duration, _ done: @escaping ([Refusal]) -> Void
  ) {
    guard isOpen else {
      if ending != nil { letGo() }
      return done([])
    }
    isOpen = false
    for retry in retries.values { retry.cancel() }
    retries = [:]
    for channel in actuators { channel.end(mode == .safe ? .safe : channel.settings.onExit) }
    for device in board.devices {
      switch channels[device.id] {
      case .sensor(let channel): channel.stop()
      case .input(let channel): channel.stop()
      case .camera(let channel): channel.stop()
      default: break
      }
    }
    let timer = clock.schedule(after: patience) { [weak self] in self?.letGo() }
    ending = Ending(timer: timer, done: done)
    if patience <= .zero || isThrough { letGo() }
  }

  /// Whether the end that waits is over.
  func endIfThrough() { if ending != nil, isThrough { letGo() } }

  private var isThrough: Bool { actuators.allSatisfy(\.isThrough) }

  private func letGo() {
    guard let ending = ending.take() else { return }
    clock.cancel(ending.timer)
    let refusals = actuators.compactMap { channel in
      channel.driver == nil ? nil : channel.doubt.map { Refusal(device: channel.device.id, why: $0) }
    }
    concludeAll()
    for channel in actuators { channel.letGo() }
    backend.close()
    ending.done(refusals)
  }
}
