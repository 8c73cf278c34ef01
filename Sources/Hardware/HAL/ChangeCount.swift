import Model

/// Counts an actuator's changes for its `max_rate`, and has them kept for the next process.
struct ChangeCount {
  private let device: DeviceID
  private let rate: Rate
  private var window: RateWindow
  private var keeper: (any ChangeKeeper)?
  /// How many changes the hardware has been told of since it last took one.
  private var underWay = 0
  /// The level that the hardware was told last is not the safe one, or that of the process before was not.
  var isAway = false

  init(_ device: DeviceID, _ rate: Rate) {
    self.device = device
    self.rate = rate
    window = RateWindow(rate)
  }

  /// How long until one more change is allowed; nil when it is now.
  /// - Parameter earlier: one that is to come before, and is not noted yet.
  func wait(at time: Instant, after earlier: Instant? = nil) -> Duration? {
    var window = window
    if let earlier { window.record(earlier) }
    return window.wait(at: time)
  }

  /// Goes on with the changes that the process before has kept. What was under way then may have arrived until now, or
  /// arrives as what this process tells the hardware first: it counts from when the hardware has taken that.
  mutating func recall(_ keeper: any ChangeKeeper, _ now: Instant) {
    self.keeper = keeper
    let left = keeper.changes(of: device)
    // A keeper that had no room for all has kept the newest: the others are not newer than the first of these.
    if let first = left.first, left.count == ActuatorChange.mostKept {
      for _ in left.count..<max(left.count, rate.count) { window.record(min(first.at, now)) }
    }
    for change in left { window.record(change.isUnderWay ? now : min(change.at, now)) }
    underWay = left.count(where: \.isUnderWay)
    isAway = left.last?.leadsAway ?? false
  }

  /// Counts a change that the hardware is about to be told of; it counts from when the hardware has taken it.
  mutating func note(_ now: Instant, leadsAway: Bool) {
    window.record(now)
    underWay += 1
    isAway = leadsAway
    keep()
  }

  /// The hardware has refused, and is told to be safe instead. A change that it was told of and has not taken stands for
  /// that one.
  mutating func fallBack(_ now: Instant) {
    if underWay == 0 { note(now, leadsAway: false) }
    isAway = false
  }

  /// The hardware has taken what it was told last: it changes only now, whenever it was told to.
  mutating func settled(_ now: Instant) {
    guard underWay > 0 else { return }
    window.postpone(underWay, to: now)
    underWay = 0
    keep()
  }

  private func keep() {
    guard let keeper else { return }
    let history = window.history.suffix(ActuatorChange.mostKept)
    let settled = history.count - underWay
    keeper.keep(
      history.enumerated().map { index, at in
        ActuatorChange(at: at, leadsAway: isAway && index == history.count - 1, isUnderWay: index >= settled)
      }, of: device)
  }
}
