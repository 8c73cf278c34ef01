// Requests to models and their answers as values: the parameters and the result of the call `chat` (docs/process-abi.md).

extension ModelRequest {
  /// The parameters of `chat`.
  package var wireValue: Value {
    var fields: Fields = ["messages": .list(messages.map { $0.wireValue })]
    if !tools.isEmpty { fields["tools"] = .list(tools.map { $0.wireValue }) }
    if let schema { fields["schema"] = schema }
    if let maxTokens { fields["max_tokens"] = .int(Int64(maxTokens)) }
    if let temperature { fields["temperature"] = .double(temperature) }
    if !model.isEmpty { fields["model"] = .string(model) }
    return .map(fields)
  }

  /// Reads the parameters of `chat`. Other fields are ignored.
  /// - Throws: `invalid` says which field is wrong.
  package init(_ value: Value) throws(AgentError) {
    guard let fields = value.map, let messages = fields["messages"]?.list else {
      throw AgentError(.invalid, "'messages' has to be a list of messages")
    }
    self.init()
    for (index, message) in messages.enumerated() {
      self.messages.append(try ChatMessage(message, at: index + 1))
    }
    for (index, tool) in try Self.list(fields, "tools").enumerated() {
      tools.append(try ModelTool(tool, at: index + 1))
    }
    if let schema = fields["schema"], schema != .null {
      guard schema.map != nil else { throw AgentError(.invalid, "'schema' has to be a JSON Schema, an object") }
      self.schema = schema
    }
    if let count = fields["max_tokens"], count != .null {
      guard let count = count.int, (1...1_000_000).contains(count) else {
        throw AgentError(.invalid, "'max_tokens' has to be a number from 1 to 1000000")
      }
      maxTokens = Int(count)
    }
    if let temperature = fields["temperature"], temperature != .null {
      guard let number = temperature.double, number >= 0, number <= 2 else {
        throw AgentError(.invalid, "'temperature' has to be a number from 0 to 2")
      }
      self.temperature = number
    }
    model = try Self.text(fields, "model")
  }

  /// A list that may be missing.
  static func list(_ fields: Fields, _ name: String) throws(AgentError) -> [Value] {
    guard let value = fields[name], value != .null else { return [] }
    guard let list = value.list else { throw AgentError(.invalid, "'\(name)' has to be a list") }
    return list
  }

  /// A text that may be missing.
  static func text(_ fields: Fields, _ name: String) throws(AgentError) -> String {
    guard let value = fields[name], value != .null else { return "" }
    guard let text = value.string else { throw AgentError(.invalid, "'\(name)' has to be a text") }
    return text
  }
}

extension ChatMessage {
  package var wireValue: Value {
    var fields: Fields = ["role": .string(role.rawValue), "content": .string(text)]
    if !pictures.isEmpty { fields["pictures"] = .list(pictures.map(Value.bytes)) }
    if !toolCalls.isEmpty { fields["tool_calls"] = .list(toolCalls.map { $0.wireValue }) }
    if !toolCallID.isEmpty { fields["tool_call_id"] = .string(toolCallID) }
    return .map(fields)
  }

  /// - Parameter place: its number in the conversation, from 1, for the error.
  package init(_ value: Value, at place: Int) throws(AgentError) {
    guard let fields = value.map, let role = fields["role"]?.string.flatMap(Role.init(rawValue:)) else {
      throw AgentError(.invalid, "message \(place) needs a 'role': system, user, assistant or tool")
    }
    self.init(role, try ModelRequest.text(fields, "content"))
    for picture in try ModelRequest.list(fields, "pictures") {
      guard let bytes = picture.pictureBytes else {
        throw AgentError(.invalid, "message \(place) has a picture that is not base64")
      }
      pictures.append(bytes)
    }
    for call in try ModelRequest.list(fields, "tool_calls") {
      guard let call = ToolCall(call) else {
        throw AgentError(.invalid, "message \(place) has a tool call without 'id' and 'name'")
      }
      toolCalls.append(call)
    }
    toolCallID = try ModelRequest.text(fields, "tool_call_id")
  }
}

extension ModelTool {
  package var wireValue: Value {
    ["name": .string(name), "description": .string(description), "parameters": parameters]
  }

  package init(_ value: Value, at place: Int) throws(AgentError) {
    guard let fields = value.map, let name = fields["name"]?.string, Self.isName(name) else {
      throw AgentError(.invalid, "tool \(place) needs a 'name' of at most 64 letters, digits, '_', '-' or '.'")
    }
    self.init(name, try ModelRequest.text(fields, "description"))
    if let parameters = fields["parameters"], parameters != .null {
      guard parameters.map != nil else {
        throw AgentError(.invalid, "'parameters' of tool '\(name)' have to be a JSON Schema, an object")
      }
      self.parameters = parameters
    }
  }

  /// Whether servers accept such a name.
  package static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        byte | 32 >= 0x61 && byte | 32 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F || byte == 0x2D
          || byte == 0x2E
      }
  }
}

extension ToolCall {
  package var wireValue: Value {
    ["id": .string(id), "name": .string(name), "arguments": arguments.map(Value.map) ?? .null]
  }

  /// nil without id and name.
  package init?(_ value: Value) {
    guard let id = value["id"]?.string, let name = value["name"]?.string else { return nil }
    self.init(id: id, name: name, arguments: value["arguments"]?.map)
  }
}

extension ModelAnswer {
  /// The result of `chat`.
  package var wireValue: Value {
    [
      "text": .string(text), "tool_calls": .list(toolCalls.map { $0.wireValue }), "finish": .string(finish),
      "prompt_tokens": .int(Int64(promptTokens)), "answer_tokens": .int(Int64(answerTokens)), "model": .string(model),
    ]
  }

  /// Reads the result of `chat`.
  package init(_ value: Value) throws(AgentError) {
    guard let text = value["text"]?.string else { throw AgentError(.failed, "an answer without a text") }
    self.init(
      text: text, toolCalls: (value["tool_calls"]?.list ?? []).compactMap { ToolCall($0) },
      finish: value["finish"]?.string ?? "", promptTokens: Int(clamping: value["prompt_tokens"]?.int ?? 0),
      answerTokens: Int(clamping: value["answer_tokens"]?.int ?? 0), model: value["model"]?.string ?? "")
  }
}

extension Value {
  /// The bytes of a picture, which JSON has as base64.
  fileprivate var pictureBytes: [UInt8]? {
    switch self {
    case .bytes(let bytes): bytes
    #if !hasFeature(Embedded)
      case .string(let text): Base64.bytes(text)
    #endif
    default: nil
    }
  }
}
