import Model

/// Parses one action of a rule: `wake(climate)`, `actuate(fan, on, lease: 60s)`, `emit(x:y, value: value * 2)`.
///
///     action   = name "(" argument { "," argument } ")"
///     argument = [ name ":" ] text
///
/// An argument ends at the next comma or parenthesis outside brackets and quotes, so it can be any CEL expression.
struct ActionParser {
  /// The text, UTF-8. Everything that has a meaning in it is ASCII.
  let text: [UInt8]
  private let start: Location
  let known: KnownNames
  private let findings: Findings
  var position = 0

  static let names = [
    "spawn", "wake", "kill", "actuate", "release", "emit", "notify", "set", "wait", "wait_for", "log",
  ]

  /// - Parameters:
  ///   - start: the location of the first character of `text`.
  ///   - known: the devices and agents that the action may refer to.
  init(_ text: String, at start: Location, known: KnownNames, findings: Findings) {
    self.text = Array(text.utf8)
    self.start = start
    self.known = known
    self.findings = findings
  }

  /// Parses the action.
  /// - Returns: nil if it has an error, which has been reported.
  mutating func parse() -> RuleDeclaration.Action? {
    skipSpace()
    let nameStart = position
    while position < text.count, Self.isName(text[position]) { position += 1 }
    let name = string(nameStart..<position)
    guard Self.names.contains(name) else {
      let shown = name.isEmpty ? Wording.quoted(string(nameStart..<text.count)) : Wording.quoted(name)
      return fail(
        nameStart,
        "the action is \(shown), expected \(Wording.alternatives(Self.names)) with arguments in parentheses"
          + Suggestion.phrase(for: name, in: Self.names))
    }
    skipSpace()
    guard position < text.count, text[position] == UInt8(ascii: "(") else {
      return fail(position, "'\(name)' has no arguments, expected \(Self.form(of: name))")
    }
    position += 1
    guard let arguments = arguments(of: name) else { return nil }
    skipSpace()
    guard position == text.count else {
      return fail(position, "there is text after the action, expected one action, or a list of several")
    }
    switch name {
    case "actuate": return actuate(arguments)
    case "emit": return emit(arguments)
    case "release": return release(arguments)
    case "notify": return notify(arguments)
    case "log": return log(arguments)
    case "set": return set(arguments)
    case "wait": return wait(arguments)
    case "wait_for": return waitFor(arguments)
    default: return agentAction(name, arguments)
    }
  }

  static func form(of name: String) -> String {
    switch name {
    case "actuate": "actuate(device, on, lease: 60s), where on may also be off, a level such as 0.4, or pulse 500ms"
    case "emit": "emit(domain:verb, field: expression, …)"
    case "release": "release(device)"
    case "notify": "notify('text', to: name, picture: camera)"
    case "log": "log('text')"
    case "set": "set(variable, expression)"
    case "wait": "wait(10s)"
    case "wait_for": "wait_for(condition, within: 5m)"
    default: "\(name)(agent)"
    }
  }

  static func count(_ arguments: Int) -> String { arguments == 1 ? "1 argument" : "\(arguments) arguments" }

  // MARK: Arguments of each action

  private func agentAction(_ name: String, _ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 1, arguments[0].name == nil else {
      return fail(
        arguments.first?.start ?? 0, "'\(name)' has \(Self.count(arguments.count)), expected \(Self.form(of: name))")
    }
    let id = AgentID(unquoted(arguments[0].text))
    guard id.isWellFormed else {
      return fail(
        arguments[0].start, "the agent is \(Wording.quoted(id.rawValue)), expected \(Shape<AgentID>.id.expected)")
    }
    if let complaint = known.complaint(about: id) { return fail(arguments[0].start, complaint) }
    switch name {
    case "spawn": return .spawn(id)
    case "kill": return .kill(id)
    default: return .wake(id)
    }
  }

