import Model

extension Hardware {
  /// The state in which closing the gate leaves the actuators.
  package enum Closing: Sendable {
    /// According to each actuator's `on_exit`.
    case asDeclared
    /// All safe, regardless of the board file.
    case safe
  }

  /// An actuator that has not confirmed its latest command.
  package struct Refusal: Sendable, Hashable {
    /// The actuator.
    package var device: DeviceID
    /// The reason.
    package var why: HALError

    /// Whether its hardware is absent: a retry cannot succeed before it is back.
    package var isGone: Bool { why.isGone }

    /// Takes the reason as the gate or the hardware gave it.
    package init(device: DeviceID, why: HALError) {
      self.device = device
      self.why = why
    }
  }

  /// A shutdown that waits for the hardware.
  struct Ending {
    var timer: TimerID
    var done: ([Refusal]) -> Void
  }

  /// Actuators that fail now: the hardware refuses their latest command, or they could not be opened.
  package var refusals: [Refusal] {
    actuators.compactMap { channel in channel.refusal.map { Refusal(device: channel.device.id, why: $0) } }
  }

  /// Whether a failing actuator is retried; false when it cannot be opened because its entry in the board file is
  /// wrong.
  package func isTriedAgain(_ id: DeviceID) -> Bool {
    guard case .actuator(let channel) = channels[id] else { return false }
    return channel.driver != nil || retries[id] != nil
  }

  /// Closes the gate without waiting for the hardware: `end` with no patience.
  package func close(_ mode: Closing = .asDeclared) { end(mode, within: .zero) { _ in } }

  /// Closes the gate: drives the actuators according to `mode`, stops inputs, sensors and cameras, then releases
  /// devices.
  ///
  /// An actuator that refuses is retried with back-off, from 100 ms, doubled each time. Commands are refused meanwhile.
  /// A second call ends the waiting.
  /// - Parameters:
  ///   - patience: how long to wait for hardware that refuses or has not answered; absent hardware is not waited for.
  ///   - done: called once, within this call if all have answered, with the open actuators that have not confirmed.
  package func end(
    _ mode: Closing = .asDeclared, within patience: Duration, _ done: @escaping ([Refusal]) -> Void
  ) {
    guard isOpen else {
      if ending != nil { letGo() }
      return done([])
    }
    isOpen = false
    for retry in retries.values { retry.cancel() }
    retries = [:]
    for effect in effects.values { effect.cancel() }
    for channel in actuators { channel.end(mode == .safe ? .safe : channel.settings.onExit) }
    for record in records.values { record.close() }
    for device in board.devices {
      switch channels[device.id] {
      case .sensor(let channel): channel.stop()
      case .input(let channel): channel.stop()
      case .camera(let channel): channel.stop()
      default: break
      }
    }
    counts?.close()
    let timer = clock.schedule(after: patience) { [weak self] in self?.letGo() }
    ending = Ending(timer: timer, done: done)
    if patience <= .zero || isThrough { letGo() }
  }

  /// Finishes a waiting shutdown if no actuator needs more time.
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
