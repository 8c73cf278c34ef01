/// What a manifest says of an agent that thinks with a language model: upstream's `cognition`, `guide`, `memory`, `policy`,
/// `execution` and `safety`, with upstream's defaults.
package struct Mind: Sendable, Hashable {
  /// The program that runs agents which have `cognition` and no `runtime`.
  package static let program = "openstarry-mind"

  /// Who answers; `cognition.provider`. Empty for any.
  package var provider = ""
  /// `cognition.model`: a model's name in the settings, or as its server knows it. Empty for the first that answers.
  package var model = ""
  /// The base URL of a server on this machine that a provider plugin of the manifest names (`config.baseUrl`), for boards
  /// whose settings list no model; nil for none.
  package var endpoint: String?
  /// `cognition.temperature`, 0 to 2; nil for the server's default.
  package var temperature: Double?
  /// `cognition.maxTokens`: the most tokens of one answer; nil for the default in the settings.
  package var maxTokens: Int?
  /// `guide`: the system prompt, a text.
  package var guide = ""
  /// The longest guide in bytes.
  package static let longestGuide = 32_768
  /// `guide` as a file; nil where it is a text.
  package var guideFile: String?
  /// `capabilities.tools`: names or patterns of tools; empty for all that the permissions allow.
  package var tools: [String] = []

  // MARK: Bounds

  /// `maxToolRounds`: the most answers with tool calls for one event.
  package var maxToolRounds = 10
  /// `maxConcurrentTools`: the most calls in one answer that are carried out.
  package var maxConcurrentTools = 1
  /// `toolTimeout`, in milliseconds.
  package var toolTimeout: Int64 = 30_000
  /// `slidingWindowSize`: how many earlier exchanges a question has with it.
  package var windowSize = 5
  /// `safety.maxLoopTicks`: the most model calls for one event.
  package var maxLoopTicks = 50
  /// `safety.repetitiveFailThreshold`: how often the same call may fail one after the other.
  package var repetitiveFailThreshold = 3
  /// `safety.frustrationThreshold`: how many calls may fail one after the other.
  package var frustrationThreshold = 5
  /// `safety.errorWindowSize`: of how many of the last calls `errorRateThreshold` is a share.
  package var errorWindowSize = 10
  /// `safety.errorRateThreshold`: the share of failed calls that ends the work, 0 to 1.
  package var errorRateThreshold = 0.8

  /// The MCP servers whose tools it may use.
  package var servers: [Server] = []

  /// An MCP server.
  package struct Server: Sendable, Hashable {
    /// Where it is.
    package enum Place: Sendable, Hashable {
      /// A program that speaks over its standard input and output, and its arguments.
      case program([String])
      /// Its address, http or https.
      case url(String)
    }

    /// Its name, which its tools begin with.
    package var name: String
    /// Where it is.
    package var place: Place

    /// A server.
    package init(name: String, _ place: Place) {
      self.name = name
      self.place = place
    }

    /// The form in which a mind's program gets it.
    var fields: Value {
      switch place {
      case .program(let words): ["name": .string(name), "command": .list(words.map(Value.string))]
      case .url(let url): ["name": .string(name), "url": .string(url)]
      }
    }
  }

  /// A mind with upstream's defaults.
  package init() {}

  /// The model of its manifest, beside those of the settings; nil for none.
  package var server: ModelSettings? {
    endpoint.map {
      ModelSettings(provider.isEmpty ? "manifest" : provider, url: $0, model: model, maxTokens: maxTokens ?? 512)
    }
  }

  /// The form in which a mind's program gets it.
  package var fields: Fields {
    [
      "provider": .string(provider), "model": .string(model), "temperature": temperature.map(Value.double) ?? .null,
      "max_tokens": maxTokens.map { .int(Int64($0)) } ?? .null, "guide": .string(guide),
      "tools": .list(tools.map(Value.string)), "max_tool_rounds": .int(Int64(maxToolRounds)),
      "max_concurrent_tools": .int(Int64(maxConcurrentTools)), "tool_timeout_ms": .int(toolTimeout),
      "window": .int(Int64(windowSize)), "max_loop_ticks": .int(Int64(maxLoopTicks)),
      "repetitive_fail_threshold": .int(Int64(repetitiveFailThreshold)),
      "frustration_threshold": .int(Int64(frustrationThreshold)), "error_window": .int(Int64(errorWindowSize)),
      "error_rate_threshold": .double(errorRateThreshold),
      "servers": .list(servers.map(\.fields)),
    ]
  }
}

extension Mind: Defaulted {
  package static var usual: Mind { Mind() }
}
