import Agent
import Model
import Projection
import RPC

extension ControlMethods {
  /// Agents and rules that decide on real events, and move nothing.
  static let shadowMethods: [Method<Call>] = [
    Method(
      "shadow.compare", .view,
      "Compares what a shadow would have done with what was done, whoever did it. The record begins with the daemon, the "
        + "registration of the agent, or the rule's coming into force, and is not stored.",
      Parameter.optional("agent", .agent, "an agent that is a shadow; either this or `rule`"),
      Parameter.optional("rule", .text, "a rule that is a shadow"),
      Parameter.optional(
        "last_ms", .integer(1...31_536_000_000), "how far back; by default as far as the record reaches"),
      result:
        "`{\"agent\" or \"rule\": id, \"since_ms_ago\": when the record began, \"outputs\": [{\"device\", \"since_ms_ago\": from when "
        + "on these figures count, \"would\": {\"on_ms\", \"switchings\"}, \"did\": the same of the real output, \"differs_ms\", "
        + "\"differences\": the newest 20, newest first [{\"from_ms_ago\", \"to_ms_ago\": null while it lasts, \"would\": level, "
        + "\"did\": level, \"holder\": who held it or moved it last, or null}], \"refused\": {reason: how often}, \"waited\": "
        + "{holder: how often it would have had to wait for it}, \"total\": {\"since_ms_ago\", \"would\", \"did\"} which loses "
        + "nothing}], \"other\": {kind such as \"emit\": {\"count\", \"newest\": the newest 8, newest first [{\"ms_ago\", "
        + "\"text\"}]}}}`",
      errors: [.agentNotFound, .notFound], compare)
  ]

  @Sendable private static func compare(
    _ call: Call, agent: AgentID?, rule: String?, last: Int64?
  ) throws(RPCError) -> Value? {
    let (subject, absence): (ShadowSubject, String)
    switch (agent, rule) {
    case (let agent?, nil):
      _ = try call.status(agent)
      (subject, absence) = (.agent(agent), "agent '\(agent)' is no shadow: its manifest does not say 'shadow: true'")
    case (nil, let rule?):
      let known = call.services.rules.listRules().map(\.id.rawValue)
      guard known.contains(where: { $0.isSame(as: rule) }) else {
        throw RPCError(.notFound, "there is no rule '\(rule.prefix(130))'" + Suggestion.phrase(for: rule, in: known))
      }
      (subject, absence) = (.rule(RuleID(rule)), "rule '\(rule)' is no shadow: it does not say 'shadow: true'")
    default:
      throw RPCError(parameter: "agent", "an agent, or 'rule'", "either 'agent' or 'rule' is needed")
    }
    guard let found = call.services.shadows?.compare(subject, last: last.map { .milliseconds($0) }) else {
      throw RPCError(.notFound, absence)
    }
    var fields = found.fields(at: call.now)
    switch subject {
    case .agent(let id): fields["agent"] = .string(id.rawValue)
    case .rule(let id): fields["rule"] = .string(id.rawValue)
    }
    return .map(fields)
  }
}

extension ShadowComparison {
  fileprivate func fields(at now: Instant) -> Fields {
    [
      "since_ms_ago": (now - since).milliseconds, "outputs": .list(outputs.map { .map($0.fields(at: now)) }),
      "other": .map(
        Fields(
          deeds.sorted { $0.key < $1.key }.map { kind, deeds in
            (
              kind,
              [
                "count": .int(Int64(clamping: deeds.count)),
                "newest": .list(
                  deeds.newest.map { ["ms_ago": (now - $0.at).milliseconds, "text": .string($0.text)] }),
              ]
            )
          })),
    ]
  }
}

extension ShadowComparison.Use {
  fileprivate var value: Value { ["on_ms": onTime.milliseconds, "switchings": .int(Int64(clamping: switchings))] }
}

extension ShadowComparison.Output {
  fileprivate func fields(at now: Instant) -> Fields {
    [
      "device": .string(device.rawValue), "since_ms_ago": (now - since).milliseconds, "would": would.value,
      "did": did.value, "differs_ms": differs.milliseconds,
      "differences": .list(
        differences.map { difference in
          [
            "from_ms_ago": (now - difference.from).milliseconds,
            "to_ms_ago": difference.to.map { (now - $0).milliseconds } ?? .null,
            "would": .double(difference.would), "did": .double(difference.did), "holder": difference.holder.orNull,
          ]
        }),
      "refused": Self.counts(refused), "waited": Self.counts(waited),
      "total": [
        "since_ms_ago": (now - total.since).milliseconds, "would": total.would.value, "did": total.did.value,
      ],
    ]
  }

  private static func counts(_ counts: [String: UInt64]) -> Value {
    .map(Fields(counts.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64(clamping: $0.value))) }))
  }
}
