/// What an expression sees while it is evaluated: variables and the host's own functions.
public protocol CELScope {
  /// The variable `name`; nil when there is none, which is an evaluation error where it is used.
  func variable(_ name: String) -> CELValue?

  /// Why there is no variable `name`, in a sentence; nil when it is unknown.
  func absence(of name: String) -> String?

  /// Calls a function that `CELFunctions` declares.
  /// - Parameters:
  ///   - function: its name.
  ///   - arguments: as many as were declared.
  /// - Returns: nil when the host does not know the function after all.
  /// - Throws: what keeps it from answering; the evaluator puts the place of the call into it.
  func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue?

  /// How far the clock of a time zone is ahead of UTC.
  /// - Parameter zone: what the expression gave a time getter, when it was neither `UTC` nor `±HH:MM`.
  /// - Returns: nil when the zone is unknown; the getter fails then.
  func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration?
}

extension CELScope {
  /// There is nothing to say but that it is not there.
  public func absence(of name: String) -> String? { nil }
  /// No functions.
  public func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? { nil }
  /// No zones.
  public func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? { nil }
}

/// Variables by name, and nothing else.
public struct CELVariables: CELScope, Sendable {
  private let values: [String: CELValue]

  /// A scope with these variables.
  public init(_ values: [String: CELValue] = [:]) { self.values = values }

  public func variable(_ name: String) -> CELValue? { values[name] }
}
