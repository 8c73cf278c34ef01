import Model

/// The actions of lists: those that tell, remember and wait.
extension ActionParser {
  func release(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 1, arguments[0].name == nil else { return wrongCount(arguments, "release") }
    let device = DeviceID(unquoted(arguments[0].text))
    if let complaint = known.complaint(about: device.rawValue, kind: "actuator") {
      return fail(arguments[0].start, complaint)
    }
    guard device.isWellFormed else {
      return fail(
        arguments[0].start, "the device is \(Wording.quoted(device.rawValue)), expected \(Shape<DeviceID>.id.expected)")
    }
    return .release(device)
  }

  func notify(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard let text = arguments.first, text.name == nil else { return wrongCount(arguments, "notify") }
    var (to, picture) = (String?.none, DeviceID?.none)
    for argument in arguments.dropFirst() {
      switch argument.name {
      case "to" where to == nil: to = unquoted(argument.text)
      case "picture" where picture == nil:
        let camera = unquoted(argument.text)
        if let complaint = known.complaint(about: camera, kind: "camera") { return fail(argument.textStart, complaint) }
        picture = DeviceID(camera)
      default:
        return fail(
          argument.start, "'notify' takes no \(Wording.quoted(argument.whole)), expected \(Self.form(of: "notify"))")
      }
    }
    return .notify([expression("text", text)], to: to, picture: picture)
  }

  func log(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 1, arguments[0].name == nil else { return wrongCount(arguments, "log") }
    return .log([expression("text", arguments[0])])
  }

  func set(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 2, arguments.allSatisfy({ $0.name == nil }) else { return wrongCount(arguments, "set") }
    guard RuleVariable.isName(arguments[0].text) else {
      return fail(
        arguments[0].start,
        "the variable is \(Wording.quoted(arguments[0].text)), expected a name that 'vars:' declares")
    }
    return .set(arguments[0].text, [expression("value", arguments[1])])
  }

  func wait(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 1, arguments[0].name == nil else { return wrongCount(arguments, "wait") }
    guard let time = time(arguments[0], "the time") else { return nil }
    return .wait(time)
  }

  func waitFor(_ arguments: [Argument]) -> RuleDeclaration.Action? {
    guard arguments.count == 2, arguments[0].name == nil, arguments[1].name == "within" else {
      return wrongCount(arguments, "wait_for")
    }
    guard let time = time(arguments[1], "'within'") else { return nil }
    return .waitFor(
      RuleDeclaration.Condition(text: arguments[0].text, location: place(arguments[0].textStart)), within: time)
  }

  private func time(_ argument: Argument, _ what: String) -> Duration? {
    if let time = Quantity.duration(argument.text), Self.isPossible(time) { return time }
    report(
      argument.textStart,
      "\(what) is \(Wording.quoted(argument.text)), expected a duration such as 500ms or 60s, a year at most")
    return nil
  }

  private func expression(_ name: String, _ argument: Argument) -> EmitField {
    EmitField(name: name, expression: argument.text, location: place(argument.textStart))
  }

  private func wrongCount(_ arguments: [Argument], _ name: String) -> RuleDeclaration.Action? {
    fail(
      arguments.first?.start ?? 0, "'\(name)' has \(Self.count(arguments.count)), expected \(Self.form(of: name))")
  }
}
