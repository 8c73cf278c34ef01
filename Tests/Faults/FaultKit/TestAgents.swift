import Agent
import Model

/// The agents of a run: two bystanders without faults, and victims that misbehave.
enum TestAgents {
  /// The agents whose response is measured.
  static let bystanders: [AgentID] = ["bystander", "neighbour"]
  /// The agents that faults affect.
  static let victims: [AgentID] = ["rogue", "worker", "lodger", "resident", "once"]
  /// The agents that clients release from quarantine, including the WASM agents.
  static let patients = victims + ["gauge", "spinner", "dawdler", "hoarder", "thrower", "shouter"]
  /// The agents that clients register and unregister.
  static let guests: [AgentID] = ["guest1", "guest2", "guest3"]

  /// The event budget of each agent.
  static let eventsPerSecond = 20

  static let configured: [Manifest] = [
    agent("bystander", .inProcess, ["probe:tick"], priority: .high),
    agent("neighbour", .process, ["probe:tick"], priority: .high),
    agent("rogue", .process, ["work:*", "input:button"]),
    agent("worker", .process, ["sensor:humidity", "work:next"]),
    agent("lodger", .inProcess, ["work:more", "sensor:temperature", "device:fault"]),
    agent("resident", .process, ["work:*"], .always),
    agent("once", .process, ["work:next"], .oneShot),
  ]

  private static func agent(
    _ id: AgentID, _ driver: Manifest.Driver, _ subscribe: [String], _ lifecycle: Manifest.Lifecycle = .onDemand,
    priority: Priority = .normal
  ) -> Manifest {
    Manifest(
      id: id, name: id.rawValue, runtime: Manifest.Runtime(driver: driver, entry: "puppet", lifecycle: lifecycle),
      permissions: .all,
      budget: Budget(
        memory: 32 << 20, cpu: 0.5, activation: .seconds(3),
        events: Rate(count: eventsPerSecond, per: .seconds(1)), hardware: Rate(count: 50, per: .seconds(1))),
      policy: Policy(backoff: .milliseconds(100), maxBackoff: .seconds(3), grace: .seconds(2), priority: priority),
      subscribe: subscribe.map(EventPattern.init))
  }

  /// An agent that a client registers.
  static func guest(_ id: AgentID, version: Int) -> Manifest {
    guest(id, ["identity": ["id": .string(id.rawValue), "version": .string("\(version)")]])
  }

  /// The same agent with a manifest that was read from the disk.
  static func guest(_ id: AgentID, _ document: Value) -> Manifest {
    var manifest = agent(id, .process, ["work:next"])
    manifest.version = document["identity"]?["version"]?.string ?? ""
    manifest.document = document
    return manifest
  }

  /// The agents that rules wake, by rule.
  static let wakes: [String: AgentID] = ["visitor": "rogue", "beat": "worker"]

  /// The rules of a reload: all; without a rule that may hold an output; or with a changed rule.
  static func rules(variant: Int) -> [RuleDeclaration] {
    switch variant % 3 {
    case 1: rules.filter { $0.id != "hot" && $0.id != "moist" }
    case 2:
      rules.map { declared in
        var changed = declared
        if declared.id == "cold" { changed.actions = [.actuate("heater", .on, lease: .seconds(2))] }
        if declared.id == "moist", case .state(var state) = declared.trigger {
          state.keep = [.init("lamp", .fixed(0.8))]
          changed.trigger = .state(state)
        }
        return changed
      }
    default: rules
    }
  }

  private static let rules: [RuleDeclaration] = [
    rule("hot", on: "sensor:temperature", if: "value > 28.0", .actuate("cooler", .on, lease: .seconds(4))),
    rule("cold", on: "sensor:temperature", if: "value < 22.0", .actuate("heater", .on, lease: nil)),
    // May be waiting when an emergency stop begins.
    rule("settled", on: "work:more", .actuate("valve", .on, lease: .seconds(1))) { $0.debounce = .milliseconds(300) },
    rule("shut", on: "input:button", if: "!active", .actuate("valve", .on, lease: .seconds(2))) {
      $0.hold = .seconds(2)
    },
    // Wake first: a refusal by the lamp ends the list, and `EventAccounts` expects every wake.
    rule(
      "visitor", on: "input:button", if: "active", .wake("rogue"), .actuate("lamp", .pulse(.seconds(2)), lease: nil)),
    rule("echo", on: "work:next", .emit("work:more", [])),
    rule("circle", on: "work:storm", .emit("work:storm", [])) { $0.throttle = .milliseconds(200) },
    rule("wet", on: "sensor:humidity", if: "value > 60.0", .actuate("pump", .level(0.5), lease: .seconds(1))) {
      $0.cooldown = .seconds(2)
    },
    // State rules: two outputs at once, one beyond its limits, one on the output of another.
    state("moist", while: "sensor('humidity') > 55.0", keep: [.init("valve", .fixed(1)), .init("lamp", .fixed(0.4))]) {
      $0.linger = .milliseconds(700)
    },
    state(
      "frost", while: "sensor('temperature') < 20.0", until: "sensor('temperature') > 26.0",
      keep: [.init("heater", .fixed(1))]
    ) {
      $0.atMost = .init(.seconds(4), per: .run)
    },
    state("pressed", while: "input('button') || device('heater').state == 1.0", keep: [.init("lamp", .fixed(1))]) {
      $0.endActions = [.emit("work:more", [])]
    },
    rule("beat", every: .seconds(3), .wake("worker")),
    rule("minute", cron: "* * * * *", .emit("work:minute", [])),
  ]

  private static func state(
    _ id: RuleID, while begins: String, until ends: String? = nil, keep: [StateRule.Kept],
    change: (inout StateRule) -> Void = { _ in }
  ) -> RuleDeclaration {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    func condition(_ text: String) -> RuleDeclaration.Condition { .init(text: text, location: place) }
    var state = StateRule(begins: condition(begins), ends: ends.map(condition), keep: keep)
    change(&state)
    return RuleDeclaration(id: id, trigger: .state(state), actions: [], location: place)
  }

  private static func rule(
    _ id: RuleID, on pattern: String = "", every: Duration? = nil, cron: String? = nil,
    if condition: String? = nil,
    _ actions: RuleDeclaration.Action..., change: (inout RuleDeclaration) -> Void = { _ in }
  ) -> RuleDeclaration {
    let place = Location(file: "rules.yaml", line: 1, column: 1)
    var rule = RuleDeclaration(
      id: id, trigger: cron.map { .cron($0) } ?? every.map { .every($0) } ?? .events([EventPattern(pattern)]),
      condition: condition.map { .init(text: $0, location: place) }, actions: actions, location: place)
    change(&rule)
    return rule
  }
}
