import Model

/// Watches whether an output that was switched has its effect (`verify`). What it found is shown until somebody
/// acknowledges it.
///
/// A watch begins when the hardware has confirmed another level, and ends at the first good reading that is as expected,
/// or when its time is over. Only readings that began after the confirmation count.
final class EffectWatch {
  private struct Run {
    let state: Double
    let cause: Cause
    let before: Double?
    /// How many measurements of the sensor had begun before.
    let transfers: UInt64
    let begun: Instant
    var after: Reading?
    var timer: TimerID
    var subscription: SubscriptionID?
  }

  let settings: EffectSettings
  /// What was found and nobody has acknowledged; nil while there is nothing.
  private(set) var shown: NoEffect?
  private let channel: ActuatorChannel
  private unowned let hardware: Hardware
  private var run: Run?

  init(_ channel: ActuatorChannel, _ settings: EffectSettings, _ hardware: Hardware) {
    self.channel = channel
    self.settings = settings
    self.hardware = hardware
  }

  private var id: DeviceID { channel.device.id }

  // MARK: One watch

  /// The hardware has confirmed another level. This replaces an earlier watch; between two levels away from the safe one
  /// that goes on, so that regulation does not put it off for ever.
  func begin(_ state: Double, _ cause: Cause) {
    let safe = channel.settings.safe
    if let former = run, former.state != safe, state != safe {
      run = Run(
        state: state, cause: cause, before: former.before, transfers: former.transfers, begun: former.begun,
        after: former.after, timer: former.timer, subscription: former.subscription)
      return
    }
    cancel()
    guard hardware.isOpen, hardware.judgeEffect != nil else { return }
    let timer = hardware.clock.schedule(after: settings.within) { [weak self] in self?.conclude() }
    run = Run(
      state: state, cause: cause, before: hardware.readingState(settings.sensor)?.good?.value,
      transfers: hardware.transfers(of: settings.sensor), begun: hardware.clock.now, timer: timer)
    // It is measured and published meanwhile, even if it is measured on demand only.
    run?.subscription = try? hardware.subscribe(settings.sensor)
  }

  /// Ends without a result.
  func cancel() {
    guard let run = run.take() else { return }
    hardware.clock.cancel(run.timer)
    if let subscription = run.subscription { hardware.unsubscribe(subscription) }
  }

  /// The output's hardware has answered, or has gone.
  func outputAnswered() {
    if channel.isLost || channel.health.error != nil { cancel() }
  }

  /// The sensor was measured, or the input has changed.
  func sensorChanged() {
    guard let run, channel.level == run.state, hardware.transfers(of: settings.sensor) > run.transfers || isInput,
      let reading = try? hardware.newestGood(settings.sensor), reading.time > run.begun.nanoseconds
    else { return }
    self.run?.after = reading
    if judge(reading, run.state) == .seen { cancel() }
  }

  /// An input has a level all the time, and tells only of changes.
  private var isInput: Bool { if case .input = hardware.channels[settings.sensor] { true } else { false } }

  private func judge(_ reading: Reading, _ state: Double) -> Hardware.EffectJudgement {
    hardware.judgeEffect?(id, reading.value, state, state == channel.settings.safe) ?? .unknown("there are no rules")
  }

  /// The time is over.
  private func conclude() {
    guard let run else { return }
    cancel()
    // Another command is under way.
    guard channel.level == run.state else { return }
    let after = isInput ? try? hardware.newestGood(settings.sensor) : run.after
    var detail: String?
    if let after {
      switch judge(after, run.state) {
      case .seen: return
      case .unseen: break
      case .unknown(let why): detail = "it is unknown whether there is an effect: \(why)"
      }
    } else {
      detail = hardware.device(settings.sensor)?.fault ?? "no good reading came in time"
    }
    let found = NoEffect(
      since: hardware.clock.wallMilliseconds, state: run.state, sensor: settings.sensor, before: run.before,
      after: after?.value, unit: hardware.readingState(settings.sensor)?.unit ?? "", detail: detail)
    report(found, run.cause)
  }

  private func report(_ found: NoEffect, _ cause: Cause) {
    let event = hardware.events.publish(
      DeviceEvents.noEffect(id, found, within: settings.within), from: id.rawValue, cause: cause)
    // The first is shown, and stored: an agent that tries again and again writes nothing.
    if shown == nil {
      shown = found
      hardware.onNoEffect(id, found)
    }
    guard settings.otherwise == .safe else { return }
    // One that was told its safe state is told again: a relay may let go at the second try.
    channel.goSafe("no-effect", holder: nil, Cause(event), hardware.clock.now)
  }

  // MARK: What is shown

  /// Shows what an earlier process has found. What was found since then stays.
  func recall(_ earlier: NoEffect) { shown = shown ?? earlier }

  /// - Returns: whether anything was shown.
  func acknowledge() -> Bool { shown.take() != nil }
}

extension Hardware {
  /// What a reading says about the effect of an output.
  package enum EffectJudgement: Sendable, Hashable {
    /// It is as expected.
    case seen
    /// It is not.
    case unseen
    /// It cannot be said, for this reason: a clause.
    case unknown(String)
  }

  /// Ends what is shown of an output that was switched without its effect (`device:no_effect`).
  /// - Returns: whether anything was shown.
  /// - Throws: `notFound`.
  @discardableResult
  package func acknowledge(_ id: DeviceID) throws(HALError) -> Bool {
    guard case .actuator = channels[id] else { throw notFound(id, "actuator") }
    guard effects[id]?.acknowledge() ?? false else { return false }
    onNoEffect(id, nil)
    return true
  }

  /// Shows what earlier processes have found and nobody has acknowledged. An output that is not verified any more is
  /// reported to `onNoEffect` as acknowledged.
  package func recallNoEffects(_ earlier: [DeviceID: NoEffect]) {
    for (id, found) in earlier {
      if let effect = effects[id] { effect.recall(found) } else { onNoEffect(id, nil) }
    }
  }

  /// Has outputs with `verify` tell when they were switched.
  func makeEffects() {
    for channel in actuators {
      guard let settings = channel.settings.verify else { continue }
      let effect = EffectWatch(channel, settings, self)
      effects[channel.device.id] = effect
      channel.onSwitch = { [weak effect] in effect?.begin($0, $1) }
    }
  }

  /// A sensor was measured, or an input has changed.
  func valueChanged(_ id: DeviceID) {
    onValue(id)
    for effect in effects.values where effect.settings.sensor == id { effect.sensorChanged() }
  }

  /// How many measurements of a sensor have begun; zero for inputs.
  func transfers(of id: DeviceID) -> UInt64 {
    if case .sensor(let channel) = channels[id] { channel.transfers } else { 0 }
  }
}
