import Document
import Linux
import Model

/// `orchestration.yaml`: the rules. The page `docs/orchestration-yaml.md` describes it.
package enum RuleFile {
  /// Reads rules. Conditions and payload expressions stay text; `RuleSet` compiles them.
  /// - Parameters:
  ///   - node: the whole file.
  ///   - file: the file's path, for messages and for the ids of rules without one.
  ///   - known: the names that rules may refer to.
  ///   - source: the text of the file; makes the locations of errors in expressions exact to the column.
  /// - Returns: the enabled rules in order with the variables, and warnings.
  /// - Throws: all errors and warnings.
  package static func decode(
    _ node: Node, file: String, known: KnownNames = KnownNames(), source: [UInt8]? = nil
  ) throws(Diagnostics) -> (RuleDeclarations, warnings: [Diagnostic]) {
    let (declarations, findings) = read(node, file: file, known: known, source: source)
    return try findings.finish(declarations)
  }

  /// The same without throwing: returns the readable parts of invalid rules too, so that their expressions can be
  /// checked.
  static func read(
    _ node: Node, file: String, known: KnownNames, source: [UInt8]?
  ) -> (declarations: RuleDeclarations, findings: Findings) {
    let findings = Findings()
    guard let fields = FieldReader(node, what: "the rule file", findings: findings) else {
      return (RuleDeclarations(), findings)
    }
    return (read(fields, file: file, known: known, source: source), findings)
  }

  /// The form of the file.
  static var schema: Schema { .map { _ = read($0, file: "", known: KnownNames(), source: nil) } }

  private static func read(
    _ fields: FieldReader, file: String, known: KnownNames, source: [UInt8]?
  ) -> RuleDeclarations {
    let findings = fields.findings
    var declarations = RuleDeclarations()
    declarations.variables = variables(fields, findings)
    var rules: [RuleDeclaration] = []
    if fields.node("rules", .list(of: RuleReader.schema).orNull, isRequired: true) == nil {
      // `rules:` without a value means no rules; a file without the key is a mistake.
      if !fields.entries.contains(where: { $0.key == "rules" }) {
        findings.error(fields.location, "the rule file has no 'rules', expected a list of rules")
      }
    } else if let nodes = fields.optional("rules", .list(of: .anything)) {
      let reader = RuleReader(
        file: file, known: known, places: SourcePlaces(source ?? []), findings: findings)
      var owners: [RuleID: Location] = [:]
      owners.reserveCapacity(nodes.count)
      rules.reserveCapacity(nodes.count)
      for node in nodes {
        guard let rule = reader.read(node) else { continue }
        if let first = owners[rule.declaration.id] {
          findings.error(
            rule.place, "the rule id '\(rule.declaration.id)' is taken (\(first)), expected one of its own")
        }
        owners[rule.declaration.id] = rule.place
        if rule.enabled { rules.append(rule.declaration) }
      }
    }
    fields.close()
    declarations.rules = rules
    return declarations
  }

  /// `vars`: names with their first values.
  private static func variables(_ fields: FieldReader, _ findings: Findings) -> [RuleVariable] {
    guard let node = fields.node("vars", .map(of: .notNull, names: Schema.variable)) else { return [] }
    guard case .map(let entries) = node.content else {
      findings.error(node.location, "'vars' is \(Wording.shown(node)), expected a map such as { armed: false }")
      return []
    }
    return entries.compactMap { entry in
      guard RuleVariable.isName(entry.key) else {
        findings.error(
          entry.keyLocation,
          "the variable is \(Wording.quoted(entry.key)), expected letters, digits and '_', beginning with a letter")
        return nil
      }
      let value = entry.value.value
      guard value != .null else {
        findings.error(
          entry.keyLocation, "the variable '\(entry.key)' has no first value, expected one such as false or 0")
        return nil
      }
      return RuleVariable(entry.key, value, location: entry.keyLocation)
    }
  }
}

