import Linux
import Model

/// What models were used for, by day, agent and model.
package struct TokenStatistics: Sendable, Hashable {
  /// The use by one agent of one model on one day.
  package struct Row: Sendable, Hashable {
    /// Days since 1970-01-01 (UTC).
    package var day: Int
    /// The agent; `others` (``TokenStatistics/others``) for those beyond the most rows a day.
    package var agent: AgentID
    /// The model.
    package var model: String
    /// What was used.
    package var use: Use
  }

  /// Sums of calls.
  package struct Use: Sendable, Hashable {
    /// Calls that were charged.
    package var calls: Int64 = 0
    /// Tokens of prompts.
    package var prompt: Int64 = 0
    /// Tokens of answers.
    package var completion: Int64 = 0
    /// Tokens charged for calls whose use is unknown, as much as was reserved.
    package var unreported: Int64 = 0
    /// Money in millionths of the settings' currency.
    package var money: Int64 = 0

    /// All tokens.
    package var tokens: Int64 { prompt + completion + unreported }

    /// The sum of two uses.
    package static func + (left: Use, right: Use) -> Use {
      Use(
        calls: left.calls + right.calls, prompt: left.prompt + right.prompt,
        completion: left.completion + right.completion, unreported: left.unreported + right.unreported,
        money: left.money + right.money)
    }
  }

  /// A time of which the statistics may lack calls, because the power failed: rows are written with the marks, so those
  /// of the calls since the last commit were in memory only. The accounts lack nothing.
  package struct Gap: Sendable, Hashable {
    /// The last commit before the power failed, in milliseconds since 1970.
    package var from: UInt64
    /// The start after it.
    package var to: UInt64
  }

  /// The days that are kept.
  package static let days = 31
  /// The most rows of a day: further agents and models count as `others`.
  package static let rowsPerDay = 64
  /// The most gaps that are kept, the newest.
  package static let gapLimit = 8
  /// Agent and model of calls beyond the most rows of a day.
  package static let others = "others"

  /// The rows, by day, then in the order of their first call.
  package var rows: [Row] = []
  /// When calls may be missing, oldest first.
  package var gaps: [Gap] = []

  /// Statistics without rows.
  package init() {}

  /// The sums for each agent, model or day: the most tokens first, days oldest first.
  /// - Returns: the agent's id, the model's name, or the day as `2026-01-31`.
  package func sums(by grouping: UsageGrouping) -> [(name: String, use: Use)] {
    var sums: [String: Use] = [:]
    for row in rows {
      let name =
        switch grouping {
        case .agent: row.agent.rawValue
        case .model: row.model
        case .day: UTCText.day(row.day)
        }
      sums[name, default: Use()] = sums[name, default: Use()] + row.use
    }
    return sums.map { ($0.key, $0.value) }.sorted {
      grouping == .day || $0.use.tokens == $1.use.tokens ? $0.name < $1.name : $0.use.tokens > $1.use.tokens
    }
  }
}
