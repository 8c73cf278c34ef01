import Document
import Model

/// Reads what only state rules have: `while`, or `when` with `until`; `linger`, `keep`, `end`, `repeat`, `at_most`.
extension RuleReader {
  /// The keys that only rules of one kind have.
  private static let ofStates = ["until", "linger", "keep", "end", "repeat", "at_most"]
  private static let ofEvents = ["mode", "debounce", "throttle", "cooldown", "max_per_hour", "per", "retry", "else"]
  private static let triggers = ["on", "every", "cron", "at"]
  private static let ofStateTriggers = ["while", "when"]

  /// Whether the rule has the trigger of a state rule.
  func isState(_ fields: FieldReader) -> Bool { fields.node("while") != nil || fields.node("when") != nil }

  /// The keys that exclude and require each other, in JSON Schema.
  static var conditionsOfKeys: Fields {
    func absent(_ keys: [String]) -> Value { .map(Fields(keys.map { ($0, false) })) }
    func oneOf(_ keys: [String]) -> Value { .list(keys.map { ["required": [.string($0)]] }) }
    return [
      "if": ["anyOf": oneOf(ofStateTriggers)],
      "then": [
        "required": ["id"], "properties": absent(ofEvents + triggers), "oneOf": oneOf(ofStateTriggers),
        "anyOf": oneOf(["keep", "action", "end"]),
      ],
      "else": ["required": ["action"], "properties": absent(ofStates), "oneOf": oneOf(triggers)],
      "dependentRequired": ["when": ["until"], "until": ["when"], "repeat": ["action"], "at_most": ["keep"]],
    ]
  }

  /// What a state rule waits for and keeps; nil for an event rule, and for one whose condition is invalid.
  func state(_ fields: FieldReader) -> StateRule? {
    guard isState(fields) else {
      // Known keys, so that they are not called unknown: `refuseForeignKeys` says where they belong.
      return nil
    }
    if fields.node("id") == nil {
      findings.error(
        fields.location, "the state rule has no 'id', expected a name: what it keeps is remembered under it")
    }
    for other in Self.triggers where fields.node(other) != nil {
      findings.error(
        fields.place(of: other),
        "the rule has '\(fields.node("while") == nil ? "when" : "while")' and '\(other)', "
          + "expected one of them: one waits for a state, the other for an event")
    }
    let conditions = conditions(fields)
    let keep = kept(fields)
    let endActions = fields.node("end", texts.schema) == nil ? [] : actions(fields, "end")
    let state = StateRule(
      begins: conditions?.begins ?? RuleDeclaration.Condition(text: "false", location: fields.location),
      ends: conditions?.ends, linger: fields.value("linger", time, .zero), keep: keep, endActions: endActions,
      repeats: fields.optional("repeat", second),
      atMost: fields.optional("at_most", allowance))
    if fields.node("keep") == nil, fields.node("action") == nil, fields.node("end") == nil {
      findings.error(fields.location, "the state rule does nothing, expected 'keep', 'action' or 'end'")
    }
    if state.repeats != nil, fields.node("action") == nil {
      findings.error(fields.place(of: "repeat"), "the rule has 'repeat' and no 'action', expected something to repeat")
    }
    if state.atMost != nil, fields.node("keep") == nil {
      findings.error(fields.place(of: "at_most"), "the rule has 'at_most' and no 'keep', expected outputs to limit")
    }
    return conditions == nil ? nil : state
  }

  private func conditions(
    _ fields: FieldReader
  ) -> (begins: RuleDeclaration.Condition, ends: RuleDeclaration.Condition?)? {
    let (during, begins, ends) = (
      fields.node("while", Self.conditionSchema), fields.node("when", Self.conditionSchema),
      fields.node("until", Self.conditionSchema)
    )
    switch (during, begins, ends) {
    case (let during?, nil, nil): return condition(during, "while").map { ($0, nil) }
    case (nil, let begins?, let ends?):
      guard let first = condition(begins, "when"), let last = condition(ends, "until") else { return nil }
      return (first, last)
    case (nil, .some, nil):
      findings.error(
        fields.place(of: "when"), "the rule has 'when' and no 'until', expected both, or 'while' for one condition")
    default:
      findings.error(
        fields.place(of: "while"),
        "the rule has 'while' and '\(begins == nil ? "until" : "when")', expected 'while' alone, or 'when' with 'until'"
      )
    }
    return nil
  }

  /// `keep`: a map of outputs and their levels.
  private func kept(_ fields: FieldReader) -> [StateRule.Kept] {
    guard let node = fields.node("keep", .map(of: Self.levelSchema, names: Schema.id, least: 1)) else { return [] }
    guard case .map(let entries) = node.content, !entries.isEmpty else {
      findings.error(
        node.location, "'keep' is \(Wording.shown(node)), expected outputs with levels such as { pump: on }")
      return []
    }
    let isLimited = fields.node("at_most") != nil
    return entries.compactMap { entry in
      let device = DeviceID(entry.key)
      if let complaint = known.complaint(about: entry.key, kind: "actuator") {
        findings.error(entry.keyLocation, complaint)
        return nil
      }
      if !isLimited, known.mayStayOn(entry.key) {
        findings.warning(
          entry.keyLocation,
          "'\(entry.key)' may stay on for as long as the rule lasts: give it 'max_on' in the board file, "
            + "or the rule 'at_most'")
      }
      return level(entry.value, of: device).map { StateRule.Kept(device, $0) }
    }
  }

