/// The functions that an expression may call: CEL's own, and those that the host adds.
package struct CELFunctions: Sendable {
  /// A function of the host.
  struct Declaration: Sendable {
    let parameters: [CELType]
    let result: CELType
  }

  /// What changes as time passes.
  struct Clock: Sendable {
    /// The variable that is the present time.
    let variable: String
    /// Functions, each with the field of their result that is an age.
    let ages: [String: String]
  }

  private(set) var host: [String: [Declaration]] = [:]
  private(set) var clock: Clock?
  /// Functions whose result has exactly these fields.
  private(set) var fields: [String: [String: CELType]] = [:]

  /// CEL's own functions, without host functions.
  package static let standard = CELFunctions()

  private init() {}

  /// A copy with one more host function, called as `name(…)`. A name may have several numbers of parameters.
  /// - Parameters:
  ///   - parameters: the parameter types; `.dyn` accepts any value.
  ///   - result: the result type; `.dyn` when it is known only during evaluation.
  package func adding(_ name: String, _ parameters: [CELType], result: CELType = .dyn) -> CELFunctions {
    var functions = self
    functions.host[name, default: []].append(Declaration(parameters: parameters, result: result))
    return functions
  }

  /// A copy in which the result of a function has these fields and no others.
  package func having(_ fields: [String: CELType], in function: String) -> CELFunctions {
    var functions = self
    functions.fields[function] = fields
    return functions
  }

  /// A copy that knows what changes as time passes, so that evaluations report when their results will change
  /// (`CELScope.resultChanges`).
  /// - Parameters:
  ///   - variable: the variable that is the present time.
  ///   - ages: functions, each with the field of their result that is an age.
  package func timed(by variable: String, ages: [String: String]) -> CELFunctions {
    var functions = self
    functions.clock = Clock(variable: variable, ages: ages)
    return functions
  }
}
