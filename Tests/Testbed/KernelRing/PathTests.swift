import HAL
import KernelTestKit
import Model
import OpenStarryAgent

// The whole path through all parts of the daemon: edge → rule → agent → output line.
extension RingTests {
  static var wholePath: [RingTest] {
    [
      RingTest("path: an edge wakes an agent by a rule, and its command is on the line") { ring in
        let path = try Path(ring.board)
        defer { path.close() }
        try path.run(rounds: 100)
        ring.note("edge to command carried out: \(LatencyDistribution(path.inside).text)")
        ring.note("pull written to level seen outside: \(LatencyDistribution(path.outside).text)")
      },
      RingTest("path: an agent that is killed leaves its output safe") { ring in
        let path = try Path(ring.board)
        defer { path.close() }
        try path.step(up: true)
        try path.stage.agents.killAgent("follower", now: true, cause: nil) {}
        try path.stage.stand.wait("the line low", polling: .milliseconds(5)) {
          try !path.lamp.chip.isHigh(path.lamp.line)
        }
        try expect(
          path.stage.stand.events("device:changed").last?["reason"], is: .string("holder-ended"), "reason")
      },
      RingTest("path: the commands of two agents on one bus are carried out in order") { ring in try order(ring) },
      RingTest("path: a sensor's reading above a limit turns an output on by a rule") { ring in try sensorRule(ring) },
    ]
  }

  private static func order(_ ring: Ring) throws {
    let bus = try SimulatedBus()
    try bus.chip(0x40).hold([0x11], at: 0)
    let stage = try AgentStand(
      ring.board, ["servo", "dimmer"], agents: [Turner.left, Turner.right], types: [AgentType("turner", Turner.self)],
      rules: "rules: []")
    defer { stage.close() }
    let before = try bus.last()
    var wanted: [[UInt8]] = []
    for step in 1...16 {
      for (agent, register) in [("left", UInt8(0x06)), ("right", 0x42)] {
        stage.stand.log.publish("ring:\(agent)", from: "client/ring", ["level": .double(Double(step) / 32)])
        // OFF counts of 4096: a 32nd is 128.
        wanted.append([register, 0, 0, UInt8((step * 128) & 0xFF), UInt8((step * 128) >> 8)])
      }
    }
    func found() throws -> [[UInt8]] {
      try bus.journal(after: before).filter { $0.written.count == 5 && $0.written.last != 0x10 }.map(\.written)
    }
    try stage.stand.wait("\(wanted.count) commands on the bus", polling: .milliseconds(20)) {
      try found().count >= wanted.count
    }
    try expect(try found(), is: wanted, "what went over the bus")
  }

  private static func sensorRule(_ ring: Ring) throws {
    let chip = try SimulatedBus().chip(0x48)
    try chip.heal()
    try chip.hold(words: [0x1900])
    let rules = """
      rules:
        - on: "sensor:tmp102"
          if: "value > 30.0"
          action: "actuate(lamp, on, lease: 60s)"
      """
    let stage = try AgentStand(ring.board, ["tmp102", "lamp"], agents: [], types: [], rules: rules) { device in
      if case .sensor(var settings) = device.kind {
        settings.every = .milliseconds(50)
        device.kind = .sensor(settings)
      }
    }
    defer { stage.close() }
    guard let device = ring.board.device("lamp") else { throw Skip("the board file has no device 'lamp'") }
    let lamp = try end(of: device, on: ring.board)
    try stage.stand.wait(for: "sensor:tmp102", count: 2)
    try expect(try lamp.chip.isHigh(lamp.line), is: false, "the lamp's line at 25 °C")
    try chip.hold(words: [0x1F00])  // 31 °C
    try stage.stand.wait("the lamp's line high", polling: .milliseconds(5)) { try lamp.chip.isHigh(lamp.line) }
    let chain = stage.stand.log.chain(toLastChangeOf: "lamp").map(\.type)
    try expect(chain, is: ["sensor:tmp102", "rule:fired", "device:changed"], "why the lamp is on")
  }
}

/// Sets its own channel to the level of each event.
struct Turner: Agent {
  init() {}

  func handle(_ event: Event, _ context: inout Context) throws(AgentError) {
    try context.control(context.agent == "left" ? "servo" : "dimmer", .level(event["level"]?.double ?? 0))
  }

  private static func manifest(_ name: String, _ actuator: String) -> Manifest {
    Manifest(
      id: AgentID(name), name: name,
      runtime: Manifest.Runtime(driver: .inProcess, entry: "turner", lifecycle: .always),
      permissions: Permissions(actuators: [EventPattern(actuator)]), subscribe: [EventPattern("ring:\(name)")])
  }

  static let left = manifest("left", "servo")
  static let right = manifest("right", "dimmer")
}
