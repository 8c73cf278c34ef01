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
