import Model
import RuleTrial
import TestKit
import Testing

/// Whatever the order of events, restarts, clock steps and faults: what holds of outputs and rules.
@Suite struct AnyOrderTests {
  private static let board = """
    devices:
      temp: { kind: sensor, every: 5s }
      soil: { kind: sensor, every: 30s, stale: 2m }
      motion: { kind: input }
      button: { kind: input }
      heater: { kind: actuator, max_on: 10m, on_exit: hold }
      pump: { kind: actuator, min_off: 20s, only_while: "!input('button')" }
      valve: { kind: actuator, exclusive_with: [heater] }
      light: { kind: actuator, lease: 30s }
    """

  private static let rules = """
    vars: { holiday: false }
    rules:
      - { id: heating, when: "sensor('temp') < 20", until: "sensor('temp') > 22", if: "!vars.holiday", keep: { heater: on } }
      - { id: watering, while: "sensor('soil') < 30", for: 10s, keep: { valve: on, pump: on }, at_most: 20m/d }
      - { id: hall, while: "input('motion')", linger: 2m, keep: { light: 60% } }
      - { id: night, while: "input('motion')", between: ["22:00", "06:00"], keep: { light: 20% } }
      - { id: toggle, on: "input:button", if: "active", action: "actuate(light, 100%, lease: 20s)" }
      - { id: dark, on: "house:dark", action: ["actuate(light, off)", "wait(20s)", "emit(house:slept)"] }
      - { id: once, on: "input:motion", if: "active", action: "notify('somebody came')", cooldown: 24h }
    """

  @Test(arguments: 1...24)
  func nothingIsOnWithoutAReason(seed: UInt64) throws {
    var chance = SeededGenerator(seed)
    let situation = try Situation(Self.board, Self.rules, start: "2026-06-01T20:30:00Z")
    let trial = situation.trial
    let keeping: Set<String> = ["heating", "watering", "hall", "night"]
    var steps: [String] = []
    for _ in 0..<250 {
      let step = try Self.step(trial, &chance)
      steps.append(step)
      // What is due now has happened.
      trial.wait(.milliseconds(1))
      let statuses = trial.rules.listRules()
      for device in ["heater", "pump", "valve", "light"].map({ DeviceID($0) }) {
        guard let output = trial.output(device), output.commanded != output.safe else { continue }
        let holder = try #require(output.holder, "\(device) is on and nobody holds it after \(steps.suffix(8))")
        guard holder.hasPrefix("rule/") else { continue }
        let rule = String(holder.dropFirst(5))
        let status = try #require(statuses.first { $0.id.rawValue == rule }, "\(holder) is no rule")
        if keeping.contains(rule) {
          #expect(
            status.state?.lasts == true && status.claim == .held,
            "\(device) is held by \(rule), \(String(describing: status.state)), after \(steps.suffix(8))")
        }
      }
      for status in statuses where status.state?.lasts == true {
        #expect(status.unknown == nil, "\(status.id) lasts although \(status.unknown ?? "") after \(steps.suffix(8))")
        #expect(status.isEnabled)
      }
      if trial.rules.isStopped {
        for device in ["heater", "pump", "valve", "light"] {
          let output = try #require(trial.output(DeviceID(device)))
          // The level of one that does not answer is unknown.
          #expect(
            output.commanded == 0 && output.level ?? 0 == 0, "\(device) is on in a stop after \(steps.suffix(8))")
        }
      }
      // All or none.
      if trial.output("pump")?.holder == "rule/watering" { #expect(trial.output("valve")?.commanded != 0) }
      #expect(
        trial.output("heater")?.level ?? 0 == 0 || trial.output("valve")?.level ?? 0 == 0,
        "both are on after \(steps.suffix(8))")
    }
    #expect(trial.events.count { $0.type == "rule:notify" } <= 1, "a cooldown of a day has fired twice")
  }

  private static func step(_ trial: RuleTrial, _ chance: inout SeededGenerator) throws -> String {
    let outputs: [DeviceID] = ["heater", "pump", "valve", "light"]
    let rules = ["heating", "watering", "hall", "night", "toggle"]
    func simulate(_ device: DeviceID, _ change: Value) -> String {
      _ = try? trial.simulate(device, change)
      return "\(device) \(change)"
    }
    let output = outputs.randomElement(using: &chance)!
    switch Int.random(in: 0..<30, using: &chance) {
    case 0..<4: return simulate("temp", ["value": .double(Double.random(in: 17...25, using: &chance))])
    case 4..<7: return simulate("soil", ["value": .double(Double.random(in: 20...40, using: &chance))])
    case 7..<10: return simulate("motion", ["active": .bool(Bool.random(using: &chance))])
    case 10..<12: return simulate("button", ["active": .bool(Bool.random(using: &chance))])
    case 12..<14:
      let fault = ["timeout", "unplug", "none", "none", "none"].randomElement(using: &chance)!
      return simulate((outputs + ["temp", "soil"]).randomElement(using: &chance)!, ["fault": .string(fault)])
    case 14:
      _ = try? trial.set(output, .on, lease: .seconds(Int64.random(in: 1...90, using: &chance)))
      return "set \(output) on"
    case 15:
      _ = try? trial.set(output, .off)
      return "set \(output) off"
    case 16:
      _ = try? trial.release(output)
      return "release \(output)"
    case 17:
      _ = try? trial.set(output, .on, as: "agent/climate")
      return "agent \(output) on"
    case 18:
      trial.stop()
      return "stop"
    case 19, 20:
      _ = try? trial.clear()
      return "clear"
    case 21:
      // What happened in the moment before a crash may not be on the disk.
      trial.wait(.milliseconds(100))
      trial.restart(isCrash: Bool.random(using: &chance), after: .seconds(Int64.random(in: 0...20, using: &chance)))
      return "restart"
    case 22:
      let jump = Int64.random(in: -600...600, using: &chance)
      trial.setWall(Int64(trial.loop.wallMilliseconds / 1000) + jump)
      return "clock \(jump) s"
    case 23:
      let rule = rules.randomElement(using: &chance)!
      _ = trial.rules.setRule(RuleID(rule), enabled: Bool.random(using: &chance))
      return "switch \(rule)"
    case 24:
      let rule = rules.randomElement(using: &chance)!
      _ = trial.rules.resumeRule(RuleID(rule))
      return "resume \(rule)"
    case 25:
      _ = try? trial.rules.setVariable("holiday", .bool(Bool.random(using: &chance)), by: "client/ada", cause: nil)
      return "holiday"
    case 26:
      trial.emit("house:dark")
      return "dark"
    default:
      let time = Duration.seconds(Int64.random(in: 1...180, using: &chance))
      trial.wait(time)
      return "wait \(time)"
    }
  }
}
