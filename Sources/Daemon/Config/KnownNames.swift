import Model

/// What rules and manifests may refer to, as far as it is known when they are read.
public struct KnownNames: Sendable {
  private let kinds: [String: String]?
  private let digital: Set<String>
  private let agents: Set<String>?
  private let boardName: String

  /// Names of a board and of agents; nil leaves those names unchecked.
  public init(board: Board? = nil, agents: [AgentID]? = nil) {
    kinds = board.map { board in
      Dictionary(board.devices.map { ($0.id.rawValue, $0.kind.name) }, uniquingKeysWith: { first, _ in first })
    }
    digital = Set((board?.devices ?? []).filter(\.isDigital).map(\.id.rawValue))
    self.agents = agents.map { Set($0.map(\.rawValue)) }
    boardName = board?.name ?? ""
  }

  /// What is wrong with naming the device `id` where one of `kind` is meant; nil when nothing is, or nothing is known.
  func complaint(about id: String, kind: String) -> String? {
    guard let kinds, kinds[id] != kind else { return nil }
    let same = kinds.filter { $0.value == kind }.keys.sorted()
    if let other = kinds[id] {
      let names = same.isEmpty ? ", and there is none" : ": \(Wording.alternatives(same))"
      return "'\(id)' is \(Wording.article(other)), expected \(Wording.article(kind))\(names)"
    }
    if same.isEmpty { return "board '\(boardName)' has no \(kind) \(Wording.quoted(id)), and no \(kind) at all" }
    let suggestion = Suggestion.phrase(for: id, in: same)
    let expected = suggestion.isEmpty ? ", expected \(Wording.alternatives(same))" : suggestion
    return "board '\(boardName)' has no \(kind) \(Wording.quoted(id))\(expected)"
  }

  /// The devices of a kind; nil when nothing is known of the board.
  func devices(of kind: String) -> [String]? { kinds.map { $0.filter { $0.value == kind }.keys.sorted() } }

  /// What is wrong with asking `sensor('…')` or `state('…')` about `name`; nil when nothing is, or nothing is known.
  public func complaint(function: String, about name: String) -> String? {
    if function == "state" { return complaint(about: AgentID(name)) }
    guard function == "sensor", let kinds else { return nil }
    let fitting = kinds.filter { $0.value == "sensor" || $0.value == "input" }.keys
    if fitting.contains(name) { return nil }
    if let other = kinds[name] {
      return "'\(name)' is \(Wording.article(other)), and sensor() asks sensors and inputs"
    }
    let suggestion = Suggestion.phrase(for: name, in: fitting)
    return "board '\(boardName)' has no sensor or input \(Wording.quoted(name))\(suggestion)"
  }

  /// The same for an event that a device says: `sensor:<id>` and `input:<id>`.
  func complaint(about event: EventPattern) -> String? {
    guard event.isExact, let colon = event.text.firstIndex(of: ":") else { return nil }
    let domain = String(event.text[..<colon])
    guard domain == "sensor" || domain == "input" else { return nil }
    return complaint(about: String(event.text[colon...].dropFirst()), kind: domain)
  }

  /// The same for an agent.
  func complaint(about agent: AgentID) -> String? {
    guard let agents, !agents.contains(agent.rawValue) else { return nil }
    if agents.isEmpty { return "no agent is called '\(agent)', and there are none at all" }
    let suggestion = Suggestion.phrase(for: agent.rawValue, in: agents)
    let expected = suggestion.isEmpty ? ", expected \(Wording.alternatives(agents.sorted()))" : suggestion
    return "no agent is called '\(agent)'\(expected)"
  }

  /// Whether the actuator `id` knows no levels between on and off.
  func isDigital(_ id: String) -> Bool { digital.contains(id) }
}
