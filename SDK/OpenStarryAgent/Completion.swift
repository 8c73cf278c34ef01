/// A question to a model.
public struct ModelRequest: Sendable, Hashable {
  /// What is asked.
  public var prompt: String
  /// What the model is told about its part beforehand; empty for nothing.
  public var system: String
  /// The most tokens of the answer; nil leaves it to the gateway.
  public var maxTokens: Int?

  /// Puts a question together.
  public init(prompt: String, system: String = "", maxTokens: Int? = nil) {
    self.prompt = prompt
    self.system = system
    self.maxTokens = maxTokens
  }
}

/// A model's answer.
public struct ModelAnswer: Sendable, Hashable {
  /// What it says.
  public var text: String
  /// Tokens of question and answer together, as the model counts them; 0 when it does not say.
  public var tokens: Int

  /// Puts an answer together.
  public init(text: String, tokens: Int = 0) {
    self.text = text
    self.tokens = tokens
  }
}

/// Names a question that waits for its answer.
public struct CompletionID: Hashable, Sendable {
  /// Never used twice by one host or gateway.
  public let number: UInt64
  /// Hosts and gateways make these.
  public init(_ number: UInt64) { self.number = number }
}
