import CEL
import Testing

@Suite struct ConditionPartTests {
  @Test func conditionsAreSplit() {
    #expect(ConditionPart("a > 1") == .leaf("a > 1"))
    #expect(ConditionPart("a && b || c") == .any([.all([.leaf("a"), .leaf("b")]), .leaf("c")]))
    #expect(
      ConditionPart("(a || b) && !(c && d)")
        == .all([.any([.leaf("a"), .leaf("b")]), .not(.all([.leaf("c"), .leaf("d")]))]))
    #expect(ConditionPart("!a && f(b && c)") == .all([.leaf("!a"), .leaf("f(b && c)")]))
    #expect(ConditionPart("a ? b && c : d") == .leaf("a ? b && c : d"))
    #expect(
      ConditionPart("'x && y' == s && [1, 2].exists(v, v > 1 || v < 0)").leaves == [
        "'x && y' == s", "[1, 2].exists(v, v > 1 || v < 0)",
      ])
    #expect(ConditionPart("((a))") == .leaf("a"))
  }

  @Test func everyPartCompilesByItself() throws {
    for text in [
      "sensor('a') < 3.0 && (input('b') || !(reading('c').good && now.getHours('local') > 3))",
      "  a  \n&&\n  b // why\n", "between('06:00', '08:00') || vars.x == 'a || b'",
    ] {
      for leaf in ConditionPart(text).leaves { #expect(throws: Never.self) { try CELProgram(leaf, functions: .rules) } }
    }
  }

  @Test func comparisonsHaveTwoSides() throws {
    let sides = try #require(ConditionPart.comparison("sensor('soil') < 30"))
    #expect(sides == ("sensor('soil')", "<", "30"))
    #expect(ConditionPart.comparison("f(a < b)") == nil)
    #expect(ConditionPart.comparison("a") == nil)
  }

  /// Nothing that people type makes the splitting fail.
  @Test func anyTextIsTaken() {
    let pieces = ["a", "&&", "||", "!", "(", ")", "[", "]", "?", ":", "'", "1", ".", " ", "\n", "{", "}", ","]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }
        .joined()
      _ = ConditionPart(text).text
    }
  }
}

@Suite struct TimedComparisonTests {
  /// A scope at a moment, which notes when results change.
  private final class Moment: CELScope {
    let now: CELTimestamp
    let age: Duration
    private(set) var changes: [Duration] = []
    init(seconds: Int64, age: Duration = .zero) {
      now = CELTimestamp(sinceEpoch: .seconds(seconds))!
      self.age = age
    }
    func variable(_ name: String) -> CELValue? { name == "now" ? .timestamp(now) : nil }
    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
      .map(CELMap(named: [("age", .duration(age)), ("good", true)]))
    }
    func resultChanges(after time: Duration) { changes.append(time) }
    func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? { .seconds(3600) }
  }

  private func changes(_ text: String, at seconds: Int64, age: Duration = .zero) throws -> (CELValue, [Duration]) {
    let moment = Moment(seconds: seconds, age: age)
    let value = try CELProgram(text, functions: .rules, variables: ["now", "vars"], isForeseeable: true).evaluate(
      moment)
    return (value, moment.changes)
  }

  @Test func differencesSayWhenTheyCross() throws {
    let t = "timestamp('1970-01-01T01:00:00Z')"
    #expect(try changes("now - \(t) > duration('10m')", at: 3600) == (false, [.seconds(600)]))
    #expect(try changes("now - \(t) > duration('10m')", at: 4200) == (false, [.milliseconds(1)]))
    #expect(try changes("now - \(t) > duration('10m')", at: 4300) == (true, []))
    #expect(try changes("now < \(t)", at: 3000) == (true, [.seconds(600)]))
    #expect(try changes("\(t) - now < duration('1m')", at: 3000) == (false, [.seconds(540)]))
    #expect(try changes("reading('x').age > duration('10m')", at: 0, age: .seconds(90)) == (false, [.seconds(510)]))
    #expect(try changes("duration('10m') <= reading('x').age", at: 0, age: .seconds(90)) == (false, [.seconds(510)]))
    #expect(try changes("reading('x').good", at: 0) == (true, []))
  }

  @Test func calendarsSayTheNextEdge() throws {
    #expect(try changes("now.getHours() >= 22", at: 7200 + 60) == (false, [.seconds(3540)]))
    #expect(try changes("now.getMinutes() == 3", at: 7200 + 61) == (false, [.seconds(59)]))
    #expect(try changes("now.getDayOfWeek('Some/Zone') == 0", at: 1800) == (false, [.seconds(1800)]))
  }

  @Test func whatCannotBeForeseenIsRefused() {
    for text in [
      "now.getSeconds() > 3", "string(now) == 'x'", "size([now]) == 1", "now.getHours() > now.getMinutes()",
      "now.getHours() * 2 > 3", "[now].exists(t, t > timestamp('1970-01-01T01:00:00Z'))",
      "cel.bind(t, now, t > timestamp('1970-01-01T01:00:00Z'))",
    ] {
      #expect(throws: CELError.self, "\(text)") {
        try CELProgram(text, functions: .rules, variables: ["now", "vars"], isForeseeable: true)
      }
    }
  }
}
