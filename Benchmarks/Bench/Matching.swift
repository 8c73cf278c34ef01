import Linux
import Model
import Rules

/// The rate of the rule engine for a number of rules.
enum Matching {
  /// - Parameters:
  ///   - rules: the number of rules, each for an event of another name.
  ///   - events: the number of events; every hundredth matches a rule.
  /// - Returns: events a second.
  static func rate(rules: Int, events: Int) throws -> Double {
    let clock = ManualClock()
    let world = BenchWorld()
    let engine = RuleEngine(clock: clock, environment: world)
    let declarations = (0..<rules).map { number in
      RuleDeclaration(
        id: RuleID("rule-\(number)"), trigger: .events([EventPattern("sensor:s\(number)")]),
        condition: RuleDeclaration.Condition(text: "value > 30.0", location: Location(file: "<bench>")),
        actions: [.wake("agent")], mode: .parallel)
    }
    engine.replace(with: try RuleSet(compiling: declarations))
    world.engine = engine
    let stream = (0..<1000).map { number in
      Event(
        id: ULID(high: 1, low: UInt64(number)),
        type: number % 100 == 0 ? "sensor:s\(number % rules)" : "sensor:other\(number % 50)",
        payload: ["value": .double(31), "unit": "°C"])
    }
    let begin = System.monotonicNanoseconds()
    for round in 0..<events { engine.handle(stream[round % stream.count]) }
    let seconds = Double(System.monotonicNanoseconds() - begin) / 1e9
    precondition(world.fired > 0, "no rule fired: nothing was measured")
    return Double(events) / seconds
  }
}
