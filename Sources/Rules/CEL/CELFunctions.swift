/// Which functions an expression may call: CEL's own, and those a host adds.
public struct CELFunctions: Sendable {
  /// A function of the host.
  struct Declaration: Sendable {
    let parameters: [CELType]
    let result: CELType
  }

  private(set) var host: [String: Declaration] = [:]

  /// CEL's own functions: operators, conversions, texts, times and macros.
  public static let standard = CELFunctions()

  /// What rules may call besides: `sensor('id')` and `state('agent')`.
  public static let rules = standard.adding("sensor", [.string]).adding("state", [.string])

  private init() {}

  /// The same with one more function, called as `name(…)`.
  /// - Parameters:
  ///   - parameters: what it takes; `.dyn` takes anything.
  ///   - result: what it gives; `.dyn` when that depends.
  public func adding(_ name: String, _ parameters: [CELType], result: CELType = .dyn) -> CELFunctions {
    var functions = self
    functions.host[name] = Declaration(parameters: parameters, result: result)
    return functions
  }
}
