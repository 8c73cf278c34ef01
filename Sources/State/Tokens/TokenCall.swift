import Model

/// A call of a model, before it is made: who pays, and the most that it can cost.
package struct TokenCall: Sendable, Hashable {
  /// The accounts that are charged, each once: the agent's, those of its parents, the board's.
  package var accounts: [String]
  /// The most tokens that it can use: an upper bound of the prompt, and `max_tokens`.
  package var tokens: Int64
  /// The most money that it can cost, in millionths of the settings' currency; 0 without a price.
  package var money: Int64
  /// The agent, for the statistics.
  package var agent: AgentID
  /// The model's name in the settings, for the statistics.
  package var model: String

  /// A call. Negative amounts become zero.
  package init(accounts: [String], tokens: Int64, money: Int64 = 0, agent: AgentID, model: String) {
    self.accounts = accounts
    self.tokens = TokenUsage.clamped(tokens)
    self.money = TokenUsage.clamped(money)
    self.agent = agent
    self.model = model
  }

  /// The account of an agent.
  package static func account(of agent: AgentID) -> String { "agent/\(agent)" }

  /// The board's account.
  package static let board = "board"

  /// The most in a limit's unit.
  func amount(_ unit: TokenLimit.Unit) -> Int64 { unit == .tokens ? tokens : money }
}

/// What a call has used, as the model's server reports it.
package struct TokenUsage: Sendable, Hashable {
  /// Tokens of the prompt.
  package var prompt: Int64
  /// Tokens of the answer.
  package var completion: Int64
  /// The cost in millionths of the settings' currency.
  package var money: Int64

  /// A use. Negative amounts, with which a server could raise a budget, become zero.
  package init(prompt: Int64, completion: Int64, money: Int64 = 0) {
    self.prompt = Self.clamped(prompt)
    self.completion = Self.clamped(completion)
    self.money = Self.clamped(money)
  }

  /// Tokens of the prompt and of the answer.
  package var tokens: Int64 { prompt + completion }

  func amount(_ unit: TokenLimit.Unit) -> Int64 { unit == .tokens ? tokens : money }

  /// Far above any real use, and far below an overflow of sums.
  static func clamped(_ amount: Int64) -> Int64 { min(max(0, amount), Bounds.amount) }
}

/// The number of a call in the ledger. A number is not used again before the next boot.
package struct TokenCallID: Sendable, Hashable, CustomStringConvertible {
  /// The number, from 1.
  package var number: UInt64

  /// For ledgers.
  package init(number: UInt64) { self.number = number }

  package var description: String { "call \(number)" }
}