  private func actuate(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    let plain = arguments.prefix { $0.name == nil }
    guard plain.count == 2 else {
      let place = arguments.dropFirst(min(plain.count, 2)).first?.start ?? arguments.last?.start ?? 0
      return fail(place, "'actuate' has \(Self.count(plain.count)), expected \(Self.form(of: "actuate"))")
    }
    var isRight = true
    let device = DeviceID(unquoted(plain[0].text))
    if !device.isWellFormed {
      report(
        plain[0].start, "the device is \(Wording.quoted(device.rawValue)), expected \(Shape<DeviceID>.id.expected)")
      isRight = false
    } else if let complaint = known.complaint(about: device.rawValue, kind: "actuator") {
      report(plain[0].start, complaint)
      isRight = false
    }
    let command = Self.command(unquoted(plain[1].text))
    if command == nil {
      report(
        plain[1].start,
        "the command is \(Wording.quoted(plain[1].text)), expected on, off, a level from 0 to 1 or pulse 500ms"
          + (Self.pulse(unquoted(plain[1].text)).map { $0 > .zero } ?? false ? ", a year at most" : "")
          + Suggestion.phrase(for: plain[1].text, in: ["on", "off", "pulse"]))
    } else if case .level(let level)? = command, level != 0, level != 1, known.isDigital(device.rawValue) {
      report(plain[1].start, "'\(device)' has no levels, expected on or off")
      isRight = false
    }
    var lease: Duration?
    for argument in arguments.dropFirst(2) {
      guard argument.name == "lease", lease == nil else {
        let name = argument.name.map { Wording.quoted($0) } ?? Wording.quoted(argument.text)
        let why = argument.name == "lease" ? "there is a second 'lease'" : "'actuate' takes no \(name)"
        report(argument.start, "\(why), expected \(Self.form(of: "actuate"))")
        isRight = false
        continue
      }
      lease = Quantity.duration(argument.text)
      if !(lease.map(Self.isPossible) ?? false) {
        report(
          argument.textStart,
          "'lease' is \(Wording.quoted(argument.text)), expected a duration such as 500ms or 60s"
            + (lease.map { $0 > .zero } ?? false ? ", a year at most" : ""))
        isRight = false
      }
    }
    guard isRight, let command else { return nil }
    return .actuate(device, command, lease: lease)
  }

  /// Whether a lease or a pulse may have this length: what every other way to command an actuator accepts.
  static func isPossible(_ length: Duration) -> Bool {
    length > .zero && length <= .milliseconds(ActuatorCommand.longestPulse)
  }

  /// The length of `pulse 500ms`; nil for anything else.
  private static func pulse(_ text: String) -> Duration? {
    guard let space = text.firstIndex(of: " "), text[..<space] == "pulse" else { return nil }
    return Quantity.duration(text[space...].trimmed)
  }

  static func command(_ text: String) -> ActuatorCommand? {
    switch text {
    case "on", "true": return .on
    case "off", "false": return .off
    default: break
    }
    if let length = pulse(text) { return isPossible(length) ? .pulse(length) : nil }
    let level = Quantity.percent(text) ?? Double(text)
    return level.flatMap { (0...1).contains($0) ? .level($0) : nil }
  }

  private func emit(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard let type = arguments.first else {
      return fail(position, "'emit' has no arguments, expected \(Self.form(of: "emit"))")
    }
    var isRight = true
    // The first argument is an event name: `climate:hot` only looks like a named argument.
    let name = unquoted(type.whole)
    if !EventPattern.isEventName(name) {
      report(type.start, "the event is \(Wording.quoted(name)), expected a name such as climate:hot")
      isRight = false
    } else if let domain = EventPattern(name).ownDomain {
      report(
        type.start, "the event is '\(name)', but only the daemon publishes '\(domain):', expected a domain of your own")
      isRight = false
    }
    var fields: [EmitField] = []
    for argument in arguments.dropFirst() {
      guard let name = argument.name else {
        report(argument.start, "\(Wording.quoted(argument.text)) has no name, expected field: expression")
        isRight = false
        continue
      }
      if fields.contains(where: { $0.name == name }) {
        report(argument.start, "there is a second '\(name)', expected every field once")
        isRight = false
      }
      if argument.text.isEmpty {
        report(argument.start, "'\(name)' has no value, expected an expression in CEL")
        isRight = false
      }
      fields.append(.init(name: name, expression: argument.text, location: place(argument.textStart)))
    }
    return isRight ? .emit(name, fields) : nil
  }

  /// The text without surrounding quotes.
  func unquoted(_ text: String) -> String {
    guard text.utf8.count >= 2, let quote = text.utf8.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
      text.utf8.last == quote
    else { return text }
    return String(text.dropFirst().dropLast())
  }

  func place(_ offset: Int) -> Location {
    var place = start
    // Columns count characters: skip the continuation bytes 10xxxxxx of UTF-8.
    for byte in text.prefix(offset) where byte & 0xC0 != 0x80 {
      if byte == UInt8(ascii: "\n") { place.line += 1 } else { place.column += 1 }
    }
    return place
  }

  func report(_ offset: Int, _ message: String) { findings.error(place(offset), message) }

  func fail(_ offset: Int, _ message: String) -> RuleDeclaration.Action? {
    report(offset, message)
    return nil
  }
}

extension StringProtocol {
  /// The text without leading and trailing white space.
  var trimmed: String {
    var middle = self[...]
    while middle.first?.isWhitespace == true { middle.removeFirst() }
    while middle.last?.isWhitespace == true { middle.removeLast() }
    return String(middle)
  }
}
