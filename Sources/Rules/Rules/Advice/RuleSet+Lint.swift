import CEL
import Model

/// `openstarry rules lint`: rules that are valid, and probably not what was meant.
extension RuleSet {
  /// Advice about each rule, about variables, and about outputs that several rules keep.
  /// - Parameter declared: the variables of the rules.
  package func advice(about declared: [RuleVariable]) -> [Diagnostic] {
    rules.flatMap { RuleLint(rule: $0.declaration).advice } + idle(declared) + sharedOutputs
  }

  /// Variables that no rule reads.
  private func idle(_ declared: [RuleVariable]) -> [Diagnostic] {
    let read = Set(rules.flatMap(Self.readVariables))
    return declared.filter { !read.contains($0.name) }.map { variable in
      Diagnostic(variable.location, "no rule reads 'vars.\(variable.name)'", severity: .warning)
    }
  }

  private static func readVariables(of rule: CompiledRule) -> [String] {
    let lists = [rule.actions, rule.otherwise, rule.state?.endActions ?? CompiledActions()]
    var programs = lists.flatMap(\.programs)
    programs += [rule.condition, rule.per, rule.state?.begins, rule.state?.ends].compactMap(\.self)
    programs += rule.state?.levels.compactMap(\.self) ?? []
    return programs.flatMap(\.selections).filter { $0.variable == "vars" }.map(\.field)
  }

  /// Outputs that several state rules keep at different levels: where both last, the later one has them.
  private var sharedOutputs: [Diagnostic] {
    var keepers: [DeviceID: [RuleDeclaration]] = [:]
    // A shadow keeps nothing from anybody.
    for rule in rules where !rule.declaration.shadow {
      for kept in rule.declaration.state?.keep ?? [] { keepers[kept.device, default: []].append(rule.declaration) }
    }
    return keepers.filter { Self.levels($0.value, of: $0.key).count > 1 && !Self.excludeEachOther($0.value) }.sorted {
      $0.key < $1.key
    }.compactMap {
      device, rules in
      guard let last = rules.last else { return nil }
      let others = rules.dropLast().map { "'\($0.id)'" }.joined(separator: ", ")
      return Diagnostic(
        last.location,
        "rules \(others) and '\(last.id)' keep '\(device)' at different levels: while both last, "
          + "'\(last.id)' has it, because it is later in the file", severity: .warning)
    }
  }

  /// Whether two rules cannot last together: each has hours of its own, or one's condition is the opposite of the other's.
  private static func excludeEachOther(_ rules: [RuleDeclaration]) -> Bool {
    if rules.allSatisfy({ $0.hours.window != nil }) { return true }
    let texts = rules.compactMap { $0.state?.begins.text.split(separator: " ").joined() }
    return texts.count == 2 && (texts[0] == "!\(texts[1])" || texts[1] == "!\(texts[0])")
  }

  private static func levels(_ rules: [RuleDeclaration], of device: DeviceID) -> Set<StateRule.Level> {
    Set(rules.flatMap { $0.state?.keep ?? [] }.filter { $0.device == device }.map(\.level))
  }
}

/// Advice about one rule.
private struct RuleLint {
  let rule: RuleDeclaration

  var advice: [Diagnostic] { [repetition, chatter, contradiction, oscillation].compactMap(\.self) }

  private func warning(_ place: Location, _ message: String) -> Diagnostic {
    Diagnostic(place.line > 0 ? place : rule.location, "rule '\(rule.id)': \(message)", severity: .warning)
  }

  /// An event rule that tells people, or the outside, about each reading for as long as its condition is true.
  private var repetition: Diagnostic? {
    guard case .events(let patterns) = rule.trigger, patterns.contains(where: { $0.text.hasPrefix("sensor:") }),
      rule.cooldown == nil, rule.throttle == nil, rule.debounce == nil, rule.maxPerHour == nil, rule.hold == nil
    else { return nil }
    for action in rule.actions {
      let name: String? =
        switch action {
        case .notify: "notify"
        case .emit: "emit"
        default: nil
        }
      guard let name else { continue }
      return warning(
        rule.location,
        "it does '\(name)' again with each reading while its condition is true: make it a state rule "
          + "('while'), which does 'action' once, or give it 'cooldown'")
    }
    return nil
  }

  /// A threshold without hysteresis: near it a noisy sensor switches the output on and off.
  private var chatter: Diagnostic? {
    guard let state = rule.state, state.ends == nil, !state.keep.isEmpty, state.linger == .zero, rule.hold == nil,
      let threshold = Threshold(state.begins.text)
    else { return nil }
    return warning(
      state.begins.location,
      "near \(threshold.limit) a sensor that is not steady switches the output on and off: use "
        + "'when' and 'until' with two limits, or give it 'for' or 'linger'")
  }

  /// `when` and `until` that are true at the same time: the rule does not begin there.
  private var contradiction: Diagnostic? {
    guard let state = rule.state, let ends = state.ends, let first = Threshold(state.begins.text),
      let last = Threshold(ends.text), first.subject == last.subject, first.isBelow != last.isBelow,
      first.isBelow ? last.limit < first.limit : last.limit > first.limit
    else { return nil }
    let (low, high) = (min(first.limit, last.limit), max(first.limit, last.limit))
    return warning(
      ends.location,
      "from \(low) to \(high) both 'when' and 'until' are true, and the rule does not begin: the limit "
        + "of 'until' belongs \(first.isBelow ? "above" : "below") that of 'when'")
  }

  /// A rule whose condition reads the level of an output that it keeps: it may end itself, and begin again.
  private var oscillation: Diagnostic? {
    guard let state = rule.state else { return nil }
    for kept in state.keep {
      for condition in [state.begins, state.ends, rule.condition].compactMap(\.self)
      where ConditionPart(condition.text).leaves.contains(where: { readsLevel($0, of: kept.device) }) {
        return warning(
          condition.location,
          "it keeps '\(kept.device)', and its condition reads the level of '\(kept.device)': it may "
            + "end itself and begin again without end")
      }
    }
    return nil
  }

  private func readsLevel(_ text: String, of device: DeviceID) -> Bool {
    guard let program = try? CELProgram(text, functions: .rules) else { return false }
    return program.hostCalls.contains { $0.function == "device" && $0.text == device.rawValue }
      && text.split(separator: " ").joined().holds(").state")
  }
}

/// A comparison of one sensor with one number: `sensor('soil') < 30`.
private struct Threshold {
  /// The side that is not a number, as written.
  var subject: String
  /// Whether it is true below the limit.
  var isBelow: Bool
  var limit: Double

  /// - Returns: nil for other conditions.
  init?(_ text: String) {
    guard let (left, operation, right) = ConditionPart.comparison(text) else { return nil }
    let isLess = operation.hasPrefix("<")
    guard isLess || operation.hasPrefix(">") else { return nil }
    if let limit = Double(right), Self.isSensor(left) {
      (subject, isBelow, self.limit) = (left, isLess, limit)
    } else if let limit = Double(left), Self.isSensor(right) {
      (subject, isBelow, self.limit) = (right, !isLess, limit)
    } else {
      return nil
    }
  }

  private static func isSensor(_ text: String) -> Bool { text.hasPrefix("sensor(") && text.hasSuffix(")") }
}
