import Linux
import Model
import Rules

/// The cost of state rules, and of one condition.
enum StateMatching {
  /// The rate of changes with half of the rules state rules and half event rules, each about a sensor of its own. One
  /// change in a hundred is of a sensor that rules name, and begins or ends a state rule.
  /// - Returns: events a second.
  static func rate(rules: Int, events: Int) throws -> Double {
    let (world, engine) = try load(rules)
    let stream = (0..<1000).map { number -> (Event, DeviceID) in
      let sensor = number % 100 == 0 ? "s\(number / 100 * 2 % max(rules, 2))" : "other\(number % 50)"
      return (
        Event(
          id: ULID(high: 1, low: UInt64(number)), type: "sensor:\(sensor)",
          payload: ["value": .double(31), "unit": "°C"]), DeviceID(sensor)
      )
    }
    let begin = System.monotonicNanoseconds()
    for round in 0..<events {
      let (event, device) = stream[round % stream.count]
      if round % 100 == 0 { world.sensors[device.rawValue] = round / 1000 % 2 == 0 ? 31 : 29 }
      engine.changed(.device(device))
      engine.handle(event)
    }
    let seconds = Double(System.monotonicNanoseconds() - begin) / 1e9
    precondition(world.begun > 0 && world.fired > 0, "no rule acted: nothing was measured")
    return Double(events) / seconds
  }

  /// One evaluation of `value > 30.0 && sensor('door') == 1.0`, in nanoseconds.
  static func evaluation(times: Int) throws -> Double {
    let world = BenchWorld()
    world.sensors = ["door": 0]
    let engine = RuleEngine(clock: ManualClock(), environment: world)
    world.engine = engine
    engine.replace(
      with: try RuleSet(compiling: [
        RuleDeclaration(
          id: "door", trigger: .events([EventPattern("sensor:t")]),
          condition: .init(text: "value > 30.0 && sensor('door') == 1.0", location: Location(file: "<bench>")),
          actions: [.wake("agent")])
      ]))
    let event = Event(id: ULID(high: 1, low: 1), type: "sensor:t", payload: ["value": .double(31)])
    let begin = System.monotonicNanoseconds()
    for _ in 0..<times { engine.handle(event) }
    let spent = Double(System.monotonicNanoseconds() - begin)
    precondition(engine.evaluations == UInt64(times), "not every event was evaluated")
    return spent / Double(times)
  }

  private static func load(_ rules: Int) throws -> (BenchWorld, RuleEngine) {
    let world = BenchWorld()
    let engine = RuleEngine(clock: ManualClock(), environment: world)
    world.engine = engine
    for number in 0..<rules { world.sensors["s\(number)"] = 29 }
    let place = Location(file: "<bench>")
    engine.replace(
      with: try RuleSet(
        compiling: (0..<rules).map { number in
          if number % 2 == 0 {
            var state = StateRule(begins: .init(text: "sensor('s\(number)') > 30.0", location: place))
            state.keep = [.init("fan", .fixed(1))]
            return RuleDeclaration(id: RuleID("state-\(number)"), trigger: .state(state), actions: [], location: place)
          }
          // An event rule on the sensor of the state rule before it.
          return RuleDeclaration(
            id: RuleID("event-\(number)"), trigger: .events([EventPattern("sensor:s\(number - 1)")]),
            condition: .init(text: "value > 30.0", location: place), actions: [.wake("agent")], mode: .parallel,
            location: place)
        }))
    return (world, engine)
  }
}
