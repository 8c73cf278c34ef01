import CEL
import Model

/// `approval: {if: …}` of an output: the condition under which a command waits for a person.
package struct ApprovalCondition: Sendable {
  /// The output.
  package let device: DeviceID
  let program: CELProgram

  /// What it knows of the command; variables of rules have a complaint of their own.
  private static let variables = ["level", "now", "vars"]

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
      var compiler = RuleCompiler(text.location, types: RuleTypes(names: ["level": .double])) { function, name in
        switch function {
        case "vars": "variables belong to rules, and do not bind an output"
        case "report", "state", "agent":
          "agents do not decide about it: it takes the level, sensors, inputs, outputs and the time"
        default: complaint(function, name)
        }
      }
      let program = compiler.condition(text, variables: variables)
      problems += compiler.problems
      guard let program, compiler.problems.isEmpty else { continue }
      conditions.append(ApprovalCondition(device: device.id, program: program))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return conditions
  }
}

extension RuleEngine {
  /// Whether a command to a level needs approval.
  package func truth(_ condition: ApprovalCondition, level: Double) -> Truth {
    // A command may come while a condition is looked at, whose event and error stay as they are.
    let (event, failure, trace) = (scope.event, failure, scope.trace)
    defer { (scope.event, self.failure, scope.trace) = (event, failure, trace) }
    scope.trace = nil
    scope.event = Event(id: ULID(high: 0, low: 0), type: ApprovalEvents.waitingName, payload: ["level": .double(level)])
    return truth(condition.program)
  }
}
