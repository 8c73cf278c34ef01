/// A request to a model.
public struct ModelRequest: Sendable, Hashable {
  /// The prompt.
  public var prompt: String
  /// The system prompt; empty for none.
  public var system: String
  /// The answer's most tokens; nil is the gateway's default.
  public var maxTokens: Int?

  /// Creates a request.
  public init(prompt: String, system: String = "", maxTokens: Int? = nil) {
    self.prompt = prompt
    self.system = system
    self.maxTokens = maxTokens
  }
}

/// A model's answer.
public struct ModelAnswer: Sendable, Hashable {
  /// The text.
  public var text: String
  /// Tokens of request and answer together, as the model counts them; 0 if unknown.
  public var tokens: Int

  /// Creates an answer.
  public init(text: String, tokens: Int = 0) {
    self.text = text
    self.tokens = tokens
  }
}

/// Identifies a pending request to a model.
public struct CompletionID: Hashable, Sendable {
  /// Unique within a host or gateway.
  public let number: UInt64
  /// Creates an id; for hosts and gateways.
  public init(_ number: UInt64) { self.number = number }
}
