import Model

/// The names that rules and manifests may refer to, as far as they are known when the files are read.
package struct KnownNames: Sendable {
  private let kinds: [String: String]?
  private let digital: Set<String>
  private let buttons: Set<String>
  private let unlimited: Set<String>
  private let agents: Set<String>?
  private let units: [String: String]
  private let boardName: String
  /// Whether the board file says where the board is, or is unknown.
  let hasPlace: Bool

  /// Creates the names of a board's devices and of agents; nil disables the check of these names.
  package init(board: Board? = nil, agents: [AgentID]? = nil) {
    kinds = board.map { board in
      Dictionary(board.devices.map { ($0.id.rawValue, $0.kind.name) }, uniquingKeysWith: { first, _ in first })
    }
    digital = Set((board?.devices ?? []).filter(\.isDigital).map(\.id.rawValue))
    buttons = Set((board?.devices ?? []).filter(\.hasGestures).map(\.id.rawValue))
    unlimited = Set((board?.devices ?? []).filter(\.mayStayOn).map(\.id.rawValue))
    units = Dictionary(
      (board?.devices ?? []).compactMap { device in SensorUnit.of(device).map { (device.id.rawValue, $0) } },
      uniquingKeysWith: { first, _ in first })
    hasPlace = board.map { $0.place != nil } ?? true
    self.agents = agents.map { Set($0.map(\.rawValue)) }
    boardName = board?.name ?? ""
  }

  /// The error for a reference to the device `id` as one of `kind`; nil when it is valid, or the board is unknown.
  func complaint(about id: String, kind: String) -> String? {
    guard let kinds, kinds[id] != kind else { return nil }
    let same = kinds.filter { $0.value == kind }.keys.sorted()
    if let other = kinds[id] {
      let names = same.isEmpty ? ", but there is none" : ": \(Wording.alternatives(same))"
      return "'\(id)' is \(Wording.article(other)), expected \(Wording.article(kind))\(names)"
    }
    if same.isEmpty { return "board '\(boardName)' has no \(kind) \(Wording.quoted(id)), and no other \(kind)" }
    let suggestion = Suggestion.phrase(for: id, in: same)
    let expected = suggestion.isEmpty ? ", expected \(Wording.alternatives(same))" : suggestion
    return "board '\(boardName)' has no \(kind) \(Wording.quoted(id))\(expected)"
  }

  /// The unit of a sensor's values; nil if it is not known.
  package func unit(of sensor: String) -> String? { units[sensor] }

  /// The ids of a kind, sorted; nil when the board is unknown.
  func devices(of kind: String) -> [String]? { kinds.map { $0.filter { $0.value == kind }.keys.sorted() } }

  /// The error for a device that is named like a variable; nil for other names.
  private func variableComplaint(_ name: String) -> String? {
    let functions = ["sensor": "sensor", "input": "input", "actuator": "device"]
    guard let kind = kinds?[name], let function = functions[kind] else { return nil }
    return "unknown variable '\(name)' (did you mean \(function)('\(name)')?)"
  }

  /// The error for `sensor('NAME')`, `state('NAME')` and so on in an expression; nil when it is valid, or the names are
  /// unknown. Not only functions take names: `timezone`, `sun` (a time of day such as `sunset`) and `variable` (one that does
  /// not exist) are asked about in the same way.
  package func complaint(function: String, about name: String) -> String? {
    switch function {
    case "state", "report", "agent": return complaint(about: AgentID(name))
    case "input": return complaint(about: name, kind: "input")
    case "device": return complaint(about: name, kind: "actuator")
    case "variable": return variableComplaint(name)
    case "sun":
      return hasPlace ? nil : "'\(name)' needs to know where the board is: give the board file 'place'"
    case "timezone": return TimeZoneNames.complaint(about: name)
    case "sensor", "reading": break
    default: return nil
    }
    guard let kinds else { return nil }
    let fitting = kinds.filter { $0.value == "sensor" || $0.value == "input" }.keys
    if fitting.contains(name) { return nil }
    if let other = kinds[name] {
      return "'\(name)' is \(Wording.article(other)), but \(function)() reads only sensors and inputs"
    }
    let suggestion = Suggestion.phrase(for: name, in: fitting)
    return "board '\(boardName)' has no sensor or input \(Wording.quoted(name))\(suggestion)"
  }

  /// The error for an event of a device, `sensor:<id>`, `input:<id>` or `gesture:<id>`; nil when it is valid, or the
  /// board is unknown.
  func complaint(about event: EventPattern) -> String? {
    guard event.isExact, let colon = event.text.firstIndex(of: ":") else { return nil }
    let domain = String(event.text[..<colon])
    let id = String(event.text[colon...].dropFirst())
    switch domain {
    case "sensor", "input": return complaint(about: id, kind: domain)
    case "gesture":
      if let complaint = complaint(about: id, kind: "input") { return complaint }
      return kinds == nil || buttons.contains(id)
        ? nil : "input '\(id)' has no gestures: give it 'gestures' in the board file"
    default: return nil
    }
  }

  /// The error for a reference to an agent; nil when it is valid, or the agents are unknown.
  func complaint(about agent: AgentID) -> String? {
    guard let agents, !agents.contains(agent.rawValue) else { return nil }
    if agents.isEmpty { return "no agent is called '\(agent)', and there are no other agents" }
    let suggestion = Suggestion.phrase(for: agent.rawValue, in: agents)
    let expected = suggestion.isEmpty ? ", expected \(Wording.alternatives(agents.sorted()))" : suggestion
    return "no agent is called '\(agent)'\(expected)"
  }

  /// The ids of the inputs with gestures, sorted; nil when the board is unknown.
  var inputsWithGestures: [String]? { kinds == nil ? nil : buttons.sorted() }

  /// Whether the actuator `id` has no levels between on and off.
  func isDigital(_ id: String) -> Bool { digital.contains(id) }

  /// Whether the actuator `id` may stay away from its safe state for ever.
  func mayStayOn(_ id: String) -> Bool { unlimited.contains(id) }
}

extension Device {
  /// Whether it is an actuator without the limits that end a command which nobody takes back.
  fileprivate var mayStayOn: Bool {
    if case .actuator(let settings) = kind { settings.maxOn == nil } else { false }
  }
}

extension Device {
  /// Whether it is an input with `gestures`.
  fileprivate var hasGestures: Bool {
    if case .input(let settings) = kind { settings.gestures != nil } else { false }
  }
}
