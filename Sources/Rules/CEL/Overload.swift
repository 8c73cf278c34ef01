extension Function {
  /// One signature. The first parameter of a method is its receiver.
  struct Overload: Sendable {
    /// The result type for the types of the arguments, which fit the parameters; nil when they do not fit each other.
    typealias Result = @Sendable (_ arguments: [CELType]) -> CELType?

    let parameters: [CELType]
    /// Whether the last parameter takes one or more arguments.
    let isVariadic: Bool
    /// The parameters, as error messages name them.
    let description: String
    private let result: Result

    init(_ parameters: [CELType], _ result: CELType) { self.init(parameters) { _ in result } }

    init(_ parameters: [CELType], _ result: @escaping Result) {
      self.parameters = parameters
      isVariadic = false
      description = parameters.map(\.description).joined(separator: ", ")
      self.result = result
    }

    /// - Parameter description: what the arguments are, for error messages.
    init(variadic parameter: CELType, _ description: String, _ result: @escaping Result) {
      parameters = [parameter]
      isVariadic = true
      self.description = description
      self.result = result
    }

    /// The result type for these types of arguments; nil when the overload does not accept them.
    func result(of arguments: [CELType]) -> CELType? {
      guard accepts(count: arguments.count) else { return nil }
      let fits = arguments.indices.allSatisfy { arguments[$0].fits(parameters[min($0, parameters.count - 1)]) }
      return fits ? result(arguments) : nil
    }

    /// Whether there may be so many arguments.
    func accepts(count: Int) -> Bool { count == parameters.count || (isVariadic && count > parameters.count) }
  }
}
