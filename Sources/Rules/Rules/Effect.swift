import CEL
import Model

/// `verify` of an output: what the value of its sensor is when the output has its effect.
package struct Effect: Sendable {
  /// The output.
  package let device: DeviceID
  let expect: CELProgram
  /// nil for the opposite of `expect`.
  let expectSafe: CELProgram?

  /// What expressions know beside the functions of conditions: the value of the sensor, and the level of the output.
  private static let variables = ["value", "level", "now"]

  /// Compiles what the outputs of a board expect.
  /// - Parameter complaint: the error for a name that an expression passes to a function such as `sensor`; nil when the
  ///   name is valid or cannot be checked.
  /// - Throws: all errors.
  package static func compile(
    _ board: Board, complaint: @escaping (_ function: String, _ name: String) -> String? = { _, _ in nil }
  ) throws(Diagnostics) -> [Effect] {
    var problems: [Diagnostic] = []
    var effects: [Effect] = []
    for device in board.devices {
      guard case .actuator(let settings) = device.kind, let verify = settings.verify else { continue }
      var compiler = RuleCompiler(
        verify.expect.location, types: RuleTypes(names: ["value": .double, "level": .double])
      ) { function, name in
        switch function {
        case "report", "state", "agent": "agents do not tell of effects: it takes sensors, inputs, outputs and the time"
        default: complaint(function, name)
        }
      }
      let expect = compiler.condition(verify.expect, variables: variables)
      let expectSafe = verify.expectSafe.flatMap { compiler.condition($0, variables: variables) }
      problems += compiler.problems
      if let expect, compiler.problems.isEmpty {
        effects.append(Effect(device: device.id, expect: expect, expectSafe: expectSafe))
      }
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return effects
  }
}

extension RuleEngine {
  /// Whether a value is as expected.
  /// - Parameters:
  ///   - value: that of the sensor.
  ///   - level: that of the output, 0 to 1.
  ///   - isSafe: whether that is its safe one.
  package func judge(_ effect: Effect, value: Double, level: Double, isSafe: Bool) -> Truth {
    // A sensor may answer while a condition is looked at, whose event and error stay as they are.
    let (event, failure, trace) = (scope.event, failure, scope.trace)
    defer { (scope.event, self.failure, scope.trace) = (event, failure, trace) }
    var own = RuleScope.noEvent
    own.payload = ["value": .double(value), "level": .double(level)]
    (scope.event, scope.trace) = (own, nil)
    if isSafe, let expectSafe = effect.expectSafe { return truth(expectSafe) }
    let truth = truth(effect.expect)
    return isSafe ? !truth : truth
  }
}
