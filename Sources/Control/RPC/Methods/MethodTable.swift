import Model

/// The methods of a protocol by name; dispatches requests to them.
package struct MethodTable<Context>: Sendable {
  /// All methods in the order of the document.
  package let all: [Method<Context>]
  private let byName: [Name: Method<Context>]

  /// Creates a table.
  /// - Parameter methods: with unique names; a duplicate traps.
  package init(_ methods: [Method<Context>]) {
    all = methods
    byName = Dictionary(uniqueKeysWithValues: all.map { (Name($0.name), $0) })
  }

  /// The method with this name.
  /// - Throws: -32601 with the most similar name.
  package func method(_ name: String) throws(RPCError) -> Method<Context> {
    if let method = byName[Name(name)] { return method }
    throw RPCError(
      .methodNotFound, "there is no method '\(Name(name).shown)'",
      hint: Suggestion.closest(to: name, in: all.map(\.name)).map { "did you mean '\($0)'?" }
        ?? "daemon.methods lists them")
  }

  /// Calls a method after checking the parameters. Roles do not apply.
  /// - Returns: the result; nil when the method answers later, as its context lets it.
  package func call(_ name: String, _ params: Fields, _ context: @autoclosure () -> Context) throws(RPCError) -> Value?
  {
    let method = try method(name)
    return try method.call(context(), try Arguments(params, for: method.parameters))
  }

  /// Calls the requested method after checking the caller's role and the parameters. The answer is given at once, or
  /// later by the method.
  /// - Parameters:
  ///   - role: the caller's role.
  ///   - context: creates the method's context, or refuses the request; not called for a request that was refused before.
  package func dispatch(
    _ reply: Reply, as role: Role, _ context: (Method<Context>, Arguments) throws(RPCError) -> Context
  ) {
    do throws(RPCError) {
      let method = try method(reply.request.method)
      try role.require(method.role, to: "call '\(method.name)'")
      let arguments = try Arguments(reply.request.params, for: method.parameters)
      if let result = try method.call(try context(method, arguments), arguments) { reply.give(.success(result)) }
    } catch {
      reply.give(.failure(error))
    }
  }
}
