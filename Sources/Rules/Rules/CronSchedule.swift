import CEL

/// The five fields of crontab(5): minute, hour, day of month, month, day of week, in local time.
///
/// Daylight saving: an entry in the hour that is skipped in spring is due in the first minute after it; an entry in the
/// hour that is repeated in autumn is due only the first time. Entries whose hour field is `*` or `*/n` are an
/// exception: their skipped minutes are not made up for, and they are due in both passes of the repeated hour.
package struct CronSchedule: Sendable, Hashable {
  /// Why a schedule is invalid.
  package struct Problem: Error, Sendable, Hashable {
    /// The error and the expected form, one sentence without a full stop.
    package var message: String
  }

  // One bit for each value.
  private let minutes: UInt64
  private let hours: UInt32
  private let days: UInt32
  private let months: UInt16
  private let weekdays: UInt8
  /// When both day fields are restricted, a match of either is enough (crontab(5)).
  private let eitherDay: Bool
  private let followsHours: Bool

  private static let shorthands = [
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
  ]

  /// Parses a schedule, such as `*/5 8-18 * * mon-fri` or `@daily`.
  /// - Throws: which field is invalid and what it accepts, or that the date never occurs.
  package init(_ text: String) throws(Problem) {
    let trimmed = text.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
    if trimmed.hasPrefix("@"), Self.shorthands[trimmed] == nil {
      throw Problem(
        message:
          "unknown '\(trimmed)', expected five fields or \(Self.shorthands.keys.sorted().joined(separator: ", "))")
    }
    let fields = (Self.shorthands[trimmed] ?? trimmed).split(separator: " ")
    guard fields.count == 5 else {
      throw Problem(message: "\(fields.count) fields, expected five: minute, hour, day of month, month, day of week")
    }
    minutes = try CronField(name: "minute", range: 0...59).read(fields[0])
    hours = UInt32(try CronField(name: "hour", range: 0...23).read(fields[1]))
    days = UInt32(try CronField(name: "day of month", range: 1...31).read(fields[2]))
    months = UInt16(try CronField.month.read(fields[3]))
    let weekdays = try CronField.weekday.read(fields[4])
    // Both 0 and 7 are Sunday.
    self.weekdays = UInt8((weekdays | weekdays >> 7) & 0x7F)
    eitherDay = fields[2].first != "*" && fields[4].first != "*"
    followsHours = fields[1].first == "*"
    // Eight years contain every date, even around a century year without a leap day.
    guard next(after: 1_767_225_600, offset: { _ in 0 }) != nil else {
      throw Problem(message: "this date never occurs")
    }
  }

  /// The next time the schedule is due.
  /// - Parameters:
  ///   - seconds: since 1970; the result is after the minute that contains it.
  ///   - offset: returns the seconds that local time is ahead of UTC, at a time in seconds since 1970.
  /// - Returns: seconds since 1970, a whole minute; nil when there is none within about eight years.
  package func next(after seconds: Int64, offset: (Int64) -> Int) -> Int64? {
    var time = seconds - (seconds % 60 + 60) % 60
    let last = time + 2_923 * 86_400
    var ahead = offset(time)
    while time <= last {
      let local = time + Int64(ahead)
      let civil = CivilTime(seconds: local)
      // Go to the next matching minute of this hour, or else to the next hour.
      let fits = matchesDay(civil) && hours >> civil.hour & 1 == 1
      let own = fits ? (civil.minute + 1..<60).first { minutes >> $0 & 1 == 1 } : nil
      let minute = own ?? 60
      var following = time + Int64(minute - civil.minute) * 60
      var aheadThen = offset(following)
      if aheadThen != ahead {
        // The UTC offset changes on the way: go minute by minute.
        following = time + 60
        aheadThen = offset(following)
      }
      if aheadThen > ahead, !followsHours, skips(local + 60, before: following + Int64(aheadThen)) { return following }
      time = following
      ahead = aheadThen
      if matches(CivilTime(seconds: time + Int64(ahead))), followsHours || !isSecondPass(time, ahead, offset) {
        return time
      }
    }
    return nil
  }

  private func matchesDay(_ civil: CivilTime) -> Bool {
    guard months >> civil.month & 1 == 1 else { return false }
    let day = days >> civil.day & 1 == 1
    let weekday = weekdays >> civil.weekday & 1 == 1
    return eitherDay ? day || weekday : day && weekday
  }

  private func matches(_ civil: CivilTime) -> Bool {
    minutes >> civil.minute & 1 == 1 && hours >> civil.hour & 1 == 1 && matchesDay(civil)
  }

  /// Whether an entry falls into the local minutes that the clock skips, from `first` to before `end`.
  private func skips(_ first: Int64, before end: Int64) -> Bool {
    stride(from: first, to: min(end, first + 10_800), by: 60).contains { matches(CivilTime(seconds: $0)) }
  }

  /// Whether local time shows this minute for the second time, because the clock went back within the last three hours.
  private func isSecondPass(_ time: Int64, _ ahead: Int, _ offset: (Int64) -> Int) -> Bool {
    let earlier = offset(time - 10_800)
    guard earlier > ahead else { return false }
    let first = time - Int64(earlier - ahead)
    return offset(first) == earlier
  }
}

/// The parser of one field of a schedule.
struct CronField {
  let name: String
  let range: ClosedRange<Int>
  var names: [String] = []

  static let month = CronField(
    name: "month", range: 1...12,
    names: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
  static let weekday = CronField(
    name: "day of week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])

  /// Parses `*`, `5`, `1-5`, `*/15`, `8-18/2`, `mon-fri` and lists of these.
  /// - Returns: a bit mask of the values.
  func read(_ text: Substring) throws(CronSchedule.Problem) -> UInt64 {
    var bits: UInt64 = 0
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = part.split(separator: "/", omittingEmptySubsequences: false)
      let step = halves.count == 1 ? 1 : Int(halves[1]) ?? 0
      guard halves.count <= 2, (1...range.upperBound + 1).contains(step) else { throw problem(part) }
      let span: ClosedRange<Int>
      if halves[0] == "*" {
        span = range
      } else {
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = number(ends[0]), let given = number(ends[ends.count - 1]) else {
          throw problem(part)
        }
        // In `fri-sun` Sunday is 7; `5/10` means from 5 to the end of the range.
        var last = given
        if names.first == "sun", ends.count == 2, last == 0, first > 0 { last = 7 }
        if ends.count == 1, halves.count == 2 { last = range.upperBound }
        guard first <= last else { throw problem(part) }
        span = first...last
      }
      for value in stride(from: span.lowerBound, through: span.upperBound, by: step) { bits |= 1 << UInt64(value) }
    }
    return bits
  }

  private func number(_ text: Substring) -> Int? {
    if let named = names.firstIndex(of: String(text)), !text.isEmpty { return named }
    guard text.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(text), range.contains(number) else {
      return nil
    }
    return number
  }

  private func problem(_ part: Substring) -> CronSchedule.Problem {
    let words = names.filter { !$0.isEmpty }
    let also = words.isEmpty ? "" : " or \(words[0])–\(words[words.count - 1])"
    return CronSchedule.Problem(
      message: "'\(part)' is not a valid \(name), expected \(range.lowerBound)–\(range.upperBound)\(also), "
        + "ranges (1-5), lists (1,3), steps (*/5) or *")
  }
}
