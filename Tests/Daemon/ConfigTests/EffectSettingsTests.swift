import Config
import Model
import Testing

/// `verify` of an output.
@Suite struct EffectSettingsTests {
  private func text(_ verify: String) -> String {
    """
    name: bench
    backend: simulated
    devices:
      current: {kind: sensor, every: 1s}
      slow: {kind: sensor, every: 1m}
      flow: {kind: input, count: {unit: l, per_pulse: 0.002}, debounce: 0s}
      cam: {kind: camera}
      pump: {kind: actuator, verify: \(verify)}
    """
  }

  private func settings(_ verify: String) throws -> EffectSettings? {
    let (board, warnings) = try ConfigText.board(Array(text(verify).utf8), file: "f")
    #expect(warnings.isEmpty, "\(warnings)")
    guard case .actuator(let settings)? = board.device("pump")?.kind else { return nil }
    return settings.verify
  }

  @Test func allIsRead() throws {
    let plain = try #require(try settings("{sensor: current, within: 5s, expect: value > 0.2}"))
    #expect(plain.sensor == "current" && plain.within == .seconds(5) && plain.otherwise == .report)
    #expect(plain.expect.text == "value > 0.2" && plain.expect.location.description == "f:8:72")
    #expect(plain.expectSafe == nil)
    let full = try settings("{sensor: flow, within: 1h, expect: value == 1, expect_safe: value == 0, else: safe}")
    #expect(full?.expectSafe?.text == "value == 0" && full?.otherwise == .safe)
    // A sensor that an input derives.
    #expect(try settings("{sensor: flow.rate, within: 1h, expect: value > 1}")?.sensor == "flow.rate")
  }

  @Test(arguments: [
    ("{}", "8:34: 'verify' has no 'sensor', expected 1 to 64 letters"),
    ("{sensor: current, within: 5s}", "'verify' has no 'expect', expected a condition in CEL such as value > 0.2"),
    (
      "{sensor: curent, within: 5s, expect: x}",
      "f:8:43: 'sensor' is 'curent', which is no device of this board (did you mean 'current'?)"
    ),
    (
      "{sensor: pump, within: 5s, expect: x}",
      "f:8:43: 'sensor' is 'pump', an actuator, expected a sensor or an input: current, flow"
    ),
    ("{sensor: cam, within: 5s, expect: x}", "'sensor' is 'cam', a camera, expected a sensor or an input"),
    ("{sensor: current, within: 5ms, expect: x}", "f:8:60: 'within' is '5ms', expected a duration from 10ms to 1h"),
    ("{sensor: current, within: 2h, expect: x}", "'within' is '2h', expected a duration from 10ms to 1h"),
    (
      "{sensor: current, within: 5s, expect: x, else: sfae}",
      "'else' is 'sfae', expected report or safe (did you mean 'safe'?)"
    ),
    ("{sensor: current, within: 5s, expects: x}", "'verify' has an unknown key 'expects' (did you mean 'expect'?)"),
    ("on", "'verify' is 'on', expected a map"),
    (
      "{sensor: slow, within: 5s, expect: x}",
      "f:8:43: warning: 'slow' is measured every 1m, and 'within' is 5s: no reading can come in time"
    ),
  ]) func mistakesAreNamed(verify: String, message: String) {
    let found = complaints(.board, text(verify))
    #expect(found.contains(message), "\(found)")
  }

  @Test func itIsASettingOfActuators() {
    let found = complaints(.board, "name: b\nbackend: simulated\ndevices:\n  t: {kind: sensor, verify: {}}")
    #expect(found.contains("'verify' is a setting of actuators, but this is a sensor"), "\(found)")
  }
}
