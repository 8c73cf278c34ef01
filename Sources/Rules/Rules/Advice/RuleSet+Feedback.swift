import CEL
import Model

/// Rules that feed themselves: what a rule publishes fires it again, at once or through other rules.
extension RuleSet {
  /// An event that a rule publishes whenever it fires.
  private struct Publication {
    var type: String
    /// The payload fields that are always the same.
    var fields: Fields
    /// What publishes it, in the words of the file.
    var origin: String
  }

  /// Conditions are evaluated at most that often: with ten thousand rules on `*` there are too many pairs.
  private static let mostPairs = 100_000

  /// A warning for each rule that fires itself, directly or through others: for the first rule of each circle. The daemon
  /// cuts such a chain after 16 events, so it is never what was meant.
  package var feedbackWarnings: [Diagnostic] {
    let next = successors()
    var told: Set<Int> = []
    return rules.compactMap(Self.oscillation)
      + rules.indices.compactMap { start in
        guard !told.contains(start), let circle = Self.shortestCircle(from: start, next) else { return nil }
        told.formUnion(circle.map(\.rule))
        let rule = rules[start].declaration
        let steps = circle.map { "\($0.origin) fires '\(rules[$0.rule].id)'" }.joined(separator: ", whose ")
        return Diagnostic(
          rule.location, "rule '\(rule.id)' feeds itself: its \(steps); such a chain is cut after 16 events",
          severity: .warning)
      }
  }

  /// A state rule whose `action` and `end` both set a variable that its condition reads: it ends itself, and begins again.
  private static func oscillation(_ rule: CompiledRule) -> Diagnostic? {
    guard let state = rule.state else { return nil }
    func sets(_ list: CompiledActions) -> Set<String> {
      Set(list.actions.compactMap { if case .set(let name, _) = $0 { name } else { nil } })
    }
    for name in sets(rule.actions).intersection(sets(state.endActions)).sorted()
    where state.subjects.contains(.variable(name)) {
      return Diagnostic(
        rule.declaration.location,
        "rule '\(rule.id)' may end itself and begin again without end: its 'action' and its 'end' set '\(name)', which its "
          + "condition reads", severity: .warning)
    }
    return nil
  }

  /// For each rule the rules that what it publishes fires.
  private func successors() -> [[(rule: Int, origin: String)]] {
    var pairs = 0
    var matching: [String: [Int]] = [:]
    return rules.map { rule in
      var found: [(rule: Int, origin: String)] = []
      var seen: Set<Int> = []
      for publication in Self.publications(of: rule) {
        let candidates = matching[publication.type] ?? self.rules(for: publication.type)
        matching[publication.type] = candidates
        for candidate in candidates where !seen.contains(candidate) {
          pairs += 1
          guard pairs <= Self.mostPairs else { return found }
          guard Self.fires(rules[candidate], on: publication) else { continue }
          seen.insert(candidate)
          found.append((candidate, publication.origin))
        }
      }
      return found
    }
  }

  /// - Returns: the steps from a rule back to itself; nil if there is no way.
  private static func shortestCircle(
    from start: Int, _ next: [[(rule: Int, origin: String)]]
  ) -> [(rule: Int, origin: String)]? {
    guard !next[start].isEmpty else { return nil }
    var from: [Int: (rule: Int, origin: String)] = [:]
    var open = [start]
    var position = 0
    while position < open.count {
      let rule = open[position]
      position += 1
      for step in next[rule] {
        if step.rule == start {
          var circle = [step]
          var place = rule
          while place != start, let before = from[place] {
            circle.insert((place, before.origin), at: 0)
            place = before.rule
          }
          return circle
        }
        if from[step.rule] == nil {
          from[step.rule] = (rule, step.origin)
          open.append(step.rule)
        }
      }
    }
    return nil
  }

  private static func publications(of rule: CompiledRule) -> [Publication] {
    let id: Fields = ["rule": .string(rule.id.rawValue)]
    var all = [Publication(type: rule.state == nil ? "rule:fired" : "rule:began", fields: id, origin: "firing")]
    if rule.state != nil { all.append(Publication(type: "rule:ended", fields: id, origin: "end")) }
    for kept in rule.declaration.state?.keep ?? [] { all.append(change(of: kept.device, RuleText.kept(kept))) }
    for list in [rule.actions, rule.otherwise, rule.state?.endActions ?? CompiledActions()] {
      for (place, action) in list.actions.enumerated() { all += publications(of: action, list.payload(place), id) }
    }
    return all
  }

  private static func change(of device: DeviceID, _ origin: String) -> Publication {
    Publication(type: "device:changed", fields: ["device": .string(device.rawValue)], origin: origin)
  }

  private static func publications(
    of action: RuleDeclaration.Action, _ payload: CompiledActions.Payload, _ id: Fields
  ) -> [Publication] {
    let origin = RuleText.action(action)
    switch action {
    case .actuate(let device, let command, _):
      var publication = change(of: device, origin)
      switch command {
      case .on: publication.fields["state"] = .double(1)
      case .off: publication.fields["state"] = .double(0)
      case .level, .pulse: break
      }
      return [publication]
    case .release(let device): return [change(of: device, origin)]
    case .emit(let type, _): return [Publication(type: type, fields: constants(payload), origin: origin)]
    case .set(let name, _):
      return [Publication(type: RuleEvents.variableName, fields: ["name": .string(name)], origin: origin)]
    case .notify: return [Publication(type: "rule:notify", fields: id, origin: origin)]
    case .spawn(let agent), .wake(let agent), .kill(let agent):
      let fields: Fields = ["agent": .string(agent.rawValue)]
      if case .kill = action { return [Publication(type: "agent:stopped", fields: fields, origin: origin)] }
      return ["agent:started", "agent:activated"].map { Publication(type: $0, fields: fields, origin: origin) }
    case .log: return [Publication(type: "rule:log", fields: id, origin: origin)]
    case .wait, .waitFor: return []
    }
  }

  /// The fields whose expressions are constants.
  private static func constants(_ payload: CompiledActions.Payload) -> Fields {
    Fields(
      payload.compactMap { name, program in
        (try? program.evaluate(CELVariables()).converted()).map { (name, $0) }
      })
  }

  /// Whether an event may fire a rule, as far as its constant fields tell: a condition that is false whatever the other
  /// fields are says no.
  private static func fires(_ rule: CompiledRule, on publication: Publication) -> Bool {
    guard let condition = rule.condition else { return true }
    var variables = Dictionary(
      publication.fields.map { ($0.key, CELValue($0.value)) }, uniquingKeysWith: { first, _ in first })
    variables["event"] = .map(
      CELMap(named: [("type", .string(publication.type)), ("payload", .map(CELMap(publication.fields)))]))
    // What is not known is an error here, and `false && error` is false.
    guard let value = try? condition.evaluate(CELVariables(variables)), case .bool(let holds) = value else {
      return true
    }
    return holds
  }
}
