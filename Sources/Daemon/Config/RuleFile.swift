import Document
import Model

/// `orchestration.yaml`: the rules. The page `docs/orchestration-yaml.md` describes it.
package enum RuleFile {
  /// Reads rules. Conditions and payload expressions stay text; `RuleSet` compiles them.
  /// - Parameters:
  ///   - node: the whole file.
  ///   - file: the file's path, for messages and for the ids of rules without one.
  ///   - known: the names that rules may refer to.
  ///   - source: the text of the file; makes the locations of errors in expressions exact to the column.
  /// - Returns: the enabled rules in order, and warnings.
  /// - Throws: all errors and warnings.
  package static func decode(
    _ node: Node, file: String, known: KnownNames = KnownNames(), source: [UInt8]? = nil
  ) throws(Diagnostics) -> ([RuleDeclaration], warnings: [Diagnostic]) {
    let (rules, findings) = read(node, file: file, known: known, source: source)
    return try findings.finish(rules)
  }

  /// The same without throwing: returns the readable parts of invalid rules too, so that their expressions can be
  /// checked.
  static func read(
    _ node: Node, file: String, known: KnownNames, source: [UInt8]?
  ) -> (rules: [RuleDeclaration], findings: Findings) {
    let findings = Findings()
    guard let fields = FieldReader(node, what: "the rule file", findings: findings) else { return ([], findings) }
    var rules: [RuleDeclaration] = []
    if fields.node("rules") == nil {
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
    return (rules, findings)
  }
}

/// Reads one rule.
struct RuleReader {
  private let file: String
  private let known: KnownNames
  private let places: SourcePlaces
  private let findings: Findings
  // Made once, not for every rule.
  private let event: Shape<EventPattern>
  private let events: Shape<[EventPattern]>
  private let texts = Shape<[Node]>.oneOrMore(
    of: Shape("an action such as wake(climate)") { node in
      if case .string = node.content { node } else { nil }
    })
  private let id = Shape<RuleID>.id
  private let time = Shape<Duration>.duration(atLeast: .milliseconds(1))
  private let mode = Shape<RuleDeclaration.Mode>.choice(of: RuleDeclaration.Mode.self)

  init(file: String, known: KnownNames, places: SourcePlaces, findings: Findings) {
    self.file = file
    self.known = known
    self.places = places
    self.findings = findings
    event = Self.event(known)
    events = .oneOrMore(of: event)
  }

  /// The rule, the location of its id, and whether it is enabled; nil for a node that is not a map. Invalid parts are
  /// reported and omitted.
  func read(_ node: Node) -> (declaration: RuleDeclaration, place: Location, enabled: Bool)? {
    guard let fields = FieldReader(node, what: "the rule", findings: findings) else { return nil }
    let id = fields.optional("id", id) ?? RuleID("\(Paths.name(of: file)):\(node.location.line)")
    let trigger = trigger(fields)
    let condition = fields.node("if").flatMap(condition)
    let actions = actions(fields, "action")
    let otherwise = fields.node("else") == nil ? [] : self.actions(fields, "else")
    let (hold, cooldown) = (fields.optional("for", time), fields.optional("cooldown", time))
    let (debounce, throttle) = (fields.optional("debounce", time), fields.optional("throttle", time))
    let mode = fields.value("mode", mode, .single)
    let maxPerHour = fields.optional("max_per_hour", .int(1...1_000_000))
    let enabled = fields.value("enabled", .bool, true)
    fields.close()
    let rule = RuleDeclaration(
      id: id, trigger: trigger ?? .events([]), condition: condition, actions: actions, otherwise: otherwise, hold: hold,
      cooldown: cooldown, debounce: debounce, throttle: throttle, mode: mode, maxPerHour: maxPerHour,
      location: node.location)
    return (rule, fields.place(of: "id"), enabled)
  }

  private func trigger(_ fields: FieldReader) -> RuleDeclaration.Trigger? {
    let given = ["on", "every", "cron"].filter { fields.node($0) != nil }
    guard let first = given.first else {
      findings.error(fields.location, "the rule has no trigger, expected one of 'on', 'every' and 'cron'")
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
    case "every": return fields.optional("every", .duration(atLeast: .milliseconds(10))).map { .every($0) }
    default: return fields.optional("cron", Self.cron).map { .cron($0) }
    }
  }

  /// An event pattern; events of devices are checked against the board.
  private static func event(_ known: KnownNames) -> Shape<EventPattern> {
    let event = Shape<EventPattern>.event
    return Shape(expected: event.expected) { node, subject, findings in
      guard let pattern = event.read(node, subject, findings) else { return nil }
      if let complaint = known.complaint(about: pattern) { findings.error(node.location, complaint) }
      if let doubt = known.doubt(about: pattern) { findings.warning(node.location, doubt) }
      return pattern
    }
  }

  private func condition(_ node: Node) -> RuleDeclaration.Condition? {
    switch node.content {
    case .bool(let value): return RuleDeclaration.Condition(text: "\(value)", location: node.location)
    case .string(let text) where text.contains(where: { !$0.isWhitespace }):
      return RuleDeclaration.Condition(text: text, location: places.textStart(node.location))
    default:
      findings.error(node.location, "'if' is \(Wording.shown(node)), expected a condition in CEL such as value > 30.0")
      return nil
    }
  }

  private func actions(_ fields: FieldReader, _ key: String) -> [RuleDeclaration.Action] {
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
    Shape("five fields such as '*/5 8-18 * * 1-5' (minute, hour, day, month, weekday)") { node in
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
