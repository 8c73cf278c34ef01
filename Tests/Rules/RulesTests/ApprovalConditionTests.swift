import Model
import Testing

@testable import Rules

/// `approval: {if: …}` of outputs.
@Suite struct ApprovalConditionTests {
  private func complaints(_ text: String) -> [String] {
    let condition = RuleDeclaration.Condition(text: text, location: Location(file: "b", line: 3, column: 9))
    let board = Board(
      name: "b", backend: .simulated,
      devices: [
        Device(
          id: "valve", kind: .actuator(ActuatorSettings(approval: ApprovalSettings(.condition(condition)))),
          driver: "simulated")
      ])
    do throws(Diagnostics) { try BoardConditions.check(board) } catch { return error.all.map(\.description) }
    return []
  }

  @Test func itKnowsTheLevelSensorsAndTheTime() {
    #expect(complaints("level > 0.5 && sensor('soil') > 30 && now.getHours() > 6") == [])
    #expect(complaints("between('08:00', '20:00') || device('pump').state > 0.0") == [])
  }

  @Test(arguments: [
    ("levl > 0.5", "levl"), ("level + 1.0", "must be bool"), ("level", "must be bool"),
    ("level >", "b:3:"), ("vars.armed", "variables belong to rules"), ("report('x').y > 1", "agents do not decide"),
  ])
  func whatCannotBeMeantIsNamed(text: String, complaint: String) {
    let all = complaints(text)
    #expect(all.count == 1 && all[0].contains(complaint) && all[0].hasPrefix("b:3:"), "\(all)")
  }
}
