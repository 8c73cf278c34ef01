import Model

// Strays: outputs that were moved by something other than daemon and guardian. The supply of the chip has dipped, the
// output was unplugged, or another program writes to its bus. The daemon cannot notice that, but it must send the level
// at its next reason to do so, even when it believes that the output has it already.

extension Invariants {
  /// An output with an unknown level.
  struct Stray {
    var since: Instant
    /// When the daemon must have refreshed it; nil where it is never refreshed.
    var toldBy: Instant?

    mutating func isLate(by duration: Duration) { toldBy = toldBy.map { $0 + duration } }
  }

  /// An output was moved by something other than daemon and guardian.
  /// - Parameters:
  ///   - isHeld: whether the daemon reports a holder.
  ///   - refresh: the period in which the daemon refreshes the output; nil for never.
  package func interfered(_ id: DeviceID, level: Double, at now: Instant, isHeld: Bool, refresh: Duration?) {
    guard var output = outputs[id] else { return }
    output.level = level
    output.wasHeld = isHeld
    output.awaySince = output.isAway ? output.awaySince ?? now : nil
    // A shutdown takes three seconds at most and refreshes nothing.
    output.stray = Stray(since: now, toldBy: refresh.map { now + $0 + output.latency * 3 + .seconds(3) })
    outputs[id] = output
  }

  /// The daemon has accepted a command for an output, and so must send its level.
  package func wasCommanded(_ id: DeviceID, at now: Instant) { outputs[id]?.wasCommanded(at: now) }

  /// An emergency stop was requested, possibly during another one.
  package func stopIsAskedFor(at now: Instant) { for id in order { wasCommanded(id, at: now) } }

  /// An output returns under another descriptor: it is unreachable until a daemon has opened it again.
  package func isCutOff(_ id: DeviceID) { outputs[id]?.isCutOff = true }

  /// An output is absent until `end`; nil ends the absence.
  package func unplugged(_ id: DeviceID, until end: Instant?) { outputs[id]?.absentUntil = end }
}

extension Invariants.Output {
  mutating func wasCommanded(at now: Instant) {
    guard stray.take() != nil else { return }
    excusedUntil = max(excusedUntil, now + latency * 3)
    toldUntil = excusedUntil
    isBeingTold = true
    if isAway { awaySince = now }
  }

  /// Updates whether the output is held: the end of a lease is a reason to send the level.
  mutating func findOut(isHeld: Bool, at now: Instant) {
    if wasHeld && !isHeld || stray?.toldBy.map({ $0 < now }) ?? false { wasCommanded(at: now) }
    wasHeld = isHeld
  }

  /// Whether it was moved after its lease had ended, so that no later end of a lease corrects it.
  var isForNobody: Bool { stray.map { $0.since >= heldUntil } ?? false }

  /// Whether its level may differ from the daemon's belief without a violation.
  var isAstray: Bool { stray != nil || isBeingTold }
}
