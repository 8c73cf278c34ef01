import Model

/// Counts an actuator's changes for its `max_rate`, and stores them for the next process.
struct ChangeCount {
  private let device: DeviceID
  private let rate: Rate
  private var window: RateWindow
  private var store: (any ChangeStore)?
  /// Changes commanded since the hardware last confirmed one.
  private var underWay = 0
  /// Whether the latest commanded level, possibly by the previous process, is not the safe one.
  var isAway = false

  init(_ device: DeviceID, _ rate: Rate) {
    self.device = device
    self.rate = rate
    window = RateWindow(rate)
  }

  /// How long after `time` one more change is allowed; nil when it is allowed at `time`.
  /// - Parameter earlier: an additional change before `time` that is not counted yet.
  func wait(at time: Instant, after earlier: Instant? = nil) -> Duration? {
    var window = window
    if let earlier { window.record(earlier) }
    return window.wait(at: time)
  }

  /// Restores the previous process's history. Unconfirmed changes are dated now, and dated again when the hardware
  /// confirms this process's first command, the latest time they can have taken effect.
  mutating func recall(_ store: any ChangeStore, _ now: Instant) {
    self.store = store
    let left = store.changes(of: device)
    // A full store has dropped older changes: assume that they happened at the time of the oldest one it kept.
    if let first = left.first, left.count == ActuatorChange.mostKept {
      for _ in left.count..<max(left.count, rate.count) { window.record(min(first.at, now)) }
    }
    for change in left { window.record(change.isUnderWay ? now : min(change.at, now)) }
    underWay = left.count(where: \.isUnderWay)
    isAway = left.last?.leadsAway ?? false
  }

  /// Counts a change that is about to be commanded; `settled` moves it to the time of its confirmation.
  mutating func note(_ now: Instant, leadsAway: Bool) {
    window.record(now)
    underWay += 1
    isAway = leadsAway
    keep()
  }

  /// The hardware refused, and the safe state is commanded instead. A refused change that is already counted stands for
  /// that one.
  mutating func fallBack(_ now: Instant) {
    if underWay == 0 { note(now, leadsAway: false) }
    isAway = false
  }

  /// The hardware has confirmed: the changes under way have taken effect only now.
  mutating func settled(_ now: Instant) {
    guard underWay > 0 else { return }
    window.postpone(underWay, to: now)
    underWay = 0
    keep()
  }

  private func keep() {
    guard let store else { return }
    let history = window.history.suffix(ActuatorChange.mostKept)
    let settled = history.count - underWay
    store.keep(
      history.enumerated().map { index, at in
        ActuatorChange(at: at, leadsAway: isAway && index == history.count - 1, isUnderWay: index >= settled)
      }, of: device)
  }
}
