/// The functions that an expression may call: CEL's own, and those that the host adds.
package struct CELFunctions: Sendable {
  /// A function of the host.
  struct Declaration: Sendable {
    let parameters: [CELType]
    let result: CELType
  }

  private(set) var host: [String: Declaration] = [:]

  /// CEL's own functions, without host functions.
  package static let standard = CELFunctions()

  /// The functions of rules: CEL's own, `sensor('id')` and `state('agent')`.
  package static let rules = standard.adding("sensor", [.string]).adding("state", [.string])

  private init() {}

  /// A copy with one more host function, called as `name(…)`.
  /// - Parameters:
  ///   - parameters: the parameter types; `.dyn` accepts any value.
  ///   - result: the result type; `.dyn` when it is known only during evaluation.
  package func adding(_ name: String, _ parameters: [CELType], result: CELType = .dyn) -> CELFunctions {
    var functions = self
    functions.host[name] = Declaration(parameters: parameters, result: result)
    return functions
  }
}