  private func level(_ node: Node, of device: DeviceID) -> StateRule.Level? {
    switch node.content {
    case .bool(let isOn): return .fixed(isOn ? 1 : 0)
    case .int, .double:
      guard let level = node.scalar.double, (0...1).contains(level) else { break }
      return fixed(level, node, device)
    case .string(let text):
      switch ActionParser.command(text) {
      case .on?: return .fixed(1)
      case .off?: return .fixed(0)
      case .level(let level)?: return fixed(level, node, device)
      case .pulse?:
        findings.error(node.location, "'\(text)' is a pulse, but 'keep' keeps a level, expected on, off or a level")
        return nil
      case nil where !Self.isNoExpression(text):
        return .computed(RuleDeclaration.Condition(text: text, location: places.textStart(node.location)))
      case nil: break
      }
    default: break
    }
    findings.error(
      node.location,
      "the level of '\(device)' is \(Wording.shown(node)), expected on, off, a level such as 40% or an expression"
        + Self.hint(node))
    return nil
  }

  /// Whether a text is a single word or a percentage: expressions have functions or variables.
  private static func isNoExpression(_ text: String) -> Bool {
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    return text.hasSuffix("%") || text.utf8.allSatisfy { letters.contains($0 | 0x20) }
  }

  private static func hint(_ node: Node) -> String {
    if let number = node.scalar.double, number > 1, number <= 100 { return " (did you mean \(number.text)%?)" }
    guard case .string(let text) = node.content else { return "" }
    switch text.lowercased() {
    case "yes", "open", "opened", "start", "enabled", "high": return " (did you mean 'on'?)"
    case "no", "close", "closed", "shut", "stop", "disabled", "low": return " (did you mean 'off'?)"
    default: return Suggestion.phrase(for: text, in: ["on", "off"])
    }
  }

  private func fixed(_ level: Double, _ node: Node, _ device: DeviceID) -> StateRule.Level? {
    guard level == 0 || level == 1 || !known.isDigital(device.rawValue) else {
      findings.error(node.location, "'\(device)' has no levels, expected on or off")
      return nil
    }
    return .fixed(level)
  }

  /// `between` and `weekdays`.
  func hours(_ fields: FieldReader) -> RuleHours {
    var hours = RuleHours()
    if let times = fields.optional("between", timesOfDay) {
      if times.count == 2, times[0] != times[1] {
        hours.window = DayWindow(times[0], times[1])
      } else {
        findings.error(
          fields.place(of: "between"),
          "'between' has \(times.count == 2 ? "the same time twice" : "\(times.count) times"), "
            + "expected two times such as [\"22:00\", \"06:00\"]")
      }
    }
    if let days = fields.optional("weekdays", weekdays) {
      hours.weekdays = days.reduce(Weekdays(rawValue: 0)) { $0.union($1) }
    }
    return hours
  }

  /// Reports keys that belong to rules of the other kind.
  func refuseForeignKeys(_ fields: FieldReader) {
    let isState = isState(fields)
    for key in isState ? Self.ofEvents : Self.ofStates where fields.node(key) != nil {
      let place = fields.entries.first { $0.key.isSame(as: key) }?.keyLocation ?? fields.location
      findings.error(
        place,
        isState
          ? "a state rule has no '\(key)': it lasts as long as its condition does"
          : "'\(key)' belongs to a state rule, expected 'while', or 'when' with 'until', instead of an event")
    }
  }
}

extension Shape where Wanted == DayTime {
  /// A time of day.
  /// - Parameter hasSun: whether it may be sunrise or sunset.
  static func timeOfDay(hasSun: Bool) -> Shape {
    let expected = "a time of day such as \"07:00\" or \"sunset - 30m\""
    return Shape(expected: expected, .text(least: 1)) { node, subject, findings in
      guard case .string(let text) = node.content, let time = DayTime(text) else {
        // Without quotes YAML 1.1 reads 07:00 as a number in base 60; this reader leaves it a text.
        findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected \(expected)")
        return nil
      }
      if case .sun = time, !hasSun {
        findings.error(
          node.location,
          "\(subject) is '\(text)', but the board file does not say where the board is, "
            + "expected 'place: { latitude: 52.5, longitude: 13.4 }' in it")
        return nil
      }
      return time
    }
  }
}

extension Shape where Wanted == Weekdays {
  /// A day of the week, or a range of them.
  static var weekdays: Shape {
    Shape("a day such as mon, or days such as mon-fri", names: Weekdays.names, .text(least: 1)) { node in
      if case .string(let text) = node.content { Weekdays(text) } else { nil }
    }
  }
}

extension Shape where Wanted == StateRule.Allowance {
  /// A time for each run, hour or day.
  static var allowance: Shape {
    Shape("a time such as 20m, 5m/h or 20m/d", .text("\(Schema.duration)(?: */ *[hd])?")) { node in
      guard case .string(let text) = node.content else { return nil }
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count <= 2, let time = Quantity.duration(parts[0].trimmed), time > .zero else { return nil }
      guard parts.count == 2 else { return StateRule.Allowance(time, per: .run) }
      switch parts[1].trimmed {
      case "h": return time <= .seconds(3600) ? StateRule.Allowance(time, per: .hour) : nil
      case "d": return time <= .seconds(86_400) ? StateRule.Allowance(time, per: .day) : nil
      default: return nil
      }
    }
  }
}
