import Document
import MCP
import Model
import RPC

/// `prompts/list` and `prompts/get`.
extension ServerMethods {
  static let promptMethods: [Method<Exchange>] = [
    Method("prompts/list", .view, "Lists the prompts.", .cursor, result: "prompts") {
      exchange, cursor throws(RPCError) in
      try checkPage(cursor)
      exchange.server.board.catalogue { outcome in
        exchange.answer(
          outcome.map { catalogue in
            let prompts = Prompt.all.filter { catalogue.reachesAll || !$0.isOfEverything }
            return ["prompts": .list(prompts.map { .map($0.entry) })]
          })
      }
      return nil
    },
    Method(
      "prompts/get", .view, "Gives the text of a prompt.", Parameter.required("name", .anyText, "which"),
      Parameter.optional("arguments", .object, default: [:], "its argument"), result: "messages"
    ) { exchange, name, arguments throws(RPCError) in
      guard let prompt = Prompt.all.first(where: { $0.name.isSame(as: name) }) else {
        throw RPCError(
          .invalidParams,
          "there is no prompt '\(Name(name).shown)'\(Suggestion.phrase(for: name, in: Prompt.all.map(\.name)))")
      }
      let given = arguments[prompt.argument.name]?.string?.cut(to: 2048)
      guard given != nil || !prompt.argument.isRequired else {
        throw RPCError(.invalidParams, "the prompt '\(name)' needs '\(prompt.argument.name)', a text")
      }
      exchange.server.board.call("hal.devices", [:], exchange.trace) { outcome in
        exchange.answer(outcome.map { message(prompt, given, $0.result) })
      }
      return nil
    },
  ]

  private static func message(_ prompt: Prompt, _ given: String?, _ devices: Value) -> Fields {
    let lines = (devices["devices"]?.list ?? []).prefix(100).map { row -> Value in
      var line: Fields = [:]
      for name in ["device", "kind", "name", "state", "unit", "limits", "fault", "holder"] {
        if let value = row[name], value != .null { line[name] = value.string.map { .string($0.cut(to: 64)) } ?? value }
      }
      return .map(line)
    }
    let text = prompt.text(
      given.map { DataText.block(json: JSON.text(.string($0))) }, DataText.block(json: JSON.text(.list(Array(lines)))))
    return [
      "description": .string(prompt.about),
      "messages": [["role": "user", "content": ["type": "text", "text": .string(text)]]],
    ]
  }
}