/// Reads the rules of a file, one after the other.
final class RuleReader {
  private let file: String
  let known: KnownNames
  let places: SourcePlaces
  let findings: Findings
  // Made once, not for every rule.
  private let event: Shape<EventPattern>
  private let events: Shape<[EventPattern]>
  let texts = Shape<[Node]>.oneOrMore(
    of: Shape("an action such as wake(climate)", RuleReader.actionSchema) { node in
      if case .string = node.content { node } else { nil }
    })
  private let id = Shape<RuleID>.id
  let time = Shape<Duration>.duration(atLeast: .milliseconds(1))
  private let mode = Shape<RuleDeclaration.Mode>.choice(of: RuleDeclaration.Mode.self)
  private let count = Shape<Int>.int(1...1_000_000)
  private let flag = Shape<Bool>.bool
  let second = Shape<Duration>.duration(atLeast: .seconds(1))
  let allowance = Shape<StateRule.Allowance>.allowance
  let timeOfDay: Shape<DayTime>
  let timesOfDay: Shape<[DayTime]>
  let weekdays = Shape<[Weekdays]>.oneOrMore(of: .weekdays)

  init(file: String, known: KnownNames, places: SourcePlaces, findings: Findings) {
    self.file = file
    self.known = known
    self.places = places
    self.findings = findings
    event = Self.event(known)
    events = .oneOrMore(of: event)
    timeOfDay = .timeOfDay(hasSun: known.hasPlace)
    timesOfDay = .list(of: timeOfDay)
  }

  /// The rule, the location of its id, and whether it is enabled; nil for a node that is not a map. Invalid parts are
  /// reported and omitted.
  func read(_ node: Node) -> (declaration: RuleDeclaration, place: Location, enabled: Bool)? {
    FieldReader(node, what: "the rule", findings: findings).map(read)
  }

  @discardableResult
  func read(_ fields: FieldReader) -> (declaration: RuleDeclaration, place: Location, enabled: Bool) {
    let id = fields.optional("id", id) ?? RuleID("\(Files.name(of: file) ?? file):\(fields.location.line)")
    let state = self.state(fields)
    let trigger = state.map { .state($0) } ?? (isState(fields) ? nil : trigger(fields))
    let condition = fields.node("if", Self.conditionSchema).flatMap { self.condition($0, "if") }
    let actions = isState(fields) && fields.node("action", texts.schema) == nil ? [] : actions(fields, "action")
    let otherwise = fields.node("else", texts.schema) == nil ? [] : self.actions(fields, "else")
    let (hold, cooldown) = (fields.optional("for", time), fields.optional("cooldown", time))
    let (debounce, throttle) = (fields.optional("debounce", time), fields.optional("throttle", time))
    let mode = fields.value("mode", mode, .single)
    let maxPerHour = fields.optional("max_per_hour", count)
    let hours = hours(fields)
    let retry = fields.optional("retry", second)
    let per = fields.node("per", Self.conditionSchema).flatMap { self.condition($0, "per") }
    let enabled = fields.value("enabled", flag, true)
    let shadow = fields.value("shadow", flag, false)
    refuseForeignKeys(fields)
    fields.close()
    fields.record?.require(Self.conditionsOfKeys)
    var rule = RuleDeclaration(
      id: id, trigger: trigger ?? .events([]), condition: condition, actions: actions, otherwise: otherwise, hold: hold,
      cooldown: cooldown, debounce: debounce, throttle: throttle, mode: mode, maxPerHour: maxPerHour,
      hours: hours, location: fields.location)
    rule.per = per
    rule.retry = retry
    rule.shadow = shadow
    if shadow, rule.commanded.isEmpty, state?.keep.isEmpty ?? true {
      findings.warning(
        fields.place(of: "shadow"),
        "the rule is a shadow and commands no output: there is nothing to compare, and what else it would do is counted"
      )
    }
    return (rule, fields.place(of: "id"), enabled)
  }

