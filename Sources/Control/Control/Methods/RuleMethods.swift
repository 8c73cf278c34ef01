import Model
import RPC
import Rules

extension Call {
  /// Counts a text of rules to check.
  /// - Throws: -32005 when the user has had too many checked.
  fileprivate func takeCheck() throws(RPCError) {
    guard let wait = server.shares[client.uid]?.checks.take(at: now) else { return }
    throw RPCError(
      .rateLimited, "'\(client.user)' has more than \(server.limits.checks) texts of rules checked a second",
      data: ["retry_after_ms": .int(wait.nanoseconds / 1_000_000 + 1)], hint: "try again then")
  }
}

extension ControlMethods {
  static let ruleMethods: [Method<Call>] = [
    Method(
      "rules.list", .view, "Lists the rules in force with their counters, in the order of the files.",
      Parameter.optional("first", .integer(0...1_000_000), default: 0, "how many rules are skipped"),
      Parameter.optional(
        "most", .integer(1...1_000_000), "the most rules of the answer; by default all, which may not fit into one"),
      result:
        "`{\"rules\": [rule (4.8)], \"total\": how many there are, \"refused\": the errors in the rule files, only if "
        + "the last reload failed, \"safe_mode\": that no rules run, only in safe mode}`"
    ) { call, first, most throws(RPCError) in
      let rows = call.services.projection.ruleRows
      let page = rows.dropFirst(Int(first)).prefix(most.map { Int($0) } ?? rows.count)
      var result: Fields = ["rules": .list(page.map(Value.map)), "total": .int(Int64(rows.count))]
      result["safe_mode"] = call.services.rules.safeMode.map { .string($0) }
      result["refused"] = call.services.rules.refusal.map { .string($0) }
      return .map(result)
    },
    Method(
      "rules.test", .view, "Returns which rules an event would fire, without firing them.",
      Parameter.optional("type", .text, "the event's name; either this or `event`"),
      Parameter.optional("payload", .object, default: [:], "the event's payload"),
      Parameter.optional("event", .eventID, "the id of a retained event"),
      result: "`{\"verdicts\": [verdict (4.8)]}`", errors: [.notFound, .safeMode], test),
    Method(
      "rules.explain", .view,
      "Explains a rule: every part of its conditions with its value, and what would have to change.",
      Parameter.required("rule", .text, "the rule"),
      result:
        "`{\"rule\": rule (4.8), \"parts\": [{\"key\", \"depth\", \"text\", \"result\": \"true\", \"false\" or "
        + "\"unknown\", \"values\"}], \"changes\": [sentence]}`", errors: [.notFound, .safeMode]
    ) { call, rule throws(RPCError) in
      try call.requireRules()
      guard let explanation = call.services.rules.explain(RuleID(rule)) else { throw call.noRule(rule) }
      return .map(explanation.fields(at: call.now))
    },
    Method(
      "rules.check", .view, "Checks the text of a rule file against this board, and changes nothing.",
      Parameter.required("text", .ruleText, "the file, YAML of at most 64 KiB"),
      result:
        "`{\"errors\": N, \"warnings\": N, \"diagnostics\": [{\"line\", \"column\", \"severity\": \"error\" or \"warning\", "
        + "\"message\"}]}`"
    ) { call, text throws(RPCError) in
      try call.takeCheck()
      let found = call.services.daemon.problems(inRules: text)
      return [
        "errors": .int(Int64(found.count { $0.severity == .error })),
        "warnings": .int(Int64(found.count { $0.severity == .warning })),
        "diagnostics": .list(
          found.prefix(200).map { problem in
            [
              "line": .int(Int64(problem.location.line)), "column": .int(Int64(problem.location.column)),
              "severity": .string(problem.severity.rawValue), "message": .string(problem.message),
            ]
          }),
      ]
    },
    Method(
      "rules.enable", .operate, "Disables or enables a rule. The choice survives restarts.",
      Parameter.required("rule", .text, "the rule"),
      Parameter.optional("enabled", .boolean, default: true, "whether it may act"),
      result:
        "`{\"rule\": id, \"enabled\": whether it may act, \"warning\": why it will not survive a restart (or null)}`",
      errors: [.notFound, .safeMode], isCommand: true
    ) { call, rule, isEnabled throws(RPCError) in
      try call.requireRules()
      guard call.services.rules.setRule(RuleID(rule), enabled: isEnabled) else { throw call.noRule(rule) }
      return call.answerWhenStored(["rule": .string(rule), "enabled": .bool(isEnabled)])
    },
    Method(
      "rules.resume", .operate,
      "Lets a state rule begin again that an emergency stop has ended, or whose output a person has made safe.",
      Parameter.required("rule", .text, "the rule"),
      result:
        "`{\"rule\": id, \"resumed\": whether it waited for that, \"warning\": why it will not survive a restart (or null)}`",
      errors: [.notFound, .safeMode], isCommand: true
    ) { call, rule throws(RPCError) in
      try call.requireRules()
      guard call.services.rules.listRules().contains(where: { $0.id.rawValue == rule }) else { throw call.noRule(rule) }
      return call.answerWhenStored([
        "rule": .string(rule), "resumed": .bool(call.services.rules.resumeRule(RuleID(rule))),
      ])
    },
    Method(
      "rules.variables", .view, "Returns the variables of the rules.", result: "`{\"variables\": {name: value}}`",
      errors: [.safeMode]
    ) { call throws(RPCError) in
      try call.requireRules()
      return ["variables": .map(call.services.rules.variables)]
    },
    Method(
      "rules.set", .operate, "Sets a variable of the rules. The value survives restarts.",
      Parameter.required("name", .text, "the variable"),
      Parameter.required("value", .anything, "its value, of the type of its first value"),
      result: "`{\"name\": name, \"value\": value, \"warning\": why it will not survive a restart (or null)}`",
      errors: [.notFound, .safeMode], isCommand: true
    ) { call, name, value throws(RPCError) in
      try call.requireRules()
      do throws(NoAnswer) {
        try call.services.rules.setVariable(name, value, by: call.client.source, cause: call.cause)
      } catch {
        throw RPCError(call.services.rules.variables[name] == nil ? .notFound : .invalidParams, error.message)
      }
      return call.answerWhenStored(["name": .string(name), "value": call.services.rules.variables[name] ?? .null])
    },
    Method(
      "rules.reload", .admin, "Reloads the rule files. On an error the previous rules stay in force.",
      result: "`{\"rules\": the number of rules}`", errors: [.invalidFile, .safeMode], isCommand: true
    ) { call throws(RPCError) in
      try call.requireRules()
      do throws(Diagnostics) {
        return ["rules": .int(Int64(try call.services.rules.reloadRules()))]
      } catch {
        throw RPCError(error, "the previous rules stay in force")
      }
    },
  ]

