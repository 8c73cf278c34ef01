import Model

// What becomes of an output that something else than daemon and guardian has moved: the supply of its chip has dipped, it
// was unplugged, or another program writes to its bus. The daemon cannot know; but the next time that it has a reason to
// tell the output anything, it must, whatever it believes.

extension Invariants {
  /// Moved by something else.
  struct Stray {
    var since: Instant
    /// When the daemon has told it again by itself; nil where it waits for a reason.
    var toldBy: Instant?

    mutating func isLate(by duration: Duration) { toldBy = toldBy.map { $0 + duration } }
  }

  /// Something else has moved an output.
  /// - Parameters:
  ///   - isHeld: the daemon says that somebody holds it.
  ///   - refresh: how often the daemon tells it its level though nobody asks; nil for never.
  public func interfered(_ id: DeviceID, level: Double, at now: Instant, isHeld: Bool, refresh: Duration?) {
    guard var output = outputs[id] else { return }
    output.level = level
    output.wasHeld = isHeld
    output.awaySince = output.isAway ? output.awaySince ?? now : nil
    // An end in order refreshes nothing, and takes three seconds at most.
    output.stray = Stray(since: now, toldBy: refresh.map { now + $0 + output.latency * 3 + .seconds(3) })
    outputs[id] = output
  }

  /// The daemon has a reason to tell an output its level: it has accepted a command for it.
  public func isTold(_ id: DeviceID, at now: Instant) { outputs[id]?.isTold(at: now) }

  /// An emergency stop was asked for, maybe another one.
  public func stopIsAskedFor(at now: Instant) { for id in order { isTold(id, at: now) } }

  /// An output comes back under another descriptor: nobody reaches it before a daemon has opened it again.
  public func isCutOff(_ id: DeviceID) { outputs[id]?.isCutOff = true }

  /// An output is not there.
  public func unplugged(_ id: DeviceID, until end: Instant?) { outputs[id]?.absentUntil = end }
}

extension Invariants.Output {
  mutating func isTold(at now: Instant) {
    guard stray.take() != nil else { return }
    excusedUntil = max(excusedUntil, now + latency * 3)
    toldUntil = excusedUntil
    isBeingTold = true
    if isAway { awaySince = now }
  }

  /// The daemon was asked whether somebody holds it: the end of a lease is a reason to tell it.
  mutating func findOut(isHeld: Bool, at now: Instant) {
    if wasHeld && !isHeld || stray?.toldBy.map({ $0 < now }) ?? false { isTold(at: now) }
    wasHeld = isHeld
  }

  /// It was moved when no lease was left whose end somebody watches over.
  var isForNobody: Bool { stray.map { $0.since >= heldUntil } ?? false }

  /// It is not where the daemon believes it, and cannot be blamed for that.
  var isAstray: Bool { stray != nil || isBeingTold }
}
