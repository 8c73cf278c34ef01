import Model
import Rules
import Testing

@testable import Rules

@Suite struct BoardCalendarTests {
  private let utc = BoardCalendar { _ in 0 }

  /// Days from 1970-01-01.
  private static let monday: Int64 = 20_605  // 2026-06-01

  private func hours(_ opens: String, _ closes: String, _ days: Weekdays = .all) throws -> RuleHours {
    let (from, to) = (try #require(DayTime(opens)), try #require(DayTime(closes)))
    return RuleHours(window: DayWindow(from, to), weekdays: days)
  }

  private func isOpen(_ hours: RuleHours, _ day: Int64, _ minutes: Int64, _ calendar: BoardCalendar? = nil) -> Bool {
    (calendar ?? utc).phase(of: hours, at: day * 86_400 + minutes * 60).isOpen
  }

  @Test func windowsAreHalfOpen() throws {
    let hours = try hours("06:00", "08:00")
    for (minutes, wanted) in [(359, false), (360, true), (479, true), (480, false)] as [(Int64, Bool)] {
      #expect(isOpen(hours, Self.monday, minutes) == wanted, "\(minutes)")
    }
    let phase = utc.phase(of: hours, at: Self.monday * 86_400 + 7 * 3600)
    #expect(phase.ends == Self.monday * 86_400 + 8 * 3600)
    #expect(utc.phase(of: hours, at: Self.monday * 86_400 + 9 * 3600).ends == (Self.monday + 1) * 86_400 + 6 * 3600)
  }

  @Test func windowsOverMidnightBelongToTheDayTheyBegan() throws {
    // Sunday night into Monday.
    let hours = try hours("22:00", "06:00", Weekdays("sun") ?? .all)
    #expect(isOpen(hours, Self.monday - 1, 23 * 60) && isOpen(hours, Self.monday, 5 * 60))
    #expect(!isOpen(hours, Self.monday, 23 * 60) && !isOpen(hours, Self.monday - 1, 5 * 60))
  }

  @Test func emptyWindowsStayShut() throws {
    let hours = try hours("07:00", "07:00")
    for minutes: Int64 in stride(from: 0, to: 1440, by: 30) { #expect(!isOpen(hours, Self.monday, minutes)) }
  }

  @Test func daysAlone() {
    let weekend = RuleHours(weekdays: Weekdays("sat-sun") ?? .all)
    #expect(isOpen(weekend, Self.monday - 1, 0) && !isOpen(weekend, Self.monday, 0))
    #expect(utc.phase(of: weekend, at: Self.monday * 86_400).ends == (Self.monday + 5) * 86_400)
  }

  @Test func theSunOfBerlin() throws {
    let berlin = BoardCalendar(place: Board.Place(latitude: 52.52, longitude: 13.405)) { _ in 7200 }
    // 2026-06-21: 04:43 and 21:33 in summer time.
    let day = Self.monday + 20
    for (text, minutes) in [("sunrise", 4 * 60 + 43), ("sunset", 21 * 60 + 33), ("sunset - 30m", 21 * 60 + 3)] {
      let time = try #require(DayTime(text))
      let found = try #require(berlin.instant(of: time, day))
      let local = Int(found + 7200 - day * 86_400) / 60
      #expect((local - minutes).magnitude <= 3, "\(text): \(local / 60):\(local % 60)")
    }
    #expect(isOpen(try hours("sunset", "sunrise"), day, 12 * 60, berlin) == false)
    #expect(isOpen(try hours("sunset", "sunrise"), day, 60, berlin))
  }

  @Test func withoutASunsetWindowsStayShut() throws {
    // Tromsø at midsummer, and a board whose place is unknown.
    let north = BoardCalendar(place: Board.Place(latitude: 69.65, longitude: 18.96)) { _ in 7200 }
    for calendar in [north, utc] {
      for minutes: Int64 in stride(from: 0, to: 1440, by: 60) {
        #expect(!isOpen(try hours("sunset", "23:59"), Self.monday + 20, minutes, calendar))
      }
    }
  }

  @Test func theNextTimeOfDay() throws {
    let seven = try #require(DayTime("07:00"))
    #expect(utc.next(seven, after: Self.monday * 86_400) == Self.monday * 86_400 + 7 * 3600)
    #expect(utc.next(seven, after: Self.monday * 86_400 + 7 * 3600) == (Self.monday + 1) * 86_400 + 7 * 3600)
  }

  @Test func timesOfDayAreRead() {
    for text in ["7:05", "07:05", "24:00", "sunrise", "sunset-30m", "sunset - 30m", "sunrise + 1h30m"] {
      #expect(DayTime(text) != nil, "\(text)")
    }
    for text in ["7", "7:5", "25:00", "24:01", "12:60", "-1:00", "sunst", "sunset -", "sunset - 13h", "sunset 30m", ""]
    {
      #expect(DayTime(text) == nil, "\(text)")
    }
    #expect(DayTime("sunset-30m")?.text == "sunset - 30m" && DayTime("7:05")?.text == "07:05")
    #expect(Weekdays("mon-fri")?.text == "mon, tue, wed, thu, fri" && Weekdays("sat-mon")?.text == "sun, mon, sat")
    for text in ["mo", "mom", "mon-", "mon-fri-sun", "", "monda"] { #expect(Weekdays(text) == nil, "\(text)") }
  }

  /// At every hour of two years of summer time: the phase's end is the next change, to the second.
  @Test func phasesEndWhenTheyChange() throws {
    // Summer time in the northern way: from day 88 to day 298 of each year.
    let offset: (Int64) -> Int = { seconds in
      let day = seconds / 86_400 % 365
      return (88..<298).contains(day) ? 7200 : 3600
    }
    let calendar = BoardCalendar(offset: offset)
    let all = [
      try hours("02:30", "05:00"), try hours("22:00", "06:00"), try hours("00:00", "24:00", Weekdays("wed") ?? .all),
      RuleHours(weekdays: Weekdays("mon-tue") ?? .all),
    ]
    for hours in all {
      for hour in stride(from: Int64(0), to: 730 * 24, by: 5) {
        let now = Self.monday * 86_400 + hour * 3600
        let phase = calendar.phase(of: hours, at: now)
        let end = try #require(phase.ends)
        #expect(end > now)
        #expect(calendar.phase(of: hours, at: end - 1).isOpen == phase.isOpen)
      }
    }
  }
}

@Suite struct RuleMemoryTests {
  @Test func everyMemoryIsReadBack() {
    for bits in 0..<8 {
      var memory = RuleMemory()
      (memory.lasts, memory.isStopped, memory.isDisabled) = (bits & 1 == 1, bits & 2 == 2, bits & 4 == 4)
      (memory.period, memory.spent) = (Int64(bits) - 3, Int64(bits) * 1000)
      if memory.isStopped { memory.outputs = ["lamp", "fan"] }
      #expect(RuleMemory(memory.text) == memory)
    }
    for text in ["", "l", "l 1", "l 1 -1", "x 1 1", "l 1 1 1", "l a 1"] { #expect(RuleMemory(text) == nil, "\(text)") }
  }
}
