import Model

/// Has what one output with `at_start` is held at stored, with few writes: going safe at once, another holder after a
/// second, another level or length of the lease after ten, and nothing for a renewal.
///
/// What is stored late only makes an output safe after a power cut that was held, never the other way round.
final class HeldRecord {
  /// How long an output is held before that is stored.
  private static let settling = Duration.seconds(1)
  /// The shortest time between two writes for levels and lengths.
  private static let pause = Duration.seconds(10)
  /// For this long after an output was taken up a power cut is one that it may have caused.
  private static let trial = Duration.seconds(60)

  private let channel: ActuatorChannel
  private var store: (any HeldStore)?
  /// What was stored last; nil for its safe state.
  private(set) var stored: HeldOutput?
  /// Whether `stored` is of an earlier boot, and nobody has decided yet.
  private var isUndecided = false
  /// The holder and the deadline of the lease, and its length when it got that deadline.
  private var lease: (holder: String, deadline: Instant, length: Duration)?
  private var endsWithConnection = false
  private var takenUp: Instant?
  /// When the stored time away from the safe state will be too short.
  private var onTimeDue: Instant?
  private var timer: (id: TimerID, due: Instant)?

  init(_ channel: ActuatorChannel) { self.channel = channel }

  /// From now on changes are stored.
  /// - Parameter isUndecided: whether `earlier` stays until `decide`, or somebody holds the output.
  func begin(_ earlier: HeldOutput?, _ store: any HeldStore, isUndecided: Bool) {
    (self.store, stored, self.isUndecided) = (store, earlier, isUndecided)
    review()
  }

  /// What an earlier boot has left is dealt with.
  func decide() {
    isUndecided = false
    review()
  }

  /// It is about to be taken up again: if the power goes in that moment, it is not taken up once more.
  func willTakeUp() {
    guard var held = stored else { return }
    held.obstacle = .again
    stored = held
    store?.keep(held, of: channel.device.id)
  }

  /// It was taken up again: that is stored at once.
  func tookUp() {
    (takenUp, isUndecided) = (channel.clock.now, false)
    write(current)
    review()
  }

  /// Its level, lease or holder may have changed.
  func note() {
    if let lease = channel.lease, channel.level != channel.settings.safe {
      if lease.holder != self.lease?.holder { (endsWithConnection, takenUp) = (false, nil) }
      if lease.deadline != self.lease?.deadline || lease.holder != self.lease?.holder {
        self.lease = (lease.holder, lease.deadline, Self.rounded(lease.deadline - channel.clock.now))
      }
    } else {
      (lease, endsWithConnection, takenUp) = (nil, false, nil)
    }
    if store != nil { review() }
  }

  /// Its lease ends with a connection, or does not.
  func note(endsWithConnection: Bool) {
    self.endsWithConnection = endsWithConnection
    if store != nil { review() }
  }

  /// Ends the writing; what is stored stays.
  func close() {
    cancelTimer()
    store = nil
  }

  // MARK: Writing

  /// Not exact, so that renewals have one length although some time passes in each command.
  private static func rounded(_ length: Duration) -> Duration {
    .milliseconds(max(100, (length.nanoseconds / 1_000_000 + 50) / 100 * 100))
  }

  /// What it is held at; nil in its safe state.
  private var current: HeldOutput? {
    guard let lease = channel.lease, let length = self.lease?.length, channel.level != channel.settings.safe else {
      return nil
    }
    var held = HeldOutput(level: channel.level, holder: lease.holder, lease: length, onTime: stored?.onTime)
    if let pulse = channel.pulse {
      held.level = pulse.base
      if pulse.base == channel.settings.safe { (held.level, held.obstacle) = (channel.level, .pulse) }
    }
    if endsWithConnection { held.obstacle = .connection }
    if let takenUp, channel.clock.now - takenUp < Self.trial { held.obstacle = held.obstacle ?? .again }
    return held
  }

