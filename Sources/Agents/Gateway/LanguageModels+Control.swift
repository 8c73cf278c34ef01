import Agent
import Model
import Tokens

// What people see.
extension LanguageModels: ModelControl {
  package var modelRows: [Fields] {
    let ofManifests = others.values.sorted { ($0.settings.name, $0.settings.url) < ($1.settings.name, $1.settings.url) }
    return models.map { row($0, from: "settings") } + ofManifests.map { row($0, from: "manifest") }
  }

  private func row(_ model: LanguageModelState, from place: String) -> Fields {
    let settings = model.settings
    return [
      "model": .string(settings.name), "from": .string(place), "url": .string(settings.url),
      "name_at_server": .string(settings.model),
      "key": settings.key.isEmpty ? .null : .string(settings.key),
      "max_tokens": .int(Int64(settings.maxTokens)), "tools": .string(settings.tools.rawValue),
      "calls": .int(Int64(clamping: model.calls)), "failures": .int(Int64(clamping: model.failures)),
      "last_failure": model.lastFailure.map { .string($0.sentence) } ?? .null,
      "rests_ms": model.rest(at: site.clock.now).map { .int($0.nanoseconds / 1_000_000) } ?? .null,
    ]
  }

  package func usage(by grouping: UsageGrouping) -> Fields {
    let statistics = site.ledger.statistics
    let rows = statistics.sums(by: grouping).map { name, use -> Value in
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
