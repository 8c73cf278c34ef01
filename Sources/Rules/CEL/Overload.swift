extension Function {
  /// One signature. The first parameter of a method is its receiver.
  struct Overload: Sendable {
    /// The result type for the types of the arguments, which fit the parameters; nil when they do not fit each other.
    typealias Result = @Sendable (_ arguments: [CELType]) -> CELType?

    let parameters: [CELType]
    private let result: Result

    init(_ parameters: [CELType], _ result: CELType) { self.init(parameters) { _ in result } }

    init(_ parameters: [CELType], _ result: @escaping Result) {
      self.parameters = parameters
      self.result = result
    }

    /// The result type for these types of arguments; nil when the overload does not accept them.
    func result(of arguments: [CELType]) -> CELType? {
      guard arguments.count == parameters.count, zip(arguments, parameters).allSatisfy({ $0.fits($1) }) else {
        return nil
      }
      return result(arguments)
    }
  }
}
