import Model

/// When an output moved, for conditions and for people. It counts from the start of the daemon.
struct OutputTimes {
  /// The last change of level; nil before the first.
  private(set) var changed: Instant?
  /// When it last left its safe state; nil when it never did.
  private(set) var wentOn: Instant?
  private var isAway = false
  private var counted = Duration.zero

  /// The level has changed, to the safe one or to another.
  mutating func note(_ now: Instant, isAway: Bool) {
    if self.isAway, let wentOn, !isAway { counted += now - wentOn }
    if isAway, !self.isAway { wentOn = now }
    self.isAway = isAway
    changed = now
  }

  /// How long it has been away from its safe state in all.
  func onTime(_ now: Instant) -> Duration {
    counted + (isAway ? wentOn.map { now - $0 } ?? .zero : .zero)
  }
}
