import Agent
import HAL
import HALTestKit
import Model
import Rules
import Testing

@testable import Orchestrator

/// Outputs with `verify`, with their expressions and rules.
@Suite struct EffectTests {
  private func world(_ expect: String, safe: String? = nil, _ otherwise: EffectSettings.Otherwise = .report) -> World {
    let place = Location(file: "board.yaml", line: 1, column: 1)
    let verify = EffectSettings(
      sensor: "current", within: .seconds(5), expect: .init(text: expect, location: place),
      expectSafe: safe.map { .init(text: $0, location: place) }, otherwise: otherwise)
    let world = World([
      .sensor(
        "current", SensorSettings(every: .seconds(1)),
        model: ["model": "constant", "value": 0, "influences": ["pump": 0.5]]),
      .sensor("supply", SensorSettings(every: .seconds(1))),
      .actuator("pump", ActuatorSettings(lease: .seconds(60), verify: verify)),
    ])
    world.rules.watchEffects()
    world.rules.registry = world.registry
    world.rules.keepEffects([:])
    world.wait(.seconds(1))
    return world
  }

  private func set(_ world: World, _ command: ActuatorCommand) throws {
    try world.hardware.controlActuator("pump", command, as: .named("client/ada"))
    world.wait(.seconds(6))
  }

  @Test func expressionsKnowTheValueAndTheLevel() throws {
    let world = world("value > 0.4 * level && sensor('supply') == 0.0")
    try set(world, .on)
    try set(world, .level(0.5))
    #expect(world.of("device:no_effect").isEmpty)
    try world.backend.inject("supply", ["value": 1])
    world.wait(.seconds(2))
    try set(world, .on)
    #expect(world.of("device:no_effect").count == 1)
    // The opposite of `expect` is true in the safe state.
    try set(world, .off)
    #expect(world.of("device:no_effect").count == 1)
    try world.backend.inject("supply", "nack")
    world.wait(.seconds(10))
    try set(world, .on)
    let event = try #require(world.of("device:no_effect").last)
    #expect(event["detail"]?.string?.contains("sensor('supply')") == true, "\(event.payload)")
  }

  @Test func theSafeStateMayHaveItsOwnExpression() throws {
    let world = world("value > 0.4", safe: "value < 0.1")
    try set(world, .on)
    try world.backend.inject("current", ["value": 0.2])
    try set(world, .off)
    #expect(world.of("device:no_effect").map { $0["state"] } == [0.0])
  }

  @Test func stateRulesWaitForTheAcknowledgement() throws {
    let world = world("value > 0.4", .safe)
    try world.backend.inject("current", ["value": 0])
    try world.load(
      rule("watering", on: []) {
        $0.trigger = .state(
          StateRule(
            begins: .init(text: "device('pump').fault == null", location: $0.location), keep: [.init("pump", .fixed(1))]
          ))
      })
    world.wait(.seconds(6))
    #expect(world.of("device:no_effect").count == 1 && world.level("pump") == 0)
    world.wait(.seconds(60))
    #expect(world.of("device:no_effect").count == 1, "it is not switched in vain again")
    let claim = world.rules.listRules().first?.claim?.text(at: world.clock.now)
    #expect(claim?.contains("openstarry acknowledge pump") == true, "\(claim ?? "-")")
    try world.backend.inject("current", ["value": .null])
    #expect(try world.hardware.acknowledge("pump"))
    world.wait(.seconds(6))
    #expect(world.level("pump") == 1 && world.of("device:no_effect").count == 1)
    let kept = world.registry.changes.compactMap { change -> Bool? in
      if case .noEffect("pump", let found) = change { found != nil } else { nil }
    }
    #expect(kept == [true, false], "it is stored when it begins, and when it ends")
  }
}
