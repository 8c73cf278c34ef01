import OpenStarryAgent

/// What the manifest says of the mind, as the daemon hands it over: upstream's `cognition`, `guide`, `memory`,
/// `policy`, `execution` and `safety`. Values out of range become the nearest that is in range.
struct Settings {
  /// A model's name; empty for the first that answers.
  var model: String
  /// nil for the server's default.
  var temperature: Double?
  /// The most tokens of one answer; nil for the default in the settings.
  var maxTokens: Int?
  /// The owner's system prompt; empty for the default.
  var guide: String
  /// Names or patterns of tools; empty for all that the permissions allow.
  var tools: [String]
  /// The most answers with tool calls for one event.
  var maxToolRounds: Int
  /// The most calls in one answer that are carried out.
  var maxConcurrentTools: Int
  /// How long one call may take.
  var toolTimeout: Duration
  /// How many earlier exchanges a question has with it.
  var window: Int
  /// The most model calls for one event.
  var maxLoopTicks: Int
  /// How often the same call may fail one after the other.
  var repetitiveFailThreshold: Int
  /// How many calls may fail one after the other.
  var frustrationThreshold: Int
  /// The share of failed calls among the last ones.
  var errorWindow: Int
  var errorRateThreshold: Double
  /// The MCP servers whose tools it may use.
  var servers: [(name: String, place: ServerPlace)]

  /// Where an MCP server is.
  enum ServerPlace {
    /// A command with its arguments.
    case program([String])
    case url(String)
  }

  init(_ fields: Fields) {
    func count(_ name: String, _ range: ClosedRange<Int>, _ usual: Int) -> Int {
      min(max(fields[name]?.int.map { Int(clamping: $0) } ?? usual, range.lowerBound), range.upperBound)
    }
    model = fields["model"]?.string ?? ""
    temperature = fields["temperature"]?.double.map { min(max($0, 0), 2) }
    maxTokens = fields["max_tokens"]?.int.map { Int(min(max($0, 1), 1_000_000)) }
    guide = fields["guide"]?.string ?? ""
    tools = (fields["tools"]?.list ?? []).compactMap(\.string)
    maxToolRounds = count("max_tool_rounds", 1...1000, 10)
    maxConcurrentTools = count("max_concurrent_tools", 1...64, 1)
    toolTimeout = .milliseconds(count("tool_timeout_ms", 1...3_600_000, 30_000))
    window = count("window", 0...1000, 5)
    maxLoopTicks = count("max_loop_ticks", 1...10_000, 50)
    repetitiveFailThreshold = count("repetitive_fail_threshold", 1...1000, 3)
    frustrationThreshold = count("frustration_threshold", 1...1000, 5)
    errorWindow = count("error_window", 1...1000, 10)
    errorRateThreshold = min(max(fields["error_rate_threshold"]?.double ?? 0.8, 0), 1)
    servers = (fields["servers"]?.list ?? []).compactMap { server in
      let name = server["name"]?.string ?? ""
      if let url = server["url"]?.string { return (name, .url(url)) }
      let command = (server["command"]?.list ?? []).compactMap(\.string)
      return command.isEmpty ? nil : (name, .program(command))
    }
  }
}
