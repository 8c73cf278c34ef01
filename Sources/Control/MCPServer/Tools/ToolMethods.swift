import Model
import RPC

/// `tools/list` and `tools/call`.
extension ServerMethods {
  static let toolMethods: [Method<Exchange>] = [
    Method("tools/list", .view, "Lists the tools.", .cursor, result: "tools") { exchange, cursor throws(RPCError) in
      try checkPage(cursor)
      exchange.server.board.catalogue { outcome in
        exchange.answer(
          outcome.map { catalogue in
            ["tools": .list(Tool.all.filter { $0.isOffered(by: catalogue) }.map { .map($0.entry(catalogue)) })]
          })
      }
      return nil
    },
    Method(
      "tools/call", .view, "Calls a tool.", Parameter.required("name", .anyText, "which"),
      Parameter.optional("arguments", .object, default: [:], "its arguments"),
      Parameter.optional("requestState", .anyText, "the approval that an earlier answer to this call has named"),
      Parameter.optional("inputResponses", .object, "nothing: a call that waits asks its client for nothing"),
      result: "what it gives, or that a person has to approve it"
    ) { exchange, name, arguments, state, _ throws(RPCError) in
      exchange.server.board.catalogue { outcome in
        do throws(RPCError) {
          let catalogue = try outcome.get()
          guard let tool = Tool.named(name, in: catalogue) else { throw unknown(name, catalogue) }
          if let state {
            ApprovalRound.wait(for: state, of: tool, arguments, exchange)
          } else {
            call(tool, arguments, exchange)
          }
        } catch {
          // The model that called it shall see it, and can correct itself.
          exchange.answer(.success(ToolResult.error(error)))
        }
      }
      return nil
    },
  ]

  private static func unknown(_ name: String, _ catalogue: Catalogue) -> RPCError {
    let names = Tool.all.filter { $0.isOffered(by: catalogue) }.map(\.name)
    return RPCError(
      .notFound, "there is no tool '\(Name(name).shown)'\(Suggestion.phrase(for: name, in: names))",
      hint: "the tools are \(names.joined(separator: ", "))")
  }

  private static func call(_ tool: Tool, _ given: Fields, _ exchange: Exchange) {
    do throws(RPCError) {
      let (params, cuts) = try tool.parameters(given)
      guard let method = tool.method else {
        return exchange.server.board.examine { exchange.answer(.success(ToolResult.of(tool, given, $0, cuts))) }
      }
      exchange.server.board.call(method, params, exchange.trace) { outcome in
        if ApprovalRound.begin(outcome, given, exchange) { return }
        exchange.answer(.success(ToolResult.of(tool, given, outcome, cuts)))
      }
    } catch {
      exchange.answer(.success(ToolResult.error(error)))
    }
  }
}

extension Tool {
  /// The parameters of the method.
  /// - Returns: with them what was cut from the arguments.
  /// - Throws: -32602 for an argument that the tool has not, or that is missing; types are the method's to check.
  func parameters(_ given: Fields) throws(RPCError) -> (Fields, cuts: [String]) {
    var (params, cuts) = (fixed, [String]())
    let names = arguments.map(\.name)
    for (name, value) in given {
      guard let argument = arguments.first(where: { $0.name.isSame(as: name) }) else {
        let takes = names.isEmpty ? "it takes none" : "it takes \(names.joined(separator: ", "))"
        throw RPCError(
          .invalidParams,
          "'\(self.name)' has no argument '\(Name(name).shown)'\(Suggestion.phrase(for: name, in: names))",
          hint: takes)
      }
      params[argument.name] = value
      if let most = argument.most, let number = value.int, number > most {
        params[argument.name] = .int(most)
        cuts.append("'\(argument.name)' is at most \(most)")
      }
    }
    for argument in arguments where params[argument.name] == nil {
      if argument.isRequired {
        throw RPCError(.invalidParams, "'\(name)' needs the argument '\(argument.name)'")
      }
      params[argument.name] = argument.otherwise
    }
    return (params, cuts)
  }
}