  /// Writes now, or finds out when.
  private func review() {
    let now = channel.clock.now
    guard let current else {
      cancelTimer()
      if stored != nil, !isUndecided { write(nil) }
      return
    }
    var due: Instant?
    if stored?.holder != current.holder || isUndecided {
      due = now + Self.settling
    } else if stored != current {
      due = now + Self.pause
    }
    due = [due, onTimeDue, takenUp.map { $0 + Self.trial }.flatMap { $0 > now ? $0 : nil }].compactMap(\.self).min()
    guard let due else { return cancelTimer() }
    // A later change does not put off an earlier one.
    if let timer, timer.due <= due { return }
    cancelTimer()
    let id = channel.clock.schedule(at: due) { [weak self] in
      guard let self else { return }
      timer = nil
      if self.current != stored || onTimeDue.map({ $0 <= self.channel.clock.now }) ?? false { write(self.current) }
      review()
    }
    timer = (id, due)
  }

  private func write(_ held: HeldOutput?) {
    var held = held
    onTimeDue = nil
    if held != nil, let maxOn = channel.settings.maxOn, let onSince = channel.onSince {
      let now = channel.clock.now
      let step = max(.seconds(5), maxOn / 4)
      held?.onTime = channel.onBefore + (now - onSince) + step
      onTimeDue = now + step
    }
    (stored, isUndecided) = (held, false)
    store?.keep(held, of: channel.device.id)
  }

  private func cancelTimer() {
    if let timer { channel.clock.cancel(timer.id) }
    timer = nil
  }
}

extension Hardware {
  /// Stores from now on what outputs with `at_start` are held at. Nothing is stored before, because it would replace
  /// what is not known yet.
  /// - Parameters:
  ///   - earlier: what is stored; other outputs are ignored.
  ///   - undecided: those of an earlier boot, which stay stored until `decideHeld` or another holder.
  ///   - store: retained.
  package func recordHeld(_ earlier: [DeviceID: HeldOutput], undecided: Set<DeviceID>, store: any HeldStore) {
    for (id, record) in records { record.begin(earlier[id], store, isUndecided: undecided.contains(id)) }
  }

  /// An output that an earlier boot has held is not taken up again.
  package func decideHeld(_ id: DeviceID) { records[id]?.decide() }

  /// Stores that an output is about to be taken up again. Command it when that is on the disk.
  package func willTakeUp(_ id: DeviceID) { records[id]?.willTakeUp() }

  /// The lease of an output that was just commanded ends with its holder's connection, or does not.
  package func noteLease(_ id: DeviceID, endsWithConnection: Bool) {
    records[id]?.note(endsWithConnection: endsWithConnection)
  }

  /// Commands an output to what it was held at when the power went, through the whole gate.
  /// - Parameters:
  ///   - lease: at most the board file's and what `max_on` leaves are granted.
  ///   - cause: the event that led to it.
  /// - Returns: how long it is held.
  /// - Throws: as `controlActuator`; `limited` by `max_on` without a retry when the time before the power cut has used
  ///   that up.
  package func takeUp(
    _ id: DeviceID, _ held: HeldOutput, lease: Duration, as principal: Principal, cause: Cause?
  ) throws(HALError) -> Duration {
    guard case .actuator(let channel) = channels[id] else { throw notFound(id, "actuator") }
    if let maxOn = channel.settings.maxOn {
      let before = held.onTime ?? .zero
      guard before < maxOn else {
        throw .limited(
          id, rule: "max_on", detail: "it may have been on for \(min(before, maxOn).text) already", retryAfter: nil)
      }
      channel.onBefore = before
    }
    do throws(HALError) {
      let receipt = try controlActuator(
        id, .level(held.level), lease: min(lease, channel.settings.lease), as: principal, cause: cause,
        request: ApprovalRequest(mayWait: false))
      records[id]?.tookUp()
      return (channel.lease?.deadline ?? clock.now) - Instant(nanoseconds: receipt.at)
    } catch {
      if channel.onSince == nil { channel.onBefore = .zero }
      throw error
    }
  }

  /// Has outputs with `at_start` tell of their leases.
  func makeRecords() {
    for channel in actuators where channel.settings.atStart != nil {
      let record = HeldRecord(channel)
      records[channel.device.id] = record
      channel.onHold = { [weak record] in record?.note() }
    }
  }
}
