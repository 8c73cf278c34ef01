import CEL
import Rules
import Testing

@Suite struct CronScheduleTests {
  private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0) -> Int64 {
    CivilTime.days(year: year, month: month, day: day) * 86_400 + Int64(hour * 3600 + minute * 60)
  }

  private static func text(_ seconds: Int64?, ahead: Int = 0) -> String {
    guard let seconds else { return "never" }
    let civil = CivilTime(seconds: seconds + Int64(ahead))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(civil.year)-\(two(civil.month))-\(two(civil.day)) \(two(civil.hour)):\(two(civil.minute))"
  }

  @Test(arguments: [
    ("* * * * *", "2026-01-01 00:01"), ("*/5 * * * *", "2026-01-01 00:05"), ("0 0 * * *", "2026-01-02 00:00"),
    ("30 6 * * *", "2026-01-01 06:30"), ("0 8-18/2 * * *", "2026-01-01 08:00"), ("0 0 1 * *", "2026-02-01 00:00"),
    ("0 0 29 2 *", "2028-02-29 00:00"), ("0 0 31 * *", "2026-01-31 00:00"), ("0 12 * * mon", "2026-01-05 12:00"),
    ("0 12 * * 0", "2026-01-04 12:00"), ("0 12 * * 7", "2026-01-04 12:00"), ("0 12 * * SUN", "2026-01-04 12:00"),
    ("0 12 * * fri-sun", "2026-01-02 12:00"), ("0 12 * * sat,mon", "2026-01-03 12:00"),
    ("0 0 * jul *", "2026-07-01 00:00"),
    ("0 0 13 * fri", "2026-01-02 00:00"), ("5/20 * * * *", "2026-01-01 00:05"),
    ("1,2,50-52 * * * *", "2026-01-01 00:01"),
    ("@hourly", "2026-01-01 01:00"), ("@daily", "2026-01-02 00:00"), ("@midnight", "2026-01-02 00:00"),
    ("@weekly", "2026-01-04 00:00"), ("@monthly", "2026-02-01 00:00"), ("@yearly", "2027-01-01 00:00"),
    ("@Annually", "2027-01-01 00:00"), (" 0   0 * * * ", "2026-01-02 00:00"), ("59 23 31 12 *", "2026-12-31 23:59"),
  ])
  func next(_ schedule: String, _ wanted: String) throws {
    let next = try CronSchedule(schedule).next(after: Self.seconds(2026, 1, 1)) { _ in 0 }
    #expect(Self.text(next) == wanted)
  }

  @Test(arguments: [
    "", "* * * *", "* * * * * *", "60 * * * *", "-1 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *",
    "* * * 0 *", "* * * * 8", "*/0 * * * *", "*/x * * * *", "5-1 * * * *", "1,,2 * * * *", "a * * * *", "* * * foo *",
    "@reboot", "@never", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "1-2-3 * * * *", "1/2/3 * * * *", "* * * * mon-",
    "+1 * * * *",
  ])
  func isRefused(_ schedule: String) {
    #expect(throws: CronSchedule.Problem.self) { try CronSchedule(schedule) }
  }

  @Test func errorNamesTheExpectedValues() {
    let problem = #expect(throws: CronSchedule.Problem.self) { try CronSchedule("0 0 * foo *") }
    let ranges = "expected 1–12 or jan–dec, ranges (1-5), lists (1,3), steps (*/5) or *"
    #expect(problem?.message == "'foo' is not a valid month, \(ranges)")
  }

  @Test func everyDueTimeOfAYearMatchesTheFields() throws {
    let schedule = try CronSchedule("17 3 * * 1-5")
    var time = Self.seconds(2026, 1, 1)
    var count = 0
    while let next = schedule.next(after: time, offset: { _ in 0 }), next < Self.seconds(2027, 1, 1) {
      let civil = CivilTime(seconds: next)
      #expect(civil.hour == 3 && civil.minute == 17 && (1...5).contains(civil.weekday) && civil.second == 0)
      time = next
      count += 1
    }
    #expect(count == 261)
  }

  /// Central Europe in 2026: an hour ahead of UTC, two from 29 March 01:00 UTC to 25 October 01:00 UTC.
  private static func europe(_ time: Int64) -> Int {
    time >= seconds(2026, 3, 29, 1) && time < seconds(2026, 10, 25, 1) ? 7200 : 3600
  }

  private func times(_ schedule: String, from start: Int64, _ count: Int) throws -> [String] {
    let schedule = try CronSchedule(schedule)
    var time = start
    return (0..<count).map { _ in
      time = schedule.next(after: time, offset: Self.europe) ?? 0
      return Self.text(time, ahead: Self.europe(time))
    }
  }

  @Test func springSkipsAnHour() throws {
    let eve = Self.seconds(2026, 3, 28, 12)
    // 02:30 does not exist on the 29th: the entry is due in the first minute after the gap.
    #expect(try times("30 2 * * *", from: eve, 2) == ["2026-03-29 03:00", "2026-03-30 02:30"])
    #expect(try times("0 4 * * *", from: eve, 1) == ["2026-03-29 04:00"])
    #expect(try times("0 2,3 * * *", from: eve, 2) == ["2026-03-29 03:00", "2026-03-30 02:00"])
    let before = Self.seconds(2026, 3, 29, 0)
    #expect(try times("30 * * * *", from: before, 3) == ["2026-03-29 01:30", "2026-03-29 03:30", "2026-03-29 04:30"])
  }

  @Test func autumnRepeatsAnHour() throws {
    let eve = Self.seconds(2026, 10, 24, 12)
    #expect(try times("30 2 * * *", from: eve, 2) == ["2026-10-25 02:30", "2026-10-26 02:30"])
    let schedule = try CronSchedule("30 2 * * *")
    #expect(schedule.next(after: eve, offset: Self.europe) == Self.seconds(2026, 10, 25, 0, 30))
    // Every half hour: due in both passes.
    let before = Self.seconds(2026, 10, 24, 23, 45)
    #expect(
      try times("*/30 * * * *", from: before, 6) == [
        "2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 03:00",
        "2026-10-25 03:30",
      ])
  }

  /// An entry with a fixed time is due exactly once a day, on every day of a year, whatever daylight saving does.
  @Test func fixedTimeIsDueOnceEveryDay() throws {
    for hour in 0..<24 {
      let schedule = try CronSchedule("15 \(hour) * * *")
      var time = Self.seconds(2026, 1, 1) - 3600
      var days: Set<Int> = []
      var count = 0
      while let next = schedule.next(after: time, offset: Self.europe), next < Self.seconds(2027, 1, 1) - 3600 {
        days.insert(CivilTime(seconds: next + Int64(Self.europe(next))).dayOfYear)
        time = next
        count += 1
      }
      #expect(count == 365 && days.count == 365, "hour \(hour): \(count)")
    }
  }
}
