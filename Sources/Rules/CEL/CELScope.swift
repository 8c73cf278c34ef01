/// The environment of an evaluation: variables, host functions and time zones.
package protocol CELScope {
  /// The value of a variable; nil when it does not exist, which makes its use an error of kind `missing`.
  func variable(_ name: String) -> CELValue?

  /// Why the variable `name` does not exist, as a sentence; nil for the standard message.
  func absence(of name: String) -> String?

  /// Calls a function that `CELFunctions` declares.
  /// - Parameters:
  ///   - function: the function's name.
  ///   - arguments: as many as were declared.
  /// - Returns: the result; nil when the host does not implement the function.
  /// - Throws: why the function failed. The evaluator sets the error's offset.
  func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue?

  /// The value of the evaluated comparison will change by itself: look again then.
  func resultChanges(after time: Duration)

  /// How far a time zone is ahead of UTC at `time`.
  /// - Parameter zone: the zone argument of a time getter, when it is neither `UTC` nor `±HH:MM`.
  /// - Returns: nil when the zone is unknown, which makes the getter fail.
  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration?
}

extension CELScope {
  /// Uses the standard message.
  package func absence(of name: String) -> String? { nil }
  /// Implements no functions.
  package func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? { nil }
  /// Ignores it.
  package func resultChanges(after time: Duration) {}
  /// Knows no zones.
  package func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? { nil }
}

/// A scope that has only variables.
package struct CELVariables: CELScope, Sendable {
  private let values: [String: CELValue]

  /// - Parameter values: the variables by name.
  package init(_ values: [String: CELValue] = [:]) { self.values = values }

  package func variable(_ name: String) -> CELValue? { values[name] }
}
