import CEL
import Model

/// Compiles the expressions of one rule, and collects its errors and what it asks for.
struct RuleCompiler {
  var problems: [Diagnostic] = []
  private(set) var questions: [CompiledRule.Question] = []
  /// The place of the rule, for expressions without a place of their own.
  private let place: Location
  private let complaint: (_ function: String, _ name: String) -> String?
  private let types: RuleTypes

  /// - Parameters:
  ///   - types: what is known of the types of variables and reports.
  ///   - complaint: the error for calling a function with a name; nil when the call is valid.
  init(
    _ place: Location, types: RuleTypes,
    complaint: @escaping (_ function: String, _ name: String) -> String?
  ) {
    self.place = place
    self.complaint = complaint
    self.types = types
  }

  /// Compiles a condition.
  /// - Parameter isForeseeable: whether it is the condition of a state rule, which is looked at only when something
  ///   changes.
  /// - Parameter variables: the variables that it may use; nil for any, or for those of state rules.
  mutating func condition(
    _ condition: RuleDeclaration.Condition, isForeseeable: Bool = false, variables: [String]? = nil
  ) -> CELProgram? {
    guard let program = expression(condition, isForeseeable: isForeseeable, variables: variables) else { return nil }
    if program.type != .bool, program.type != .dyn {
      problems.append(
        Diagnostic(
          condition.location, "the condition has type \(program.type), but must be bool: \(condition.text)"))
    }
    return program
  }

  /// Compiles the level of an output of `keep`.
  mutating func level(_ text: RuleDeclaration.Condition, of device: DeviceID) -> CELProgram? {
    guard let program = expression(text, isForeseeable: true) else { return nil }
    if program.type != .bool, program.type != .dyn, !program.type.isNumber {
      problems.append(
        Diagnostic(
          text.location,
          "the level of '\(device)' is \(program.type), expected a number from 0 to 1, true or false (in \(text.text))")
      )
    }
    return program
  }

  /// Compiles an expression.
  mutating func expression(
    _ text: RuleDeclaration.Condition, isForeseeable: Bool = false, variables: [String]? = nil
  ) -> CELProgram? {
    let place = text.location.line > 0 ? text.location : place
    let program: CELProgram
    do throws(CELError) {
      program = try CELProgram(
        text.text, functions: .rules, variables: variables ?? (isForeseeable ? ["now", "vars"] : nil),
        types: types.all, isForeseeable: isForeseeable)
    } catch {
      let error = isForeseeable ? explained(error, text.text) : error
      problems.append(Self.diagnostic(error, in: text.text, at: place))
      return nil
    }
    for call in program.hostCalls {
      questions.append(CompiledRule.Question(function: call.function, name: call.text))
      if let message = complaint(about: call, isForeseeable) {
        problems.append(Self.diagnostic(CELError(offset: call.offset, message: message), in: text.text, at: place))
      }
    }
    for zone in program.timeZones {
      guard let message = complaint("timezone", zone.text) else { continue }
      problems.append(Self.diagnostic(CELError(offset: zone.offset, message: message), in: text.text, at: place))
    }
    for field in program.selections where field.variable == "vars" {
      guard let message = complaint("vars", field.field) else { continue }
      problems.append(Self.diagnostic(CELError(offset: field.offset, message: message), in: text.text, at: place))
    }
    return program
  }

  /// The error of an expression of a state rule, with what people know of a name that is no variable: `temp < 20` instead
  /// of `sensor('temp') < 20`.
  private func explained(_ error: CELError, _ text: String) -> CELError {
    let known = ["now", "vars"]
    guard let names = try? CELProgram(text, functions: .rules).variables,
      let name = names.first(where: { !known.contains($0) })
    else { return error }
    // Where variables are known, a nonsensical name is refused.
    if complaint("vars", name) == nil, complaint("vars", "") != nil {
      let message = "unknown variable '\(name)' (did you mean vars.\(name)?)"
      return CELError(offset: error.offset, message: message, kind: error.kind)
    }
    guard let message = complaint("variable", name) else { return error }
    return CELError(offset: error.offset, message: message, kind: error.kind)
  }

