import Model
import OpenStarryAgent

/// Tools for models that know none: the answer's schema has one form for each tool and one for an answer in words, so that a
/// server which constrains its output makes any model answer validly.
enum SchemaTools {
  /// The longest answer in words, in characters: an unbounded text lets a small model go on without end.
  private static let longestAnswer: Int64 = 2000

  /// The schema of the answer: `{"answer": text}` or `{"tool": name, "arguments": {…}}`.
  static func schema(_ tools: [ModelTool]) -> Value {
    let words: Value = [
      "type": "object", "properties": ["answer": ["type": "string", "maxLength": .int(longestAnswer)]],
      "required": ["answer"], "additionalProperties": false,
    ]
    let calls = tools.map { tool -> Value in
      [
        "type": "object",
        "properties": ["tool": ["const": .string(tool.name)], "arguments": bounded(tool.parameters)],
        "required": ["tool", "arguments"], "additionalProperties": false,
      ]
    }
    return ["oneOf": .list([words] + calls)]
  }

  /// The same schema with a bound for each text that has none.
  private static func bounded(_ schema: Value) -> Value {
    guard var fields = schema.map else {
      guard case .list(let list) = schema else { return schema }
      return .list(list.map(bounded))
    }
    for (key, value) in fields where value.map != nil || value.list != nil { fields[key] = bounded(value) }
    let isOpen = fields["enum"] == nil && fields["const"] == nil && fields["pattern"] == nil && fields["format"] == nil
    if fields["type"]?.string == "string", isOpen, fields["maxLength"] == nil { fields["maxLength"] = 200 }
    return .map(fields)
  }

  /// The conversation for such a model: tools, calls and their answers in words.
  static func told(_ request: ModelRequest) -> [ChatMessage] {
    var messages = request.messages.map { message -> ChatMessage in
      switch message.role {
      case .tool: ChatMessage(.user, "Answer of the tool: \(message.text)", pictures: message.pictures)
      case .assistant where !message.toolCalls.isEmpty:
        ChatMessage(.assistant, message.toolCalls.map(shown).joined(separator: "\n"))
      default: message
      }
    }
    let list = request.tools.map { tool in
      let form = String(decoding: JSONText.write(tool.parameters), as: UTF8.self)
      return "\(tool.name): \(tool.description) Arguments: \(form)"
    }.joined(separator: "\n")
    let text = """
      Answer with one JSON object: {"tool": NAME, "arguments": {…}} to use a tool, or {"answer": TEXT}. The tools:
      \(list)
      """
    if let first = messages.first, first.role == .system {
      messages[0].text = "\(first.text)\n\n\(text)"
    } else {
      messages.insert(ChatMessage(.system, text), at: 0)
    }
    return messages
  }

  private static func shown(_ call: ToolCall) -> String {
    let value: Value = ["tool": .string(call.name), "arguments": .map(call.arguments ?? [:])]
    return String(decoding: JSONText.write(value), as: UTF8.self)
  }

  /// What such an answer says.
  /// - Returns: the text as it is, if it is of neither form.
  static func read(_ text: String) -> (text: String, calls: [ToolCall]) {
    guard let value = try? JSONText.read(Array(text.utf8)), let fields = value.map else { return (text, []) }
    if let tool = fields["tool"]?.string {
      return ("", [ToolCall(id: "call_1", name: tool, arguments: fields["arguments"]?.map)])
    }
    return (fields["answer"]?.string ?? text, [])
  }
}
