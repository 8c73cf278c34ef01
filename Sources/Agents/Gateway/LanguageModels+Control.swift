import Agent
import Model
import Tokens

// What people see.
extension LanguageModels: ModelControl {
  package var modelRows: [Fields] {
    models.map { model in
      let settings = model.settings
      return [
        "model": .string(settings.name), "url": .string(settings.url), "name_at_server": .string(settings.model),
        "key": settings.key.isEmpty ? .null : .string(settings.key),
        "max_tokens": .int(Int64(settings.maxTokens)), "tools": .string(settings.tools.rawValue),
        "calls": .int(Int64(clamping: model.calls)), "failures": .int(Int64(clamping: model.failures)),
        "last_failure": model.lastFailure.map { .string($0.sentence) } ?? .null,
        "rests_ms": model.rest(at: site.clock.now).map { .int($0.nanoseconds / 1_000_000) } ?? .null,
      ]
    }
  }

  package func usage(by grouping: ModelUsageGrouping) -> Fields {
    let statistics = site.ledger.statistics
    let kind: TokenStatistics.Grouping =
      switch grouping {
      case .agent: .agent
      case .model: .model
      case .day: .day
      }
    let rows = statistics.sums(by: kind).map { name, use -> Value in
      [
        grouping.rawValue: .string(name), "calls": .int(use.calls), "prompt_tokens": .int(use.prompt),
        "answer_tokens": .int(use.completion), "unreported_tokens": .int(use.unreported),
        "money": .double(Double(use.money) / 1_000_000),
      ]
    }
    return [
      "rows": .list(rows), "days": .int(Int64(TokenStatistics.days)),
      "gaps": .list(
        statistics.gaps.map { ["from": .int(Int64(clamping: $0.from)), "to": .int(Int64(clamping: $0.to))] }),
    ]
  }

  package func transcript(of agent: AgentID?, last: Int) -> [Fields] { site.transcript.newest(last, of: agent) }

  package func listen(_ hear: @escaping (ModelText) -> Void) -> UInt64 {
    lastListener += 1
    listeners[lastListener] = hear
    return lastListener
  }

  package func endListen(_ listener: UInt64) { listeners[listener] = nil }
}
