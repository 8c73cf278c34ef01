/// A request to a model.
public struct ModelRequest: Sendable, Hashable {
  /// The conversation so far, oldest first; a system prompt is its first message.
  public var messages: [ChatMessage]
  /// The tools that the model may ask for. Whoever asks the model carries the calls out.
  public var tools: [ModelTool]
  /// The JSON Schema of the answer; nil for free text.
  public var schema: Value?
  /// The answer's most tokens; nil is the default in the settings.
  public var maxTokens: Int?
  /// From 0, always the most likely word, to 2; nil is the server's default.
  public var temperature: Double?
  /// A model's name in the settings; empty for the first that answers.
  public var model: String

  /// Creates a request.
  public init(
    _ messages: [ChatMessage] = [], tools: [ModelTool] = [], schema: Value? = nil, maxTokens: Int? = nil,
    temperature: Double? = nil, model: String = ""
  ) {
    self.messages = messages
    self.tools = tools
    self.schema = schema
    self.maxTokens = maxTokens
    self.temperature = temperature
    self.model = model
  }

  /// A request with one question.
  /// - Parameter system: the system prompt; empty for none.
  public init(prompt: String, system: String = "", maxTokens: Int? = nil) {
    self.init(
      (system.isEmpty ? [] : [ChatMessage(.system, system)]) + [ChatMessage(.user, prompt)], maxTokens: maxTokens)
  }
}

/// One message of a conversation with a model.
public struct ChatMessage: Sendable, Hashable {
  /// Who says it.
  public enum Role: String, Sendable, Hashable, CaseIterable {
    /// What the model is to be and do.
    case system
    /// A person, or the world.
    case user
    /// The model.
    case assistant
    /// What a tool has answered.
    case tool
  }

  /// Who says it.
  public var role: Role
  /// The text; empty where there is none.
  public var text: String
  /// JPEG pictures that belong to it, for models that can see.
  public var pictures: [[UInt8]]
  /// The tools that the model has asked for; only with `assistant`.
  public var toolCalls: [ToolCall]
  /// The `id` of the call that this answers; only with `tool`.
  public var toolCallID: String

  /// Creates a message.
  public init(
    _ role: Role, _ text: String, pictures: [[UInt8]] = [], toolCalls: [ToolCall] = [], toolCallID: String = ""
  ) {
    self.role = role
    self.text = text
    self.pictures = pictures
    self.toolCalls = toolCalls
    self.toolCallID = toolCallID
  }
}

/// A tool that a model may ask for.
public struct ModelTool: Sendable, Hashable {
  /// Its name: letters, digits, `_`, `-` and `.`, at most 64.
  public var name: String
  /// What it does, for the model.
  public var description: String
  /// The JSON Schema of its arguments, an object.
  public var parameters: Value

  /// Creates a tool.
  public init(_ name: String, _ description: String, parameters: Value = ["type": "object", "properties": [:]]) {
    self.name = name
    self.description = description
    self.parameters = parameters
  }
}

/// A model's wish that a tool be used.
public struct ToolCall: Sendable, Hashable {
  /// Tells the calls of a conversation apart; the answer names it.
  public var id: String
  /// The tool. A model may ask for one that it was not given.
  public var name: String
  /// The arguments; nil if what the model wrote is no JSON object.
  public var arguments: Fields?

  /// Creates a call.
  public init(id: String, name: String, arguments: Fields?) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}

/// A model's answer.
public struct ModelAnswer: Sendable, Hashable {
  /// The text; may be empty with `toolCalls`.
  public var text: String
  /// The tools that it asks for.
  public var toolCalls: [ToolCall]
  /// Why it ended, in the server's words: `stop`, `length` at `maxTokens`, `tool_calls`.
  public var finish: String
  /// Tokens of the request, as the model's server counts them; 0 if unknown.
  public var promptTokens: Int
  /// Tokens of the answer; 0 if unknown.
  public var answerTokens: Int
  /// The name of the model that has answered, as in the settings.
  public var model: String

  /// Tokens of request and answer together.
  public var tokens: Int { promptTokens + answerTokens }

  /// Creates an answer.
  public init(
    text: String, toolCalls: [ToolCall] = [], finish: String = "stop", promptTokens: Int = 0, answerTokens: Int = 0,
    model: String = ""
  ) {
    self.text = text
    self.toolCalls = toolCalls
    self.finish = finish
    self.promptTokens = promptTokens
    self.answerTokens = answerTokens
    self.model = model
  }
}

/// Identifies a pending request to a model.
public struct CompletionID: Hashable, Sendable {
  /// Unique within a host or gateway.
  public let number: UInt64
  /// Creates an id; for hosts and gateways.
  public init(_ number: UInt64) { self.number = number }
}
