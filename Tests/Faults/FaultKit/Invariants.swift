import Model

/// Something that must never happen, and did.
public struct Violation: Hashable, Sendable {
  /// Which rule, in a word: what shrinking holds on to.
  public var rule: String
  /// What happened, in a sentence.
  public var text: String
  /// When, on the run's clock.
  public var at: Instant
}

/// What the daemon believes of an actuator.
public struct ActuatorView: Sendable {
  public var level: Double
  /// The hardware has taken that level.
  public var isSettled: Bool
  public var holder: String?
  /// When the lease ends; nil without one.
  public var leaseEnd: Instant?

  public init(level: Double, isSettled: Bool, holder: String?, leaseEnd: Instant?) {
    self.level = level
    self.isSettled = isSettled
    self.holder = holder
    self.leaseEnd = leaseEnd
  }
}

/// Watches the wires, and what the daemon says of them, and notes what must never happen.
///
/// It knows the board file, the levels that outputs take, and when the daemon lives. It knows nothing of how the daemon
/// decides.
public final class Invariants {
  struct Output {
    var settings: ActuatorSettings
    var latency: Duration
    var rivals: Set<DeviceID> = []
    var level: Double
    var awaySince: Instant?
    var safeSince: Instant
    /// In this life of the daemon.
    var changes: [Instant] = []
    /// Until then, and a while after, the hardware does not do what it is told.
    var excusedUntil = Instant(nanoseconds: 0)
    /// It says yes and does nothing; until it takes a level after this.
    var liesUntil: Instant?
    /// When the lease ends that the daemon last spoke of, and so how long a guardian may hold it.
    var heldUntil = Instant(nanoseconds: 0)
    /// A lease that a daemon before has given may last until then, whoever has it.
    var inheritedUntil = Instant(nanoseconds: 0)
    /// Nobody has it, as it was: a daemon has let go of it in order, or a guardian that held it has died. The next daemon
    /// opens it.
    var isLetGo = false
    /// Since when the daemon waits for the hardware to take a level.
    var unsettledSince: Instant?
    /// Nobody holds it, and it has not taken its safe state yet: the daemon tells it again, and a guardian knows nothing
    /// of it before the daemon dies.
    var isLeft = false
    /// What the daemon said of it when it was looked at last, and when it told the hardware anything.
    var told = 0.0
    var toldAt: Instant?
    /// Something else than daemon and guardian has moved it.
    var stray: Stray?
    /// It was told since, and has not taken it yet.
    var isBeingTold = false
    /// What it was told may be on its way until then.
    var toldUntil = Instant(nanoseconds: 0)
    /// It is not there.
    var absentUntil: Instant?
    /// It was unplugged, and no daemon has opened it again.
    var isCutOff = false
    /// Somebody held it when it was looked at last.
    var wasHeld = false

    var isAway: Bool { level != settings.safe }
  }

  /// How the daemon is.
  private enum Daemon: Equatable {
    case lives
    /// Nobody drives anything: outputs are to be safe by then.
    case dead(safeBy: Instant)
    /// Its loop does not turn. What it holds is the guardian's to end, 250 ms late; nil while there is none.
    case stuck(guardedFrom: Instant?)
  }

  var outputs: [DeviceID: Output] = [:]
  let order: [DeviceID]
  private var daemon = Daemon.stuck(guardedFrom: nil)
  private var readyBy: Instant?
  /// What is left of that for a start that hangs.
  private var patience: Duration?
  /// Whether `max_rate` counts on over a restart of the daemon, within one boot.
  public var ratesOutliveTheDaemon = false
  public private(set) var violations: [Violation] = []
  /// How many single conditions were looked at.
  public private(set) var checks = 0

