import Model

/// A violated invariant.
package struct Violation: Hashable, Sendable {
  /// A short name of the invariant. Shrinking keeps plans that violate the same one.
  package var rule: String
  /// One sentence about what happened.
  package var text: String
  /// The simulated time of the violation.
  package var at: Instant
}

/// The daemon's belief about an actuator.
package struct ActuatorView: Sendable {
  package var level: Double
  /// Whether the hardware has confirmed the level.
  package var isSettled: Bool
  package var holder: String?
  /// The end of the lease; nil without a lease.
  package var leaseEnd: Instant?

  package init(level: Double, isSettled: Bool, holder: String?, leaseEnd: Instant?) {
    self.level = level
    self.isSettled = isSettled
    self.holder = holder
    self.leaseEnd = leaseEnd
  }
}

/// Observes the outputs and the daemon's statements about them, and records violated invariants.
///
/// It knows the board file, the levels of the outputs, and when the daemon lives. It does not know how the daemon
/// decides.
package final class Invariants {
  struct Output {
    var settings: ActuatorSettings
    var latency: Duration
    var rivals: Set<DeviceID> = []
    var level: Double
    var awaySince: Instant?
    var safeSince: Instant
    /// The changes since the daemon's start or, with `ratesOutliveTheDaemon`, since boot.
    var changes: [Instant] = []
    /// The end of a hardware fault, including the daemon's back-off after it. Until then a wrong level is excused.
    var excusedUntil = Instant(nanoseconds: 0)
    /// The end of a fault in which the hardware confirms levels without effect; nil once a level has taken effect after
    /// it.
    var liesUntil: Instant?
    /// The end of the lease that the daemon last reported: a guardian may hold the output until then.
    var heldUntil = Instant(nanoseconds: 0)
    /// The end of a lease by an earlier daemon; its holder may be gone.
    var inheritedUntil = Instant(nanoseconds: 0)
    /// Whether the output is unsupervised and keeps its level until the next daemon opens it: a daemon released it in a
    /// shutdown, or the guardian that held it has died.
    var isLetGo = false
    /// Since when the daemon waits for the hardware to confirm a level; nil when it does not wait.
    var unsettledSince: Instant?
    /// Whether the output has no holder and has not confirmed its safe state yet. The daemon repeats the command; a
    /// guardian does not know of it before the daemon dies.
    var isLeft = false
    /// The level that the daemon last reported, and when it last sent one to the hardware.
    var told = 0.0
    var toldAt: Instant?
    /// Set when something other than daemon and guardian has moved the output.
    var stray: Stray?
    /// Whether a stray output was sent a level that has not arrived yet.
    var isBeingTold = false
    /// The latest time at which that level arrives.
    var toldUntil = Instant(nanoseconds: 0)
    /// The end of the output's absence; nil when it is present.
    var absentUntil: Instant?
    /// Whether the output was unplugged and no daemon has opened it again.
    var isCutOff = false
    /// Whether the output had a holder at the last check.
    var wasHeld = false

    var isAway: Bool { level != settings.safe }
  }

  /// The state of the daemon.
  private enum Daemon: Equatable {
    case lives
    /// There is no daemon: outputs must be safe by `safeBy`.
    case dead(safeBy: Instant)
    /// Its loop does not turn. The guardian ends its leases, up to 250 ms late; nil when there is no guardian.
    case stuck(guardedFrom: Instant?)
  }

  var outputs: [DeviceID: Output] = [:]
  let order: [DeviceID]
  private var daemon = Daemon.stuck(guardedFrom: nil)
  private var readyBy: Instant?
  /// The time left until `readyBy`, while a start hangs.
  private var patience: Duration?
  /// Whether `max_rate` counts changes from before a restart of the daemon, within one boot.
  package var ratesOutliveTheDaemon = false
  package private(set) var violations: [Violation] = []
  /// The number of checked conditions.
  package private(set) var checks = 0

  /// Begins with safe outputs and without a daemon.
  package init(_ board: Board, at now: Instant) {
    order = board.devices.map(\.id)
    for device in board.devices {
      guard case .actuator(let settings) = device.kind else { continue }
      let latency = device.options["latency"]?.string.flatMap(Quantity.duration) ?? .zero
      outputs[device.id] = Output(settings: settings, latency: latency, level: settings.safe, safeSince: now)
    }
    for id in order {
      for rival in outputs[id]?.settings.exclusiveWith ?? [] {
        outputs[id]?.rivals.insert(rival)
        outputs[rival]?.rivals.insert(id)
      }
    }
  }

  /// Records a violation unless `holds`.
  package func expect(_ holds: Bool, _ rule: String, at now: Instant, _ text: @autoclosure () -> String) {
    checks += 1
    if !holds, violations.count < 100 { violations.append(Violation(rule: rule, text: text(), at: now)) }
  }

  // MARK: Events

  /// The daemon begins to open the hardware.
  package func daemonStarts(at now: Instant) {
    daemon = .lives
    outputs = outputs.mapValues { output in
      var output = output
      if !ratesOutliveTheDaemon { output.changes = [] }
      // The time in the safe state before the start is unknown.
      output.safeSince = now
      output.unsettledSince = nil
      output.inheritedUntil = output.heldUntil
      return output
    }
  }

  /// The power was cut: the history before it is lost.
  package func powerGoes() {
    for id in order {
      outputs[id]?.changes = []
      outputs[id]?.heldUntil = Instant(nanoseconds: 0)
      outputs[id]?.stray = nil
    }
  }

  /// The daemon is ready.
  package func daemonIsReady(at now: Instant) {
    if let readyBy {
      expect(now <= readyBy, "back in time", at: now, "the daemon is back \((now - readyBy).text) late")
    }
    (readyBy, patience) = (nil, nil)
    for id in order {
      outputs[id]?.isLetGo = false
      // The start sends every output its level.
      wasCommanded(id, at: now)
    }
  }

  /// The start hangs: suspends the time limit.
  package func startHangs(at now: Instant) {
    patience = readyBy.map { $0 - now }
    readyBy = nil
  }

  /// The start continues: resumes the time limit.
  package func startGoesOn(at now: Instant) {
    if let patience { readyBy = now + patience }
    patience = nil
  }

  /// The daemon died. Outputs with `on_exit: hold` may stay as they are until their leases end.
  /// - Parameters:
  ///   - safeBy: the time limit for the other outputs to be safe.
  ///   - readyBy: the time limit for the next daemon to be ready.
  ///   - isSeenTo: whether a guardian or `ExecStopPost` sends levels because of this death. False when a daemon dies
  ///     before its guardian is in charge, and the guardian before has already done so.
  package func daemonDies(safeBy: Instant, readyBy: Instant, isSeenTo: Bool = true) {
    daemon = .dead(safeBy: safeBy)
    (self.readyBy, patience) = (readyBy, nil)
    for (id, output) in outputs {
      outputs[id]?.isLetGo = false
      // The guardian sends levels regardless of beliefs; to outputs that it holds, it sends them later.
      // Outputs without `on_exit: hold` lose their leases.
      if output.settings.onExit != .hold { outputs[id]?.heldUntil = Instant(nanoseconds: 0) }
      if isSeenTo, output.settings.onExit != .hold || output.heldUntil < safeBy, output.stray != nil {
        outputs[id]?.stray = nil
        outputs[id]?.isBeingTold = true
      }
    }
  }

  /// The daemon released the outputs in a shutdown. Outputs with `on_exit: hold` keep their level until the next daemon
  /// opens them.
  package func daemonLetsGo(safeBy: Instant, readyBy: Instant) {
    daemonDies(safeBy: safeBy, readyBy: readyBy)
    for id in order where outputs[id]?.settings.onExit == .hold { outputs[id]?.isLetGo = true }
  }

  /// The guardian died. Without a daemon, or with a stuck one, the outputs are unsupervised then.
  package func guardianDies() {
    switch daemon {
    case .dead:
      if let readyBy { daemon = .dead(safeBy: readyBy) }
      // The outputs that it held are unsupervised until a daemon opens them, and that daemon may hang before it does.
      for id in order where outputs[id]?.isAway ?? false { outputs[id]?.isLetGo = true }
    case .stuck: daemon = .stuck(guardedFrom: nil)
    case .lives: break
    }
  }

  /// The daemon's loop is stuck. It will be killed, or continue by itself.
  /// - Parameter isGuarded: whether there is a guardian.
  package func daemonSticks(at now: Instant, isGuarded: Bool) { daemon = .stuck(guardedFrom: isGuarded ? now : nil) }

  /// The daemon's loop turns again.
  /// - Parameter duration: how long it was stuck.
  package func daemonWakes(after duration: Duration, at now: Instant) {
    daemon = .lives
    outputs = outputs.mapValues { output in
      var output = output
      output.unsettledSince = output.unsettledSince.map { $0 + duration }
      output.stray?.isLate(by: duration)
      // Only now it begins to end leases that expired meanwhile.
      output.excusedUntil = max(output.excusedUntil, now + output.latency * 3)
      return output
    }
  }

  /// Records the current leases without checking them.
  package func hold(_ views: (DeviceID) -> ActuatorView?) {
    for id in order {
      guard let view = views(id) else { continue }
      outputs[id]?.heldUntil = view.leaseEnd ?? Instant(nanoseconds: 0)
      outputs[id]?.isLeft = view.holder == nil && !view.isSettled
    }
  }

  /// The maximum delay of the end of a lease while the daemon is stuck (docs/safety.md).
  package static let stuckGrace = Duration.milliseconds(250)

  /// No process ran for `duration`, until now.
  package func everybodySlept(_ duration: Duration, until now: Instant) {
    var isDead = false
    if case .dead = daemon { isDead = true }
    outputs = outputs.mapValues { output in
      var output = output
      output.awaySince = output.awaySince.map { $0 + duration }
      output.unsettledSince = output.unsettledSince.map { $0 + duration }
      output.stray?.isLate(by: duration)
      // Repeated commands are delayed, too.
      if output.excusedUntil + duration >= now { output.excusedUntil = output.excusedUntil + duration }
      // The guardian did not run either, and ends expired leases only now.
      if isDead, output.heldUntil + duration > now { output.heldUntil = max(output.heldUntil, now + .milliseconds(10)) }
      return output
    }
    switch daemon {
    case .dead(let safeBy): daemon = .dead(safeBy: safeBy + duration)
    case .stuck(.some): daemon = .stuck(guardedFrom: now + .milliseconds(10))
    case .stuck, .lives: break
    }
    readyBy = readyBy.map { $0 + duration }
  }

  /// The hardware of an output ignores levels.
  /// - Parameter lies: whether it confirms them nevertheless.
  package func fault(_ id: DeviceID, at now: Instant, until end: Instant, lies: Bool) {
    // The gate repeats the command with exponential back-off up to 30 s; a time-out adds one second.
    let patience = min(.seconds(30), end - now + .milliseconds(400)) + .milliseconds(1200)
    guard var output = outputs[id] else { return }
    output.excusedUntil = max(output.excusedUntil, end + patience)
    if lies { output.liesUntil = max(output.liesUntil ?? end, end) }
    outputs[id] = output
  }

  /// The daemon sends a level to an output.
  package func tells(_ id: DeviceID, at now: Instant) { outputs[id]?.toldAt = now }

  /// A level has arrived at an output.
  package func output(_ id: DeviceID, takes level: Double, at now: Instant) {
    guard var output = outputs[id] else { return }
    defer { outputs[id] = output }
    output.isLetGo = false
    // Its earlier level is unknown to the daemon.
    var wasStray = output.stray.take() != nil || output.isBeingTold
    if let end = output.liesUntil, now >= end { (output.liesUntil, wasStray) = (nil, true) }
    output.isBeingTold = false
    if wasStray, output.isAway { output.awaySince = now }
    guard level != output.level else { return }
    let was = output.isAway
    output.level = level
    if output.isAway {
      if !was {
        output.awaySince = now
        if !wasStray { checkRest(id, output, now) }
        if !wasStray { checkRivals(id, output, now) }
      }
      if !wasStray { checkRate(id, output, now) }
    } else {
      output.awaySince = nil
      if !wasStray { output.safeSince = now }
    }
    if !wasStray { output.changes.append(now) }
  }

  private func checkRest(_ id: DeviceID, _ output: Output, _ now: Instant) {
    guard let rest = output.settings.minOff, output.liesUntil == nil else { return }
    expect(
      now - output.safeSince >= rest, "min_off", at: now,
      "\(id) leaves its safe state after \((now - output.safeSince).text), min_off is \(rest.text)")
  }

  private func checkRivals(_ id: DeviceID, _ output: Output, _ now: Instant) {
    for rival in output.rivals.sorted() {
      guard let other = outputs[rival], other.liesUntil == nil, !other.isAstray else { continue }
      expect(!other.isAway, "exclusive_with", at: now, "\(id) and \(rival) are both away from their safe states")
    }
  }

  private func checkRate(_ id: DeviceID, _ output: Output, _ now: Instant) {
    guard let rate = output.settings.maxRate else { return }
    let recent = output.changes.count { now - $0 < rate.per }
    expect(
      recent < rate.count, "max_rate", at: now, "\(id) changes again after \(recent) changes, max_rate is \(rate)")
  }

  // MARK: State

  /// Checks every output.
  /// - Parameters:
  ///   - views: the daemon's beliefs; nil while no daemon answers.
  ///   - isStopped: whether an emergency stop is in force.
  ///   - lives: whether a holder exists.
  package func look(
    at now: Instant, _ views: ((DeviceID) -> ActuatorView?)?, isStopped: Bool, lives: (String) -> Bool
  ) {
    for id in order {
      guard var output = outputs[id] else { continue }
      switch daemon {
      case .stuck(let guardedFrom):
        guard let guardedFrom, output.isAway, !output.isCutOff, !output.isLeft, !output.isLetGo, !output.isForNobody,
          output.excusedUntil < now, output.liesUntil == nil
        else { continue }
        // A level sent earlier may still be on its way over a slow bus.
        let end = max(output.heldUntil + Self.stuckGrace, guardedFrom + .milliseconds(10) + output.latency * 3)
        expect(
          now <= end, "lease of a stuck daemon", at: now,
          "\(id) is at \(output.level) while the daemon hangs, \((now - output.heldUntil).text) after its lease")
        if let longest = output.settings.maxOn, let since = output.awaySince {
          let end = max(since + longest + Self.stuckGrace, guardedFrom + .milliseconds(10)) + output.latency
          expect(
            now <= end, "max_on of a stuck daemon", at: now,
            "\(id) is away from its safe state for \((now - since).text) while the daemon hangs")
        }
      case .dead(let safeBy):
        guard now > safeBy, !output.isCutOff,
          output.settings.onExit != .hold || now > output.heldUntil && !output.isLetGo,
          output.stray == nil || output.settings.onExit == .hold && !output.isForNobody, output.excusedUntil < now,
          output.liesUntil == nil
        else { continue }
        expect(!output.isAway, "safe after death", at: now, "\(id) is at \(output.level) without a daemon")
      case .lives:
        if let view = views?(id) { look(id, &output, view, now, isStopped, lives) }
        outputs[id] = output
      }
    }
    if let readyBy, now > readyBy {
      self.readyBy = nil
      expect(false, "back in time", at: now, "the daemon is not back")
    }
  }

  private func look(
    _ id: DeviceID, _ output: inout Output, _ view: ActuatorView, _ now: Instant, _ isStopped: Bool,
    _ lives: (String) -> Bool
  ) {
    output.heldUntil = view.leaseEnd ?? Instant(nanoseconds: 0)
    output.findOut(isHeld: view.holder != nil, at: now)
    guard output.liesUntil == nil else { return }
    if let end = output.absentUntil, now < end {
      expect(
        !view.isSettled, "presence", at: now, "the daemon says that \(id) is at \(view.level), but it is absent")
    }
    if view.isSettled {
      output.isCutOff = false
      output.unsettledSince = nil
      expect(
        view.level == output.level || output.stray != nil || output.toldUntil >= now, "belief", at: now,
        "the daemon says that \(id) is at \(view.level), and it is at \(output.level)")
    } else if output.unsettledSince == nil || output.told != view.level {
      // A new command restarts the time that the bus may take.
      output.unsettledSince = now
    }
    output.told = view.level
    if let holder = view.holder {
      expect(
        lives(holder) || output.heldUntil <= output.inheritedUntil, "live holder", at: now,
        "\(id) is held by \(holder), who has ended")
      if let end = view.leaseEnd {
        expect(end >= now, "lease", at: now, "the lease of \(id) ended \((now - end).text) ago")
      }
    }
    guard output.isAway, output.excusedUntil < now, output.stray == nil else { return }
    if let longest = output.settings.maxOn, let since = output.awaySince {
      expect(
        now - since <= longest + output.latency, "max_on", at: now,
        "\(id) is away from its safe state for \((now - since).text), max_on is \(longest.text)")
    }
    // A level sent earlier may still be on its way over a slow bus.
    let isUnderWay = [output.unsettledSince, output.toldAt].contains {
      $0.map { now - $0 <= output.latency * 3 } ?? false
    }
    if view.holder == nil, !isUnderWay {
      expect(false, "lease", at: now, "\(id) is at \(output.level) without a lease")
    }
    if isStopped, !isUnderWay {
      expect(false, "emergency stop", at: now, "\(id) is at \(output.level) during a stop")
    }
    checks += 2
  }
}