  private func trigger(_ fields: FieldReader) -> RuleDeclaration.Trigger? {
    let nodes = [
      ("on", fields.node("on", events.schema)), ("every", fields.node("every", Self.interval.schema)),
      ("cron", fields.node("cron", Self.cron.schema)), ("at", fields.node("at", timeOfDay.schema)),
    ]
    let given = nodes.filter { $0.1 != nil }.map(\.0)
    guard let first = given.first else {
      findings.error(
        fields.location, "the rule has no trigger, expected one of 'on', 'every', 'cron', 'at', 'while' and 'when'")
      return nil
    }
    for other in given.dropFirst() {
      findings.error(fields.place(of: other), "the rule has '\(first)' and '\(other)', expected one of them")
    }
    switch first {
    case "on":
      guard let patterns = fields.optional("on", events) else { return nil }
      if patterns.isEmpty {
        findings.error(fields.place(of: "on"), "'on' is an empty list, expected \(event.expected)")
      }
      return .events(patterns)
    case "every": return fields.optional("every", Self.interval).map { .every($0) }
    case "at": return fields.optional("at", timeOfDay).map { .at($0) }
    default: return fields.optional("cron", Self.cron).map { .cron($0) }
    }
  }

  private static var interval: Shape<Duration> { .duration(atLeast: .milliseconds(10)) }

  /// An event pattern; events of devices are checked against the board.
  private static func event(_ known: KnownNames) -> Shape<EventPattern> {
    let event = Shape<EventPattern>.event
    return Shape(expected: event.expected, event.schema) { node, subject, findings in
      guard let pattern = event.read(node, subject, findings) else { return nil }
      if let complaint = known.complaint(about: pattern) { findings.error(node.location, complaint) }
      if let doubt = known.doubt(about: pattern) { findings.warning(node.location, doubt) }
      return pattern
    }
  }

  func condition(_ node: Node, _ key: String) -> RuleDeclaration.Condition? {
    switch node.content {
    case .bool(let value): return RuleDeclaration.Condition(text: "\(value)", location: node.location)
    case .string(let text) where text.contains(where: { !$0.isWhitespace }):
      return RuleDeclaration.Condition(text: text, location: places.textStart(node.location))
    default:
      findings.error(
        node.location, "'\(key)' is \(Wording.shown(node)), expected a condition in CEL such as value > 30.0")
      return nil
    }
  }

  func actions(_ fields: FieldReader, _ key: String) -> [RuleDeclaration.Action] {
    if let node = fields.node(key), let cut = cutAtComma(node) {
      findings.error(
        cut.location, "YAML splits the action at its comma: within [ ] it needs quotes, as in \"actuate(fan, on)\"")
      return []
    }
    guard let nodes = fields.required(key, texts) else { return [] }
    if nodes.isEmpty {
      findings.error(fields.place(of: key), "'\(key)' is an empty list, expected an action such as wake(climate)")
    }
    return nodes.compactMap { node in
      guard case .string(let text) = node.content else { return nil }
      var parser = ActionParser(text, at: places.textStart(node.location), known: known, findings: findings)
      return parser.parse()
    }
  }

  /// The first action that YAML has split: `[actuate(fan, on)]` is a list of `actuate(fan` and `on)`.
  private func cutAtComma(_ node: Node) -> Node? {
    guard case .list(let entries) = node.content else { return nil }
    return entries.dropLast().first { entry in
      guard case .string(let text) = entry.content else { return false }
      return text.utf8.count { $0 == UInt8(ascii: "(") } > text.utf8.count { $0 == UInt8(ascii: ")") }
    }
  }

  /// Five fields of the characters that cron(5) allows. The calendar of the rules checks their meaning.
  private static var cron: Shape<String> {
    Shape(
      "five fields such as '*/5 8-18 * * 1-5' (minute, hour, day, month, weekday)",
      .text(" *[0-9A-Za-z*/,-]+(?: +[0-9A-Za-z*/,-]+){4} *")
    ) { node in
      guard case .string(let text) = node.content else { return nil }
      let fields = text.split(separator: " ")
      let isCron =
        fields.count == 5
        && fields.allSatisfy { field in
          field.unicodeScalars.allSatisfy {
            ("0"..."9").contains($0) || ("A"..."Z").contains($0) || ("a"..."z").contains($0)
              || "*/-,".unicodeScalars.contains($0)
          }
        }
      return isCron ? text : nil
    }
  }
}
