/// A language model that agents may ask: an entry of `models` in the settings.
package struct ModelSettings: Sendable, Hashable {
  /// Its name here, for manifests and people.
  package var name: String
  /// The base URL of its server's API, which ends in `/v1` for most, without `/chat/completions`.
  package var url: String
  /// Its name at the server.
  package var model: String
  /// The name of its key in /etc/openstarry/keys, or the path of a file; empty for none.
  package var key: String
  /// How many tokens request and answer may have together; nil if it is not known.
  package var context: Int?
  /// The most tokens of an answer, where the agent does not ask for fewer.
  package var maxTokens: Int
  /// How long an answer may take.
  package var timeout: Duration
  /// What tokens cost; nil for nothing.
  package var price: Price?
  /// How it is told of tools.
  package var tools: Tools
  /// Whether it can see pictures.
  package var sees: Bool

  /// Prices in millionths of the currency for a million tokens.
  package struct Price: Sendable, Hashable {
    /// Of the request.
    package var input: Int64
    /// Of the answer.
    package var output: Int64

    package init(input: Int64, output: Int64) {
      self.input = input
      self.output = output
    }

    /// The cost in millionths of the currency, rounded up.
    package func cost(prompt: Int64, answer: Int64) -> Int64 {
      let sum = prompt.multipliedFullWidth(by: input)
      let other = answer.multipliedFullWidth(by: output)
      guard sum.high == 0, other.high == 0 else { return .max >> 8 }
      return Int64((Double(sum.low) + Double(other.low)) / 1_000_000 + 0.999_999)
    }
  }

  /// How a model is told of tools.
  package enum Tools: String, Sendable, Hashable, CaseIterable {
    /// By the API's own `tools`.
    case native
    /// As a JSON Schema of the answer, so that models which know no tools answer validly.
    case schema
  }

  /// A model with the defaults of `docs/openstarry-yaml.md`.
  package init(
    _ name: String, url: String, model: String? = nil, key: String = "", context: Int? = nil, maxTokens: Int = 512,
    timeout: Duration = .seconds(120), price: Price? = nil, tools: Tools = .native, sees: Bool = true
  ) {
    self.name = name
    self.url = url
    self.model = model ?? name
    self.key = key
    self.context = context
    self.maxTokens = maxTokens
    self.timeout = timeout
    self.price = price
    self.tools = tools
    self.sees = sees
  }
}
