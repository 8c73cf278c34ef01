import HAL
import HALTestKit
import Model
import Testing

/// The lowest and the highest level of an output.
@Suite struct LevelLimitTests {
  let ann = Principal.named("agent/ann")

  private func level(_ command: ActuatorCommand, safe: Double = 0, options: Fields = [:]) throws -> Double {
    let bench = GateBench([.actuator("fan", ActuatorSettings(safe: safe, min: 0.3, max: 0.8), options: options)])
    let receipt = try bench.hardware.controlActuator("fan", command, as: ann)
    #expect(bench.level("fan") == receipt.state)
    return receipt.state
  }

  @Test func levelsAreHeldBetweenMinAndMax() throws {
    #expect(try level(.on) == 0.8 && level(.pulse(.seconds(1))) == 0.8)
    #expect(try level(.level(0.8)) == 0.8 && level(.level(0.81)) == 0.8 && level(.level(1)) == 0.8)
    #expect(try level(.level(0.3)) == 0.3 && level(.level(0.01)) == 0.3 && level(.level(0.5)) == 0.5)
  }

  @Test func theSafeStateIsAlwaysAllowed() throws {
    #expect(try level(.off) == 0 && level(.level(0)) == 0)
    #expect(try level(.on, safe: 1) == 1 && level(.off, safe: 1) == 0.3)
    #expect(try level(.off, safe: 0.5) == 0.3 && level(.level(0.5), safe: 0.5) == 0.5)
  }

  @Test func anOutputWithoutLevelsIsNotLimited() throws {
    #expect(try level(.on, options: ["analogue": false]) == 1)
  }

  @Test func aPulseGoesBackToItsLevel() throws {
    let bench = GateBench([.actuator("fan", ActuatorSettings(max: 0.8))])
    try bench.hardware.controlActuator("fan", .level(0.4), as: ann)
    try bench.hardware.controlActuator("fan", .pulse(.seconds(1)), as: ann)
    bench.wait(1000)
    #expect(bench.backend.history(of: "fan").map(\.level).suffix(3) == [0.4, 0.8, 0.4])
    #expect(bench.hardware.device("fan")?.limits == ["max 80%"])
  }
}
