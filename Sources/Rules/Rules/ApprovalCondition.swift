import CEL
import Model

/// `approval: {if: …}` of an output: the condition under which a command waits for a person.
package struct ApprovalCondition: Sendable {
  /// The output.
  package let device: DeviceID
  let program: CELProgram

  /// What it knows of the command.
  private static let variables = ["level", "now"]

  /// Compiles the conditions of a board.
  /// - Parameter complaint: as for `Interlock.compile`.
  /// - Throws: all errors.
  package static func compile(
    _ board: Board, complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) -> [ApprovalCondition] {
    var problems: [Diagnostic] = []
    var conditions: [ApprovalCondition] = []
    for device in board.devices {
      guard case .actuator(let settings) = device.kind, case .condition(let text)? = settings.approval?.scope else {
        continue
      }
      var compiler = RuleCompiler(text.location, types: RuleTypes()) { function, name in
        switch function {
        case "vars": "variables belong to rules, and do not bind an output"
        case "report", "state", "agent":
          "agents do not decide about it: it takes the level, sensors, inputs, outputs and the time"
        default: complaint(function, name)
        }
      }
      let program = compiler.condition(text)
      problems += compiler.problems
      guard let program, compiler.problems.isEmpty else { continue }
      for name in program.variables where !variables.contains(where: { $0.isSame(as: name) }) {
        problems.append(
          Diagnostic(
            text.location,
            "'approval' of '\(device.id)' knows no '\(name)', expected 'level', 'now' or a function such as sensor('id')"
              + " (in \(text.text.prefix(80)))"))
      }
      conditions.append(ApprovalCondition(device: device.id, program: program))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return conditions
  }
}

extension RuleEngine {
  /// Whether a command to a level needs approval.
  package func truth(_ condition: ApprovalCondition, level: Double) -> Truth {
    let event = scope.event
    defer { scope.event = event }
    scope.event = Event(id: ULID(high: 0, low: 0), type: ApprovalEvents.waitingName, payload: ["level": .double(level)])
    return truth(condition.program)
  }
}