  @Sendable private static func test(
    _ call: Call, type: String?, payload: Fields, id: ULID?
  ) throws(RPCError) -> Value? {
    try call.requireRules()
    let event: Event
    switch (type, id) {
    case (let type?, nil):
      guard EventPattern.isEventName(type) else {
        throw RPCError(
          parameter: "type", "a name such as 'sensor:temperature'", "'\(type.prefix(130))' is not an event name")
      }
      let time = call.server.time
      event = Event(
        id: ULID(milliseconds: time.wallMilliseconds, random: (0, 0)), type: type, time: time.wallMilliseconds,
        clockSynchronised: time.wallIsSynchronised, monotonic: time.now.nanoseconds, source: call.client.source,
        payload: payload)
    case (nil, let id?):
      guard let known = call.services.events.event(id) else {
        throw RPCError(.notFound, "no event '\(id)' is known", hint: "only the newest events are kept")
      }
      event = known
    default: throw RPCError(parameter: "type", "an event name, or 'event'", "either 'type' or 'event' is needed")
    }
    return ["verdicts": .list(call.services.rules.testRules(event).map { .map($0.fields) })]
  }
}

extension Call {
  /// Refuses what needs rules while none run.
  func requireRules() throws(RPCError) {
    if let safeMode = services.rules.safeMode { throw RPCError(.safeMode, safeMode) }
  }

  /// Answers when the change that was made is on the disk, or with a `warning` that it is not.
  /// - Returns: nil.
  func answerWhenStored(_ result: Fields) -> Value? {
    services.rules.whenStored { [self] problem in
      var result = result
      result["warning"] = problem.map { .string("it will not survive a restart: \($0)") } ?? .null
      answer(.success(.map(result)))
    }
    return nil
  }

  /// The error for a rule that does not exist.
  fileprivate func noRule(_ rule: String) -> RPCError {
    let known = services.rules.listRules().map(\.id.rawValue)
    return RPCError(.notFound, "there is no rule '\(rule.prefix(130))'" + Suggestion.phrase(for: rule, in: known))
  }
}

extension RuleExplanation {
  /// The answer of `rules.explain`.
  fileprivate func fields(at now: Instant) -> Fields {
    [
      "rule": .map(status.fields(at: now)),
      "parts": .list(
        parts.map { part in
          [
            "key": .string(part.key), "depth": .int(Int64(part.depth)), "text": .string(part.text),
            "result": .string(part.result), "values": .string(part.values),
          ]
        }),
      "changes": .list(changes.map { .string($0) }),
    ]
  }
}
