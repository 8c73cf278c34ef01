import Document
import HAL
import Model
import Rules

/// A script of what happens to a board, and of what is expected: one step on each line.
///
///     temp 19.5                  a sensor's value
///     motion on                  an input: on, off, press, press 2s
///     pump unplug                a fault: unplug, nack, timeout, slow, none
///     wait 5m
///     at 22:00                   waits until that time of day
///     set fan on lease 25s       a person's command; `release fan` lets it go
///     emit door:bell who=ada
///     var armed true             a person sets a variable
///     stop, clear, restart, crash, disable RULE, enable RULE, resume RULE
///     expect fan on              an output's level: on, off, 40%
///     expect rule heating lasting
///     expect event rule:notify text='the tank is empty'
///     expect no event rule:notify
///
/// Values and levels in the first lines are there from the start, when the board is made with `opening`.
///
/// `#` begins a comment. `expect event` looks at the events since the last such line that found one.
package struct TrialScript {
  /// What a step expected and did not find, with its line.
  package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line of the script, from 1.
    package var line: Int
    /// One sentence.
    package var message: String
    package var description: String { "line \(line): \(message)" }
  }

  private let steps: [(line: Int, words: [String])]

  /// Splits a script into steps; what they mean is found when they run.
  package init(_ text: String) {
    steps = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap {
      let words = Self.words(String($1))
      return words.isEmpty ? nil : ($0 + 1, words)
    }
  }

  /// Words, of which a quoted one may contain spaces; without the comment.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word = ""
    var quote: Character?
    var isOpen = false
    for character in line {
      if let open = quote {
        if character == open { quote = nil } else { word.append(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        isOpen = true
      } else if character == "#", word.isEmpty {
        break
      } else if character == " " || character == "\t" {
        if !word.isEmpty || isOpen { words.append(word) }
        (word, isOpen) = ("", false)
      } else {
        word.append(character)
      }
    }
    if !word.isEmpty || isOpen { words.append(word) }
    return words
  }

  /// The values of sensors and the levels of inputs in the first lines, before anything happens.
  package func opening(on board: Board) -> [(device: DeviceID, change: Value)] {
    var opening: [(device: DeviceID, change: Value)] = []
    for (_, words) in steps {
      guard words.count == 2, words[1] != "press", let device = board.device(DeviceID(words[0])),
        Self.change(of: device, words)["fault"] == nil
      else { break }
      opening.append((device.id, Self.change(of: device, words)))
    }
    return opening
  }

  /// Runs the steps.
  /// - Returns: what was expected and not found; a step that cannot be carried out ends the script.
  package func run(on trial: RuleTrial) -> [Failure] {
    var failures: [Failure] = []
    var seen = 0
    for (line, words) in steps {
      do throws(StepError) {
        try Self.step(words, trial, &seen)
      } catch {
        failures.append(Failure(line: line, message: error.message))
        if error.ends { break }
      }
    }
    return failures
  }

  private struct StepError: Error {
    var message: String
    /// Whether the rest makes no sense.
    var ends = true
  }

  private static func step(_ words: [String], _ trial: RuleTrial, _ seen: inout Int) throws(StepError) {
    let rest = Array(words.dropFirst())
    switch words[0] {
    case "wait": trial.wait(try duration(rest.first))
    case "at": trial.waitUntil(minutes: try timeOfDay(rest.first))
    case "set": try set(rest, trial)
    case "release":
      let id = DeviceID(try device(rest.first, trial))
      try refusable { () throws(HALError) in try trial.release(id) }
    case "emit":
      guard let type = rest.first else { throw StepError(message: "emit what?") }
      trial.emit(type, fields(rest.dropFirst()))
    case "var":
      guard rest.count == 2 else { throw StepError(message: "var takes a name and a value") }
      do throws(NoAnswer) {
        try trial.rules.setVariable(rest[0], value(rest[1]), by: "client/ada", cause: nil)
      } catch { throw StepError(message: error.message) }
      trial.loop.settle()
    case "stop": trial.stop()
    case "clear": try refusable { () throws(HALError) in try trial.clear() }
    case "restart": trial.restart(after: rest.first == nil ? .zero : try duration(rest.first))
    case "crash": trial.restart(isCrash: true, after: rest.first == nil ? .zero : try duration(rest.first))
    case "disable", "enable":
      guard let rule = rest.first, trial.rules.setRule(RuleID(rule), enabled: words[0] == "enable") else {
        throw StepError(message: "no such rule")
      }
      trial.loop.settle()
    case "resume":
      guard let rule = rest.first, trial.rules.resumeRule(RuleID(rule)) else {
        throw StepError(message: "no rule '\(rest.first ?? "")' waits to be resumed", ends: false)
      }
      trial.loop.settle()
    case "expect": try expect(rest, trial, &seen)
    default: try simulate(words, trial)
    }
  }

  // MARK: Doing

  private static func simulate(_ words: [String], _ trial: RuleTrial) throws(StepError) {
    guard let device = trial.device(DeviceID(words[0])) else {
      throw StepError(message: "'\(words[0])' is neither a step nor a device")
    }
    guard words.count >= 2 else { throw StepError(message: "'\(words[0])' takes a value") }
    let change = Self.change(of: device, words)
    try refusable { () throws(HALError) in try trial.simulate(device.id, change) }
  }

  private static func change(of device: Device, _ words: [String]) -> Value {
    switch (device.kind, words[1]) {
    case (.input, "on"): ["active": true]
    case (.input, "off"): ["active": false]
    case (.input, "press"): ["press": .string(words.count > 2 ? words[2] : "100ms")]
    case (.sensor, let word): Double(word).map { ["value": .double($0)] } ?? ["fault": .string(word)]
    case (_, let word): ["fault": .string(word)]
    }
  }

  private static func set(_ words: [String], _ trial: RuleTrial) throws(StepError) {
    guard words.count >= 2, let command = command(words[1]) else {
      throw StepError(message: "set takes an output and on, off or a level")
    }
    let lease = words.count == 4 && words[2] == "lease" ? try duration(words[3]) : nil
    let id = DeviceID(words[0])
    try refusable { () throws(HALError) in try trial.set(id, command, lease: lease) }
  }

  private static func refusable(_ work: () throws(HALError) -> Void) throws(StepError) {
    do throws(HALError) { try work() } catch { throw StepError(message: "refused: \(error)") }
  }

  // MARK: Expecting

  private static func expect(_ words: [String], _ trial: RuleTrial, _ seen: inout Int) throws(StepError) {
    switch words.first {
    case "no" where words.count >= 3:
      let wanted = fields(words.dropFirst(3))
      if let found = find(words[2], wanted, trial, seen) {
        throw StepError(message: "there was an event \(trial.events[found].type)", ends: false)
      }
    case "event" where words.count >= 2:
      guard let found = find(words[1], fields(words.dropFirst(2)), trial, seen) else {
        let others = trial.events[seen...]
        let same = others.filter { $0.type == words[1] }.map(EventSentence.text)
        let shown = (same.isEmpty ? others.map(\.type) : same).suffix(12).joined(separator: ", ")
        throw StepError(
          message: "there was no such event '\(words[1])', but: \(shown.isEmpty ? "none" : shown)", ends: false)
      }
      seen = found + 1
    case "rule" where words.count >= 3:
      guard let status = trial.rules.listRules().first(where: { $0.id.rawValue == words[1] }) else {
        throw StepError(message: "there is no rule '\(words[1])'")
      }
      let state = status.isEnabled ? status.state?.rawValue ?? "ready" : "off"
      let claim = status.claim.map { $0.text(at: trial.loop.now) } ?? ""
      guard state == words[2] || claim.hasPrefix(words[2]) else {
        let why = status.unknown ?? status.lastError
        throw StepError(
          message: "rule '\(words[1])' is \(state)\(claim.isEmpty ? "" : ", \(claim)")\(why.map { " (\($0))" } ?? "")",
          ends: false)
      }
    case let name?:
      let id = DeviceID(try device(name, trial))
      guard words.count == 2, let wanted = command(words[1])?.steadyLevel else {
        throw StepError(message: "expect \(name) takes on, off or a level")
      }
      let level = trial.level(of: id)
      guard (level - wanted).magnitude < 0.005 else {
        let why = trial.events.last { $0.type == "rule:error" || $0.type == "device:fault" }
        throw StepError(
          message: "'\(name)' is \(level == 0 ? "off" : level == 1 ? "on" : "\(Int(level * 100)) %"), not \(words[1])"
            + (why.map { " (\(EventSentence.text($0)))" } ?? ""), ends: false)
      }
    case nil: throw StepError(message: "expect what?")
    }
  }

  private static func find(_ type: String, _ wanted: Fields, _ trial: RuleTrial, _ first: Int) -> Int? {
    trial.events.indices.first { place in
      guard place >= first, trial.events[place].type == type else { return false }
      return wanted.allSatisfy { trial.events[place].payload[$0.key]?.text(limit: 200) == $0.value.text(limit: 200) }
    }
  }

  // MARK: Words

  private static func device(_ word: String?, _ trial: RuleTrial) throws(StepError) -> String {
    guard let word, trial.device(DeviceID(word)) != nil else { throw StepError(message: "no device '\(word ?? "")'") }
    return word
  }

  private static func duration(_ word: String?) throws(StepError) -> Duration {
    guard let word, let time = Quantity.duration(word) else {
      throw StepError(message: "'\(word ?? "")' is not a time such as 5m")
    }
    return time
  }

  private static func timeOfDay(_ word: String?) throws(StepError) -> Int {
    guard let word, case .clock(let minutes)? = DayTime(word) else {
      throw StepError(message: "'\(word ?? "")' is not a time of day such as 07:00")
    }
    return minutes
  }

  private static func command(_ word: String) -> ActuatorCommand? {
    switch word {
    case "on": .on
    case "off": .off
    default: (Quantity.percent(word) ?? Double(word)).flatMap { (0...1).contains($0) ? .level($0) : nil }
    }
  }

  private static func fields(_ words: ArraySlice<String>) -> Fields {
    Fields(
      words.compactMap { word in
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), value(String(parts[1]))) : nil
      })
  }

  private static func value(_ text: String) -> Value {
    switch text {
    case "true": .bool(true)
    case "false": .bool(false)
    default: Int64(text).map(Value.int) ?? Double(text).map(Value.double) ?? .string(text)
    }
  }
}
