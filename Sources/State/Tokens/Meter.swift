import Model

/// The use of one account within the windows of one limit.
final class Meter {
  /// Identifies a meter, also over restarts.
  struct Key: Hashable {
    var account: String
    var unit: TokenLimit.Unit
    /// Milliseconds; nil for a total.
    var window: UInt64?

    init(account: String, unit: TokenLimit.Unit, window: UInt64?) {
      self.account = account
      self.unit = unit
      self.window = window
    }

    init(_ account: String, _ limit: TokenLimit) {
      let window = limit.per.map { UInt64($0.nanoseconds / 1_000_000) }
      self.init(account: account, unit: limit.unit, window: window)
    }

    /// The number of the period at a time; 0 for a total.
    func period(at time: UInt64) -> UInt64 { window.map { time / $0 } ?? 0 }
  }

  let key: Key
  /// nil while no limit uses it.
  var limit: Int64?
  /// The period to which all amounts belong.
  var period: UInt64 = 0
  /// Charged.
  var spent: Int64 = 0
  /// Admitted and not ended: what waits for the disk, and what was sent.
  var held: Int64 = 0
  /// The part of `held` that was sent.
  var sent: Int64 = 0
  /// What is certainly on the disk for this period; 0 for nothing.
  var mark: Int64 = 0
  /// What was last written to the disk, or read from it.
  var stored: (period: UInt64, mark: Int64)?
  var level = TokenLevel.normal
  /// Its number in the present journal; nil when that does not have it.
  var number: UInt32?

  init(_ key: Key) { self.key = key }

  /// When the present period ends; nil for a total.
  var end: UInt64? { key.window.map { (period + 1) * $0 } }

  /// Whether a reservation made at `time` counts in the present period.
  func counts(_ time: UInt64) -> Bool { key.period(at: time) == period }

  func begin(_ period: UInt64) {
    self.period = period
    spent = 0
    held = 0
    sent = 0
    mark = 0
  }

  /// Takes what the disk says as used, because nothing else is known.
  func takeMark(at time: UInt64) {
    period = key.period(at: time)
    // A later period than the present one: the clock was wrong then, or is wrong now. What was used still counts.
    if let stored, stored.period >= period { spent = stored.mark }
    noteStored()
  }

  /// Recomputes `mark` for the present period.
  func noteStored() { mark = stored.map { $0.period == period ? $0.mark : 0 } ?? 0 }

  /// Whether its mark is one of a period that has not begun, from a time when the clock was wrong.
  var isMarkedAhead: Bool { stored.map { $0.period > period } ?? false }

  /// The limit for people; 0 when there is none any more.
  var limitValue: TokenLimit {
    TokenLimit(key.unit, limit ?? 0, per: key.window.map { .milliseconds(Int64(clamping: $0)) })
  }

  /// The level that the use leads up to.
  var reached: TokenLevel {
    guard let limit, spent > 0 else { return .normal }
    if spent >= limit { return .exhausted }
    return Double(spent) >= 0.8 * Double(limit) ? .warned : .normal
  }

  /// The level that remains after the use has become less, or the limit has changed.
  var kept: TokenLevel {
    guard let limit, Double(spent) >= 0.6 * Double(limit), spent > 0 else { return .normal }
    return max(reached, min(level, .warned))
  }
}