  /// Outputs are safe, and no daemon lives.
  public init(_ board: Board, at now: Instant) {
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

  /// Notes a violation unless `holds`.
  public func expect(_ holds: Bool, _ rule: String, at now: Instant, _ text: @autoclosure () -> String) {
    checks += 1
    if !holds, violations.count < 100 { violations.append(Violation(rule: rule, text: text(), at: now)) }
  }

  // MARK: What happens

  /// The daemon begins to open the hardware.
  public func daemonStarts(at now: Instant) {
    daemon = .lives
    outputs = outputs.mapValues { output in
      var output = output
      if !ratesOutliveTheDaemon { output.changes = [] }
      // Nobody can say how long it was off before.
      output.safeSince = now
      output.unsettledSince = nil
      output.inheritedUntil = output.heldUntil
      return output
    }
  }

  /// The power went: nobody can know what was before.
  public func powerGoes() {
    for id in order {
      outputs[id]?.changes = []
      outputs[id]?.heldUntil = Instant(nanoseconds: 0)
      outputs[id]?.stray = nil
    }
  }

  /// It serves.
  public func daemonIsReady(at now: Instant) {
    if let readyBy {
      expect(now <= readyBy, "back in time", at: now, "the daemon is back \((now - readyBy).text) late")
    }
    (readyBy, patience) = (nil, nil)
    for id in order {
      outputs[id]?.isLetGo = false
      // Each was told when it was opened.
      isTold(id, at: now)
    }
  }

  /// Its start hangs: how long that lasts is not its own.
  public func startHangs(at now: Instant) {
    patience = readyBy.map { $0 - now }
    readyBy = nil
  }

  /// Its start goes on.
  public func startGoesOn(at now: Instant) {
    if let patience { readyBy = now + patience }
    patience = nil
  }

  /// It died. What is to be held may stay as it is for as long as its lease lasts.
  /// - Parameters:
  ///   - safeBy: when the other outputs are to be safe.
  ///   - readyBy: when it is to serve again.
  ///   - isSeenTo: somebody tells the outputs because of this death: not so where a daemon dies before its guardian is in
  ///     charge, and the one before has told them already.
  public func daemonDies(safeBy: Instant, readyBy: Instant, isSeenTo: Bool = true) {
    daemon = .dead(safeBy: safeBy)
    (self.readyBy, patience) = (readyBy, nil)
    for (id, output) in outputs {
      outputs[id]?.isLetGo = false
      // The guardian asks nobody where it is; what it leaves as it is, it tells later.
      // What is not to be held has no lease any more.
      if output.settings.onExit != .hold { outputs[id]?.heldUntil = Instant(nanoseconds: 0) }
      if isSeenTo, output.settings.onExit != .hold || output.heldUntil < safeBy, output.stray != nil {
        outputs[id]?.stray = nil
        outputs[id]?.isBeingTold = true
      }
    }
  }

  /// It has let go of the outputs in order. What is to be held stays as it is until the next one opens it.
  public func daemonLetsGo(safeBy: Instant, readyBy: Instant) {
    daemonDies(safeBy: safeBy, readyBy: readyBy)
    for id in order where outputs[id]?.settings.onExit == .hold { outputs[id]?.isLetGo = true }
  }

  /// While no daemon lives, nobody drives anything then until the next one opens it; nor while it is stuck.
  public func guardianDies() {
    switch daemon {
    case .dead:
      if let readyBy { daemon = .dead(safeBy: readyBy) }
      // Nobody has what it held before the next daemon opens it, and that one may hang first.
      for id in order where outputs[id]?.isAway ?? false { outputs[id]?.isLetGo = true }
    case .stuck: daemon = .stuck(guardedFrom: nil)
    case .lives: break
    }
  }

  /// Its loop does not turn any more; somebody will kill it, or it goes on by itself.
  /// - Parameter isGuarded: a guardian is there.
  public func daemonSticks(at now: Instant, isGuarded: Bool) { daemon = .stuck(guardedFrom: isGuarded ? now : nil) }

  /// Its loop turns again.
  /// - Parameter duration: for how long it did not.
  public func daemonWakes(after duration: Duration, at now: Instant) {
    daemon = .lives
    outputs = outputs.mapValues { output in
      var output = output
      output.unsettledSince = output.unsettledSince.map { $0 + duration }
      output.stray?.isLate(by: duration)
      // It begins to end only now what it should have ended.
      output.excusedUntil = max(output.excusedUntil, now + output.latency * 3)
      return output
    }
  }

  /// Takes note of the leases that there are, whatever else is to be said of them now.
  public func hold(_ views: (DeviceID) -> ActuatorView?) {
    for id in order {
      guard let view = views(id) else { continue }
      outputs[id]?.heldUntil = view.leaseEnd ?? Instant(nanoseconds: 0)
      outputs[id]?.isLeft = view.holder == nil && !view.isSettled
    }
  }

  /// How late a lease may end while the daemon is stuck (docs/safety.md).
  public static let stuckGrace = Duration.milliseconds(250)

  /// Nobody had the processor for so long, until now.
  public func everybodySlept(_ duration: Duration, until now: Instant) {
    var isDead = false
    if case .dead = daemon { isDead = true }
    outputs = outputs.mapValues { output in
      var output = output
      output.awaySince = output.awaySince.map { $0 + duration }
      output.unsettledSince = output.unsettledSince.map { $0 + duration }
      output.stray?.isLate(by: duration)
      // What is told again later is told later.
      if output.excusedUntil + duration >= now { output.excusedUntil = output.excusedUntil + duration }
      // The guardian slept, too, and ends now what ended meanwhile.
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

  /// An output does not do what it is told.
  /// - Parameter lies: it says that it does.
  public func fault(_ id: DeviceID, at now: Instant, until end: Instant, lies: Bool) {
    // The gate tells it again after waits that double, the longest 30 s; a timeout takes a second more.
    let patience = min(.seconds(30), end - now + .milliseconds(400)) + .milliseconds(1200)
    guard var output = outputs[id] else { return }
    output.excusedUntil = max(output.excusedUntil, end + patience)
    if lies { output.liesUntil = max(output.liesUntil ?? end, end) }
    outputs[id] = output
  }

  /// The daemon tells an output a level, which takes its way.
  public func tells(_ id: DeviceID, at now: Instant) { outputs[id]?.toldAt = now }

  /// A level has arrived at an output.
  public func output(_ id: DeviceID, takes level: Double, at now: Instant) {
    guard var output = outputs[id] else { return }
    defer { outputs[id] = output }
    output.isLetGo = false
    // Where it was before, and since when, nobody could know.
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

  // MARK: How things are

  /// Looks at every output.
  /// - Parameters:
  ///   - views: what the daemon says of them; nil while none answers.
  ///   - isStopped: an emergency stop is in force.
  ///   - lives: whether who holds a lease is there.
  public func look(
    at now: Instant, _ views: ((DeviceID) -> ActuatorView?)?, isStopped: Bool, lives: (String) -> Bool
  ) {
    for id in order {
      guard var output = outputs[id] else { continue }
      switch daemon {
      case .stuck(let guardedFrom):
        guard let guardedFrom, output.isAway, !output.isCutOff, !output.isLeft, !output.isLetGo, !output.isForNobody,
          output.excusedUntil < now, output.liesUntil == nil
        else { continue }
        // What it was told before may be on its way behind a slow bus.
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
        !view.isSettled, "presence", at: now, "the daemon says that \(id) is at \(view.level), and it is not there")
    }
    if view.isSettled {
      output.isCutOff = false
      output.unsettledSince = nil
      expect(
        view.level == output.level || output.stray != nil || output.toldUntil >= now, "belief", at: now,
        "the daemon says that \(id) is at \(view.level), and it is at \(output.level)")
    } else if output.unsettledSince == nil || output.told != view.level {
      // Each command has a bus to itself for a while.
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
    // What was told to be safe, or to leave it before that, may be on its way behind a slow bus.
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
