/// The rule for the times after the last transition of a time zone file: the value of TZ in POSIX.1-2017, section 8.3,
/// with the extensions of RFC 8536, section 3.3.1, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct TimeZoneRule: Sendable {
  /// The offsets that a zone may have, in seconds.
  static let offsets = -89_999...93_599

  /// A day of each year, and a time on it, in seconds of local time from its beginning.
  private struct Change {
    enum Day {
      /// From 1 to 365; the 29th of February is not counted.
      case julian(Int)
      /// From 0 to 365.
      case ordinal(Int)
      /// The first to fourth of a weekday in a month, or the last one if `week` is 5. Sunday is 0.
      case weekday(Int, week: Int, month: Int)
    }

    let day: Day
    let time: Int64
  }

  private let standard: Int
  private let saving: Int
  /// When daylight saving time begins and ends; nil without it.
  private let changes: (begin: Change, end: Change)?

  /// - Returns: nil when the text is not such a rule.
  init?(_ text: ArraySlice<UInt8>) {
    var text = text
    guard Self.skipName(&text), let standard = Self.offset(&text) else { return nil }
    self.standard = -standard
    guard !text.isEmpty else {
      (saving, changes) = (-standard, nil)
      return
    }
    guard Self.skipName(&text) else { return nil }
    if text.first == UInt8(ascii: ",") {
      saving = 3600 - standard
    } else {
      guard let offset = Self.offset(&text) else { return nil }
      saving = -offset
    }
    guard let begin = Self.change(&text), let end = Self.change(&text), text.isEmpty else { return nil }
    changes = (begin, end)
  }

  /// How far local time is ahead of UTC, in seconds, at a moment in seconds since 1970.
  func utcOffset(at seconds: Int64) -> Int {
    guard let changes else { return standard }
    let year = CivilTime(seconds: seconds + Int64(standard)).year
    let begin = Self.moment(changes.begin, year) - Int64(standard)
    let end = Self.moment(changes.end, year) - Int64(saving)
    let isSaving =
      begin < end ? begin <= seconds && seconds < end : !(end <= seconds && seconds < begin)
    return isSaving ? saving : standard
  }

  /// The local time of a change, in seconds since 1970.
  private static func moment(_ change: Change, _ year: Int) -> Int64 {
    let newYear = CivilTime.days(year: year, month: 1, day: 1)
    let day: Int64
    switch change.day {
    case .julian(let number):
      let isLater = number >= 60 && CivilTime.length(ofMonth: 2, year: year) == 29
      day = newYear + Int64(number - 1) + (isLater ? 1 : 0)
    case .ordinal(let number): day = newYear + Int64(number)
    case .weekday(let weekday, let week, let month):
      let first = CivilTime.days(year: year, month: month, day: 1)
      // 1970-01-01 was a Thursday.
      let offset = (Int64(weekday) - first - 4).remainderDown(by: 7) + Int64(week - 1) * 7
      day = first + (offset < Int64(CivilTime.length(ofMonth: month, year: year)) ? offset : offset - 7)
    }
    return day * 86_400 + change.time
  }

  // MARK: Reading

  /// Three letters or more, or anything between `<` and `>`.
  private static func skipName(_ text: inout ArraySlice<UInt8>) -> Bool {
    if text.first == UInt8(ascii: "<") {
      guard let end = text.firstIndex(of: UInt8(ascii: ">")) else { return false }
      text = text[(end + 1)...]
      return true
    }
    let name = text.prefix { $0 | 32 >= UInt8(ascii: "a") && $0 | 32 <= UInt8(ascii: "z") }
    text = text.dropFirst(name.count)
    return name.count >= 3
  }

  /// Seconds west of UTC.
  private static func offset(_ text: inout ArraySlice<UInt8>) -> Int? {
    guard let time = time(&text, mostHours: 24), offsets.contains(-Int(time)) else { return nil }
    return Int(time)
  }

  /// `[+-]hh[:mm[:ss]]`, in seconds.
  private static func time(_ text: inout ArraySlice<UInt8>, mostHours: Int) -> Int64? {
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative || text.first == UInt8(ascii: "+") { text = text.dropFirst() }
    guard let hours = number(&text, upTo: mostHours) else { return nil }
    var seconds = Int64(hours) * 3600
    for unit: Int64 in [60, 1] where text.first == UInt8(ascii: ":") {
      text = text.dropFirst()
      guard let part = number(&text, upTo: 59) else { return nil }
      seconds += Int64(part) * unit
    }
    return isNegative ? -seconds : seconds
  }

  /// `,M10.5.0/3`
  private static func change(_ text: inout ArraySlice<UInt8>) -> Change? {
    guard text.popFirst() == UInt8(ascii: ","), let day = day(&text) else { return nil }
    guard text.first == UInt8(ascii: "/") else { return Change(day: day, time: 7200) }
    text = text.dropFirst()
    return time(&text, mostHours: 167).map { Change(day: day, time: $0) }
  }

  private static func day(_ text: inout ArraySlice<UInt8>) -> Change.Day? {
    switch text.first {
    case UInt8(ascii: "J"):
      text = text.dropFirst()
      guard let number = number(&text, upTo: 365), number > 0 else { return nil }
      return .julian(number)
    case UInt8(ascii: "M"):
      text = text.dropFirst()
      guard let month = number(&text, upTo: 12), month > 0, text.popFirst() == UInt8(ascii: "."),
        let week = number(&text, upTo: 5), week > 0, text.popFirst() == UInt8(ascii: "."),
        let weekday = number(&text, upTo: 6)
      else { return nil }
      return .weekday(weekday, week: week, month: month)
    default: return number(&text, upTo: 365).map { .ordinal($0) }
    }
  }

  /// At most three digits.
  private static func number(_ text: inout ArraySlice<UInt8>, upTo most: Int) -> Int? {
    let digits = text.prefix(3).prefix(while: isDigit)
    text = text.dropFirst(digits.count)
    let number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    return digits.isEmpty || number > most ? nil : number
  }
}
