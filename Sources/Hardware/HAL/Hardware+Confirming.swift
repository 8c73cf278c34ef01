import Model

extension Hardware {
  /// A call of `confirm` that waits for actuators to answer.
  struct Confirmation {
    var devices: [DeviceID]
    var timer: TimerID
    var done: ([Refusal]) -> Void
  }

  /// Waits until the hardware has answered the latest command of each of these actuators.
  /// - Parameters:
  ///   - devices: the actuators; nil for all of the board. Other names are ignored.
  ///   - patience: how long to wait at most.
  ///   - done: called once, within this call if all have answered, with the actuators that have not confirmed, and why:
  ///     they refuse, have not answered, are absent, or could not be opened.
  package func confirm(
    _ devices: [DeviceID]? = nil, within patience: Duration, _ done: @escaping ([Refusal]) -> Void
  ) {
    let devices = devices ?? actuators.map(\.device.id)
    guard isWaiting(for: devices) else { return done(doubts(about: devices)) }
    let number = number()
    let timer = clock.schedule(after: patience) { [weak self] in self?.conclude(number) }
    confirmations[number] = Confirmation(devices: devices, timer: timer, done: done)
  }

  /// Called when an actuator's hardware has answered, or has gone.
  func actuatorAnswered() {
    endIfThrough()
    for (number, confirmation) in confirmations where !isWaiting(for: confirmation.devices) { conclude(number) }
  }

  /// Answers every waiting `confirm` now.
  func concludeAll() { for number in confirmations.keys { conclude(number) } }

  private func conclude(_ number: UInt64) {
    guard let confirmation = confirmations.removeValue(forKey: number) else { return }
    clock.cancel(confirmation.timer)
    confirmation.done(doubts(about: confirmation.devices))
  }

  private func isWaiting(for devices: [DeviceID]) -> Bool {
    devices.contains { if case .actuator(let channel) = channels[$0] { channel.underWay.isWaiting } else { false } }
  }

  private func doubts(about devices: [DeviceID]) -> [Refusal] {
    devices.compactMap { id in
      guard case .actuator(let channel) = channels[id] else { return nil }
      return channel.doubt.map { Refusal(device: id, why: $0) }
    }
  }
}