  private func complaint(about call: CELProgram.HostCall, _ isForeseeable: Bool) -> String? {
    if call.function == "between" {
      for argument in call.arguments.compactMap(\.self) {
        guard let time = DayTime(argument) else {
          return "'\(argument)' is not a time of day, expected one such as '07:00' or 'sunset - 30m'"
        }
        if case .sun = time, let message = complaint("sun", argument) { return message }
      }
      return nil
    }
    if let name = call.text { return complaint(call.function, name) }
    return isForeseeable
      ? "in a state rule the name must be a text such as \(call.function)('id'), so that it is known when to look" : nil
  }

  /// Compiles the actions of one list.
  mutating func actions(_ actions: [RuleDeclaration.Action]) -> CompiledActions {
    var payloads: [CompiledActions.Payload] = []
    var conditions: [CELProgram?] = []
    for action in actions {
      var payload: CompiledActions.Payload = []
      for field in action.payload ?? [] {
        let text = RuleDeclaration.Condition(text: field.expression, location: field.location)
        guard let program = expression(text) else { continue }
        payload.append((field.name, program))
        if case .set(let name, _) = action { checkAssignment(of: program, to: name, at: field.location) }
      }
      payloads.append(payload)
      if case .waitFor(let condition, _) = action {
        conditions.append(self.condition(condition, isForeseeable: true))
      } else {
        conditions.append(nil)
      }
      if case .set(let name, _) = action, let message = complaint("vars", name) {
        problems.append(Diagnostic(place, "set(\(name)): \(message)"))
      }
    }
    return CompiledActions(actions, payloads: payloads, conditions: conditions)
  }

  /// A variable keeps the type of its first value.
  private mutating func checkAssignment(of program: CELProgram, to name: String, at place: Location) {
    guard let type = types.all["vars.\(name)"], !program.type.fits(type), (program.type, type) != (.int, .double) else {
      return
    }
    problems.append(
      Diagnostic(
        place, "set(\(name)): '\(name)' has the type \(type) of its first value, and \(program.text) is \(program.type)"
      ))
  }

  /// What an expression names, without duplicates.
  static func subjects(of program: CELProgram) -> [RuleSubject] {
    var subjects: Set<RuleSubject> = []
    for call in program.hostCalls {
      switch (call.function, call.text) {
      case ("between", _): subjects.insert(.clock)
      case ("sensor", let name?), ("reading", let name?), ("input", let name?), ("device", let name?):
        subjects.insert(.device(DeviceID(name)))
      case ("state", let name?), ("report", let name?), ("agent", let name?): subjects.insert(.agent(AgentID(name)))
      default: break
      }
    }
    if program.variables.contains("now") { subjects.insert(.clock) }
    for field in program.selections where field.variable == "vars" { subjects.insert(.variable(field.field)) }
    return Array(subjects)
  }

  /// A diagnostic for an error in an expression that begins at `start`.
  static func diagnostic(_ error: CELError, in text: String, at start: Location) -> Diagnostic {
    let before = String(decoding: text.utf8.prefix(error.offset), as: UTF8.self)
    let shown = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    guard text.contains(where: \.isNewline) else {
      var place = start
      if place.line > 0 { place.column += before.count }
      return Diagnostic(place, "\(error.message) (in \(shown.prefix(80)))")
    }
    // The indentation of a multi-line expression is not known here: give the position relative to the expression.
    let lines = before.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let column = (lines.last?.count ?? 0) + 1
    return Diagnostic(start, "\(error.message) (line \(max(lines.count, 1)), column \(column) of the expression)")
  }
}

/// What is known of the types of expressions: of the variables of the rules, and of the reports of agents.
struct RuleTypes {
  /// By the text of the expression: `vars.x`, `report('door').visitors`.
  let all: [String: CELType]

  /// - Parameters:
  ///   - variables: the variables with their first values, which give their types.
  ///   - reports: the fields of the agents' reports that are declared, with the names of their types.
  ///   - names: the types of variables of their own.
  init(
    variables: Fields = [:], reports: [AgentID: [String: String]] = [:], names: [String: CELType] = [:]
  ) {
    var all = names
    for (name, value) in variables { all["vars.\(name)"] = CELValue(value).type }
    for (agent, fields) in reports {
      for function in ["report", "state"] {
        let call = "\(function)('\(agent)')"
        all[call] = .map(.string, .dyn)
        for (name, type) in fields { all["\(call).\(name)"] = CELType(named: type) }
      }
    }
    self.all = all
  }
}
