import Model
import OpenStarryAgent

/// Writes a request for a server with OpenAI's chat completions API.
///
/// What is written is what servers in the field take: `stream_options` brings the usage at the end of a stream, and
/// `parallel_tool_calls` is asked to be off, as models that are given the choice call several tools at a time.
struct ChatEncoder {
  let settings: ModelSettings
  let request: ModelRequest
  /// The most tokens of the answer: servers have no default, and would go on to the end of the context.
  var maxTokens: Int

  /// The JSON body.
  var body: [UInt8] {
    var fields: Fields = [
      "model": .string(settings.model), "messages": .list(messages.map(value)), "max_tokens": .int(Int64(maxTokens)),
      "stream": true, "stream_options": ["include_usage": true],
    ]
    if let temperature = request.temperature { fields["temperature"] = .double(temperature) }
    if isNative {
      fields["tools"] = .list(request.tools.map(Self.value))
      fields["parallel_tool_calls"] = false
    }
    let schema = usesSchema ? SchemaTools.schema(request.tools) : request.schema
    if let schema {
      fields["response_format"] = [
        "type": "json_schema", "json_schema": ["name": "answer", "strict": true, "schema": schema],
      ]
    }
    return JSONText.write(.map(fields))
  }

  /// The bytes of text in the body that tokens are made of, without pictures.
  var textBytes: Int {
    let messages = messages.reduce(0) { sum, message in
      sum + message.text.utf8.count
        + message.toolCalls.reduce(0) { $0 + Self.arguments($1).utf8.count + $1.name.utf8.count }
    }
    let tools = request.tools.isEmpty ? 0 : JSONText.write(.list(request.tools.map(Self.value))).count
    return messages + tools + (request.schema.map { JSONText.write($0).count } ?? 0)
  }

  /// The pictures that are sent.
  var pictureCount: Int { settings.sees ? request.messages.reduce(0) { $0 + $1.pictures.count } : 0 }

  /// Whether tools are described as a schema of the answer.
  var usesSchema: Bool { settings.tools == .schema && !request.tools.isEmpty }
  private var isNative: Bool { settings.tools == .native && !request.tools.isEmpty }

  private var messages: [ChatMessage] { usesSchema ? SchemaTools.told(request) : request.messages }

  private func value(_ message: ChatMessage) -> Value {
    var fields: Fields = ["role": .string(message.role.rawValue)]
    if settings.sees, !message.pictures.isEmpty {
      var parts: [Value] = message.text.isEmpty ? [] : [["type": "text", "text": .string(message.text)]]
      for picture in message.pictures {
        let url = "data:image/jpeg;base64,\(Base64.text(picture))"
        parts.append(["type": "image_url", "image_url": ["url": .string(url)]])
      }
      fields["content"] = .list(parts)
    } else {
      let lost = message.pictures.isEmpty ? "" : "\n(\(message.pictures.count) picture(s) that this model cannot see)"
      fields["content"] = .string(message.text + lost)
    }
    if !message.toolCalls.isEmpty {
      fields["tool_calls"] = .list(
        message.toolCalls.map { call in
          [
            "id": .string(call.id), "type": "function",
            "function": ["name": .string(ToolNames.wire(call.name)), "arguments": .string(Self.arguments(call))],
          ]
        })
    }
    if !message.toolCallID.isEmpty { fields["tool_call_id"] = .string(message.toolCallID) }
    return .map(fields)
  }

  private static func arguments(_ call: ToolCall) -> String {
    String(decoding: JSONText.write(.map(call.arguments ?? [:])), as: UTF8.self)
  }

  private static func value(_ tool: ModelTool) -> Value {
    [
      "type": "function",
      "function": [
        "name": .string(ToolNames.wire(tool.name)), "description": .string(tool.description),
        "parameters": tool.parameters,
      ],
    ]
  }
}
