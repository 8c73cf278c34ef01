/// A comparison whose result changes as time passes. An evaluation tells the scope when it will change.
struct TimedComparison: Sendable {
  enum Kind: Sendable {
    case order(Order)
    case equal(negated: Bool)
  }

  /// When the result changes.
  enum Change: Sendable {
    /// When the sides are equal; the left one gains `rate` seconds a second on the right one.
    case crossing(rate: Int)
    /// At the next minute, hour or day in a time zone; UTC without one.
    case calendar(Unit, zone: Node?)
  }

  /// What a getter of a timestamp counts.
  enum Unit: Sendable {
    case minute
    case hour
    case day

    /// - Returns: nil for getters that count shorter times, and for other functions.
    init?(getter: String) {
      switch getter {
      case "getMinutes": self = .minute
      case "getHours": self = .hour
      case "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getMonth", "getFullYear": self = .day
      default: return nil
      }
    }

    /// In seconds.
    var length: Int64 {
      switch self {
      case .minute: 60
      case .hour: 3600
      case .day: 86_400
      }
    }
  }

  let kind: Kind
  let left: Node
  let right: Node
  let change: Change

  func evaluate(_ offset: Int, _ frame: inout Frame) throws(CELError) -> CELValue {
    let (left, right) = (try left.evaluate(&frame), try right.evaluate(&frame))
    switch change {
    case .crossing(let rate):
      if let lead = Self.lead(left, right) {
        // The left side is ahead by `lead`, so the sides meet when that has melted away.
        let wait = Duration.nanoseconds(-lead.nanosecondsClamped / Int64(rate))
        if wait >= .zero { frame.scope.resultChanges(after: max(wait, .milliseconds(1))) }
      }
    case .calendar(let unit, let zone):
      let now = frame.scope.variable("now")
      if case .timestamp(let time)? = now {
        var local = time.seconds
        if let zone, case .string(let name) = try zone.evaluate(&frame) {
          local +=
            TimeText.zone(named: name) ?? frame.scope.utcOffset(name, at: time)?.components.seconds ?? 0
        }
        // At an hour at the latest: summer time may begin or end there.
        let length = min(unit.length, 3600)
        let rest = length - local.remainderDown(by: length)
        frame.scope.resultChanges(after: .seconds(rest) - .nanoseconds(time.nanoseconds))
      }
    }
    switch kind {
    case .order(let order): return try Node.order(order, left, right, offset, &frame)
    case .equal(let negated):
      let same = CELValue.equal(left, right, &frame.steps)
      try frame.charge(0, offset)
      return .bool(same != negated)
    }
  }

  /// How far the left side is ahead of the right one; nil for values that are not times.
  private static func lead(_ left: CELValue, _ right: CELValue) -> Duration? {
    switch (left, right) {
    case (.duration(let left), .duration(let right)): left - right
    case (.timestamp(let left), .timestamp(let right)): left.sinceEpoch - right.sinceEpoch
    default: nil
    }
  }
}

extension Duration {
  /// In nanoseconds, within 292 years.
  fileprivate var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if isOver { return seconds < 0 ? .min + 1 : .max }
    let (sum, isOverToo) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isOverToo ? (seconds < 0 ? .min + 1 : .max) : sum
  }
}
