import CEL
import Model

/// Times of day as instants: in the board's time zone, and at its place for the sun.
package struct BoardCalendar {
  /// Returns the seconds that local time is ahead of UTC, at a time in seconds since 1970.
  let offset: (Int64) -> Int
  /// Where the board is; nil when unknown, and then there is neither sunrise nor sunset.
  let place: Board.Place?

  /// A calendar.
  /// - Parameters:
  ///   - offset: returns the seconds that local time is ahead of UTC, at a time in seconds since 1970.
  ///   - place: where the board is; nil when unknown.
  package init(place: Board.Place? = nil, offset: @escaping (Int64) -> Int) {
    self.offset = offset
    self.place = place
  }

  /// Whether hours are open, and until when that stays so.
  struct Phase: Hashable {
    var isOpen: Bool
    /// In seconds since 1970; nil when it never changes within the next eight days.
    var ends: Int64?
  }

  /// How many days ahead a change is looked for.
  private static let foresight: Int64 = 8

  /// Whether `hours` are open at a time.
  ///
  /// A window belongs to the day on which it begins, and `weekdays` means that day. It includes its first instant, and
  /// not its last. One that is empty, or that has no sunrise or sunset on that day, stays shut.
  func phase(of hours: RuleHours, at now: Int64) -> Phase {
    let today = (now + Int64(offset(now))).dividedDown(by: 86_400)
    var isOpen = false
    var ends: Int64?
    for day in today - 1...today + Self.foresight {
      guard hours.weekdays.includes(Int((day + 4).remainderDown(by: 7))), let (from, to) = span(hours.window, day)
      else {
        continue
      }
      if from <= now, now < to { isOpen = true }
      for edge in [from, to] where edge > now && edge < ends ?? .max { ends = edge }
      if let ends, from > ends { break }
    }
    return Phase(isOpen: isOpen, ends: ends)
  }

  /// From when to when a window that begins on `day` is open, in seconds since 1970.
  private func span(_ window: DayWindow?, _ day: Int64) -> (Int64, Int64)? {
    guard let window else { return (instant(day: day, seconds: 0), instant(day: day + 1, seconds: 0)) }
    guard window.opens != window.closes, let from = instant(of: window.opens, day) else { return nil }
    guard let sameDay = instant(of: window.closes, day) else { return nil }
    if sameDay > from { return (from, sameDay) }
    // Both edges in one gap of the clock: the window is empty, not a day long.
    if case .clock(let opens) = window.opens, case .clock(let closes) = window.closes, closes > opens { return nil }
    return instant(of: window.closes, day + 1).map { (from, $0) }
  }

  /// A time of a day in seconds since 1970; nil where the sun does not rise or set on that day.
  /// - Parameter day: days since 1970-01-01, of the local date.
  package func instant(of time: DayTime, _ day: Int64) -> Int64? {
    switch time {
    case .clock(let minutes): return instant(day: day, seconds: Int64(minutes) * 60)
    case .sun(let sun, let shift):
      guard let place, let light = Sun.light(at: place, on: day) else { return nil }
      return (sun == .sunrise ? light.rise : light.set) + shift.components.seconds
    }
  }

  /// The first time at or after `now` that is the time of day `time`, in seconds since 1970; nil within a year.
  package func next(_ time: DayTime, after now: Int64) -> Int64? {
    let today = (now + Int64(offset(now))).dividedDown(by: 86_400)
    for day in today - 1...today + 366 {
      if let found = instant(of: time, day), found > now { return found }
    }
    return nil
  }

  /// A local time in seconds since 1970: the first pass of a repeated one, and the end of the gap for one that does not
  /// exist.
  func instant(day: Int64, seconds: Int64) -> Int64 {
    let local = day * 86_400 + seconds
    let (before, after) = (Int64(offset(local - 86_400)), Int64(offset(local + 86_400)))
    let first = local - max(before, after)
    let last = local - min(before, after)
    if Int64(offset(first)) == local - first { return first }
    if Int64(offset(last)) == local - last { return last }
    // The clock skips it: find the first second with the later offset.
    var (low, high) = (first, last)
    while low < high {
      let middle = low + (high - low) / 2
      if Int64(offset(middle)) == after { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
