import Config
import Model
import Testing

/// `at_start` of an output.
@Suite struct AtStartTests {
  @Test(arguments: [("safe", ActuatorSettings.AtStart.safe), ("last", .last)])
  func bothAreRead(_ text: String, _ expected: ActuatorSettings.AtStart) throws {
    let file = "name: b\nbackend: simulated\ndevices:\n  a: {kind: actuator, at_start: \(text)}\n  b: {kind: actuator}"
    let (board, _) = try ConfigText.board(Array(file.utf8), file: "f")
    let found = board.devices.map { device -> ActuatorSettings.AtStart? in
      guard case .actuator(let settings) = device.kind else { return nil }
      return settings.atStart
    }
    #expect(found == [expected, nil])
  }

  @Test func anotherWordIsNamed() {
    let wrong = complaints(.board, "name: b\nbackend: simulated\ndevices:\n  a: {kind: actuator, at_start: lsat}")
    #expect(wrong == "f:4:33: 'at_start' is 'lsat', expected safe or last (did you mean 'last'?)")
  }
}
