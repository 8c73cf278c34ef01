import Model
import Testing

@testable import Rules

/// What outputs with `verify` expect.
@Suite struct EffectTests {
  private func compile(_ expect: String, safe: String? = nil) throws(Diagnostics) -> [Effect] {
    let place = Location(file: "board.yaml", line: 8, column: 40)
    let verify = EffectSettings(
      sensor: "current", within: .seconds(5), expect: .init(text: expect, location: place),
      expectSafe: safe.map { .init(text: $0, location: Location(file: "board.yaml", line: 9, column: 20)) })
    let pump = Device(id: "pump", kind: .actuator(ActuatorSettings(verify: verify)), driver: "simulated")
    return try Effect.compile(Board(name: "b", backend: .simulated, devices: [pump])) { function, name in
      function == "sensor" && name != "current" ? "there is no sensor '\(name)'" : nil
    }
  }

  @Test(arguments: ["value > 0.2", "value > 1 && level > 0", "sensor('current') > 0.2", "now.getHours('local') > 3"])
  func conditionsOfEffects(_ expect: String) throws {
    #expect(try compile(expect, safe: "value < 0.1").map(\.device) == ["pump"])
  }

  @Test(arguments: [
    ("value >", "board.yaml:8:47: "), ("volue > 0.2", "board.yaml:8:40: unknown variable 'volue'"),
    ("1.0 + 2.0", "board.yaml:8:40: the condition has type double, but must be bool"),
    ("vars.armed", "board.yaml:8:40: unknown variable 'vars'"),
    ("sensor('curent') > 0.2", "board.yaml:8:47: there is no sensor 'curent'"),
    ("state('climate').on", "board.yaml:8:46: agents do not tell of effects"),
  ]) func mistakesHaveTheirPlace(expect: String, message: String) {
    #expect {
      _ = try compile(expect, safe: "valu < 0.1")
    } throws: { error in
      let text = "\(error)"
      return text.contains(message) && text.contains("board.yaml:9:20: unknown variable 'valu'")
    }
  }
}
