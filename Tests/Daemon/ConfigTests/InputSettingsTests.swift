import Config
import Model
import Testing

/// What a board file says about an input beside its driver.
@Suite struct InputSettingsTests {
  private func text(_ settings: String) -> String {
    "name: bench\nbackend: simulated\ndevices:\n  b: {kind: input, \(settings)}\n  d: {kind: input}"
  }

  private func board(_ settings: String) throws -> Board {
    let (board, warnings) = try ConfigText.board(Array(text(settings).utf8), file: "f")
    #expect(warnings.isEmpty, "\(warnings)")
    return board
  }

  private func settings(_ text: String) throws -> InputSettings? {
    guard case .input(let settings)? = try board(text).device("b")?.kind else { return nil }
    return settings
  }

  @Test func gesturesAreRead() throws {
    #expect(
      try settings("gestures: {long: 800ms, double: 300ms}")
        == InputSettings(gestures: GestureSettings(long: .milliseconds(800), double: .milliseconds(300))))
    #expect(try settings("gestures: {}") == InputSettings(gestures: GestureSettings()))
    #expect(
      complaints(.board, text("gestures: {lnog: 1s, double: 0s}")) == #"""
        f:4:31: 'gestures' has an unknown key 'lnog' (did you mean 'long'?)
        f:4:49: 'double' is '0s', expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
        """#)
    #expect(complaints(.board, text("gestures: true")).contains("'gestures' is true, expected a map"))
  }

  @Test func otherSettingsAreRead() throws {
    #expect(try settings("stuck: 2h") == InputSettings(stuck: .seconds(7200)))
    #expect(complaints(.board, text("stuck: soon")).contains("'stuck' is 'soon', expected a duration"))
  }

  @Test func aLongPressMustBeLongerThanTheDebounce() {
    #expect(complaints(.board, text("debounce: 20ms, gestures: {long: 21ms}")) == "")
    #expect(
      complaints(.board, text("debounce: 20ms, gestures: {long: 20ms}")) == #"""
        f:4:46: warning: 'long' is 20ms, but a press shorter than the 'debounce' of 20ms does not count: every press would be long
        """#)
  }

  @Test func countIsRead() throws {
    #expect(
      try settings("debounce: 2ms, count: {unit: L, per_pulse: 0.5, window: 10s}")
        == InputSettings(
          debounce: .milliseconds(2), count: CountSettings(unit: "L", perPulse: 0.5, window: .seconds(10))))
    #expect(try settings("debounce: 0s, count: {}") == InputSettings(count: CountSettings()))
    #expect(
      complaints(.board, text("count: {unti: L, per_pulse: 0, window: 5ms}")) == #"""
        f:4:27: warning: 'count' without a 'debounce' also counts the bounces of a mechanical contact ('debounce: 0s' confirms this)
        f:4:28: 'count' has an unknown key 'unti' (did you mean 'unit'?)
        f:4:48: 'per_pulse' is 0, expected a number greater than 0
        f:4:59: 'window' is '5ms', expected a duration such as 500ms, 10s or 1m30s (at least 1s)
        """#)
  }

  @Test func countedSensorsAreSensorsOfTheBoard() throws {
    let board = try board("debounce: 2ms, count: {}")
    #expect(board.devices.map(\.id) == ["b", "b.rate", "b.total", "d"])
    let known = KnownNames(board: board)
    #expect(
      complaints(
        .orchestration,
        """
        rules:
          - {on: "sensor:b.rate", if: "sensor('b.total') > 3.0", action: "emit(a:b)"}
          - {on: "sensor:b.rat", action: "emit(a:b)"}
        """, known: known) == #"""
          f:3:10: board 'bench' has no sensor 'b.rat' (did you mean 'b.rate'?)
          """#)
  }

  @Test func idsOfCountedSensorsMustBeFree() {
    let long = String(repeating: "x", count: 60)
    let text = """
      name: bench
      backend: simulated
      devices:
        b: {kind: input, debounce: 1ms, count: {}}
        b.rate: {kind: sensor}
        \(long): {kind: input, debounce: 1ms, count: {}}
      """
    #expect(
      complaints(.board, text) == """
        f:4:3: 'count' of input 'b' makes a sensor 'b.rate', but a device has that id
        f:6:3: 'count' makes a sensor '\(long).rate', whose id is longer than 64 characters: shorten this one
        f:6:3: 'count' makes a sensor '\(long).total', whose id is longer than 64 characters: shorten this one
        """)
  }

  @Test func rulesKnowWhichInputsHaveGestures() throws {
    let known = KnownNames(board: try board("gestures: {long: 800ms}"))
    let rules = """
      rules:
        - {on: ["gesture:b", "gesture:*"], action: "emit(a:b)"}
        - {on: "gesture:d", action: "emit(a:b)"}
        - {on: "gesture:bb", action: "emit(a:b)"}
        - {on: "gesture:d*", action: "emit(gesture:b)"}
      """
    #expect(
      complaints(.orchestration, rules, known: known) == #"""
        f:3:10: input 'd' has no gestures: give it 'gestures' in the board file
        f:4:10: board 'bench' has no input 'bb' (did you mean 'b'?)
        f:5:10: warning: the daemon publishes no event that matches 'gesture:d*'
        f:5:38: the event is 'gesture:b', but only the daemon publishes 'gesture:', expected a domain of your own
        """#)
  }
}
