import CEL
import Model

/// Comparisons of what cannot be compared: readings of different units.
extension RuleSet {
  /// Warnings about conditions that compare two sensors of different units, or a unit with one that the sensor has not.
  /// - Parameter unit: the unit of a sensor; nil if it is not known.
  package func unitWarnings(_ unit: (String) -> String?) -> [Diagnostic] {
    rules.flatMap { rule -> [Diagnostic] in
      let declaration = rule.declaration
      let conditions = [declaration.condition, declaration.state?.begins, declaration.state?.ends].compactMap(\.self)
      return conditions.flatMap { condition in
        ConditionPart(condition.text).leaves.compactMap { leaf in
          Self.mistake(in: leaf, unit).map {
            Diagnostic(condition.location, "rule '\(rule.id)': \($0) (in \(leaf.prefix(80)))", severity: .warning)
          }
        }
      }
    }
  }

  private static func mistake(in text: String, _ unit: (String) -> String?) -> String? {
    guard let (left, operation, right) = ConditionPart.comparison(text) else { return nil }
    if let first = sensor(left), let second = sensor(right), let one = unit(first), let other = unit(second),
      one != other
    {
      return "it compares '\(first)' in \(shown(one)) with '\(second)' in \(shown(other))"
    }
    guard operation == "==" || operation == "!=" else { return nil }
    for (field, constant) in [(left, right), (right, left)] {
      guard let name = sensor(field, field: ".unit"), let known = unit(name),
        case .string(let wanted)? = try? CELProgram(constant).evaluate(CELVariables()), wanted != known
      else { continue }
      return "'\(name)' is in \(shown(known)), never in \(shown(wanted))"
    }
    return nil
  }

  private static func shown(_ unit: String) -> String { unit.isEmpty ? "no unit" : unit }

  /// The sensor of `sensor('x')` or `reading('x').value`.
  private static func sensor(_ text: String) -> String? { sensor(text, "sensor", "") ?? sensor(text, field: ".value") }

  private static func sensor(_ text: String, field: String) -> String? { sensor(text, "reading", field) }

  private static func sensor(_ text: String, _ function: String, _ field: String) -> String? {
    guard text.hasPrefix("\(function)("), text.hasSuffix(")\(field)"),
      let program = try? CELProgram(text, functions: .rules), program.hostCalls.count == 1,
      program.hostCalls[0].function == function
    else { return nil }
    return program.hostCalls[0].text
  }
}
