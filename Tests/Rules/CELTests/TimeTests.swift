import CEL
import Testing

@Suite struct TimeTests {
  @Test func arithmetic() {
    expect("timestamp('2026-01-01T00:00:00Z') + duration('24h') == timestamp('2026-01-02T00:00:00Z')", true)
    expect("duration('1h') + timestamp('2026-01-01T00:00:00Z') > timestamp('2026-01-01T00:00:00Z')", true)
    expect("timestamp('2026-03-01T00:00:00Z') - timestamp('2026-02-28T00:00:00Z') == duration('24h')", true)
    expect("timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-28T00:00:00Z') == duration('48h')", true)
    expect("timestamp('2026-01-01T00:00:00Z') - duration('1ns') < timestamp('2026-01-01T00:00:00Z')", true)
    expect("duration('1h') - duration('90m') == duration('-30m')", true)
    expect("timestamp('2026-01-01T02:00:00+02:00') == timestamp('2026-01-01T00:00:00Z')", true)
    expect("timestamp(1767225600) == timestamp('2026-01-01T00:00:00Z')", true)
    expect("duration('1h30m15s500ms2us3ns') == duration('5415500002003ns')", true)
    expect("duration('0') == duration('0s')", true)
    expect("duration('.5s') == duration('500ms')", true)
    expect("duration('1.0000000001h') > duration('1h')", true)
  }

  @Test func ranges() {
    for text in [
      "timestamp('9999-12-31T23:59:59Z') + duration('1s')", "timestamp('0001-01-01T00:00:00Z') - duration('1ns')",
      "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
      "duration('2562047h') + duration('2562047h')",
    ] {
      expectFailure(text, saying: "out of range")
    }
    for text in [
      "duration('soon')", "duration('1')", "duration('')", "duration('1x')", "duration('1h-1m')", "duration('-')",
      "duration('320000000000s')", "duration('9999999999999999h')", "duration('.s')",
      "timestamp('2026-02-29T00:00:00Z')",
      "timestamp('2026-01-01')", "timestamp('2026-01-01T24:00:00Z')", "timestamp('2026-01-01T00:00:00')",
      "timestamp('0000-01-01T00:00:00Z')", "timestamp('10000-01-01T00:00:00Z')", "timestamp('2026-13-01T00:00:00Z')",
      "timestamp('2026-01-01T00:00:00.Z')", "timestamp('2026-01-01T00:00:00+2')", "timestamp(999999999999999)",
    ] {
      expectRefused(text)
    }
    expectFailure("duration(x)", ["x": "soon"])
    expectFailure("timestamp(x)", ["x": "2026-01-01"])
  }

  @Test func getters() {
    let time = "timestamp('2009-02-13T23:31:30.123456789Z')"
    expect("\(time).getFullYear()", 2009)
    expect("\(time).getMonth()", 1)
    expect("\(time).getDate()", 13)
    expect("\(time).getDayOfMonth()", 12)
    expect("\(time).getDayOfWeek()", 5)
    expect("\(time).getDayOfYear()", 43)
    expect("\(time).getHours()", 23)
    expect("\(time).getMinutes()", 31)
    expect("\(time).getSeconds()", 30)
    expect("\(time).getMilliseconds()", 123)
    expect("\(time).getDate('+11:00')", 14)
    expect("\(time).getHours('02:00')", 1)
    expect("\(time).getHours('-00:30')", 23)
    expect("\(time).getHours('UTC')", 23)
    expect("timestamp('1969-12-31T23:59:59.5Z').getSeconds()", 59)
    expect("timestamp('1969-12-31T23:59:59.5Z').getMilliseconds()", 500)
    expect("duration('10000s').getHours()", 2)
    expect("duration('3730s').getMinutes()", 62)
    expect("duration('3730s').getSeconds()", 3730)
    expect("duration('123.321456789s').getMilliseconds()", 321)
    expect("duration('-90m').getHours()", -1)
    expectFailure("x.getHours('Mars/Olympus')", ["x": .timestamp(CELTimestamp(milliseconds: 0))], saying: "zone")
    expectFailure("x.getDate()", ["x": .duration(.seconds(1))])
    expectRefused("duration('1s').getDate()")
  }

  @Test func zonesOfTheScope() throws {
    struct Local: CELScope {
      func variable(_ name: String) -> CELValue? { .timestamp(CELTimestamp(milliseconds: 0)) }
      func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? { zone == "local" ? .seconds(3600) : nil }
    }
    #expect(try CELProgram("now.getHours('local')").evaluate(Local()) == 1)
  }

  /// Dates convert to days and back, and follow the Gregorian rules, over four centuries.
  @Test func calendar() {
    var weekday = 6  // 2000-01-01 was a Saturday.
    var days = CivilTime.days(year: 2000, month: 1, day: 1)
    #expect(days == 10_957)
    for year in 2000..<2400 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      for month in 1...12 {
        let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        #expect(CivilTime.length(ofMonth: month, year: year) == length)
        for day in [1, 2, length - 1, length] {
          let civil = CivilTime(seconds: (days + Int64(day - 1)) * 86_400 + 86_399)
          #expect((civil.year, civil.month, civil.day) == (year, month, day))
          #expect(civil.weekday == (weekday + day - 1) % 7)
          #expect((civil.hour, civil.minute, civil.second) == (23, 59, 59))
        }
        days += Int64(length)
        weekday = (weekday + length) % 7
      }
    }
  }
}
