import ArgumentParser
import Model

struct BudgetList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget", abstract: "Shows the usage and limits of agents, and limits that are not enforced.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; by default all agents and the board.")
  var agent: String?

  func run() throws {
    let params: Fields = agent.map { ["agent": .string($0)] } ?? [:]
    try shared.ask("daemon.budgets", params) { result, _ in BudgetTable.lines(result) }
  }
}

struct History: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows why agents, the daemon and the board ended or started, including before the last start.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; by default all agents, the daemon and the board.")
  var agent: String?

  @Option(name: [.customShort("n"), .long], help: "How many of the newest lines are shown.")
  var limit = 50

  func validate() throws {
    try Bounds.check(limit, 1...2000, "--limit")
  }

  func run() throws {
    var params: Fields = ["limit": .int(Int64(limit))]
    if let agent { params["agent"] = .string(agent) }
    let remote = try shared.connect()
    let result = try remote.call("daemon.history", params)
    let entries = result["entries"]?.list ?? []
    let absence = entries.isEmpty ? "the ledger has no entries\(agent.map { " of '\($0.printable)'" } ?? "")" : nil
    if let absence, let agent, let known = Self.unknown(agent, try remote.call("registry.list")) {
      // A typing mistake must not look like an agent without trouble.
      Terminal.complain("\(absence), and no agent is registered under that name\(known)")
      if shared.json { try shared.show(result) { _, _ in [] } }
      return
    }
    try shared.show(result) { _, terminal in
      absence.map { [$0] } ?? HistoryText.lines(entries, colour: terminal.colour, utcOffset: localOffset)
    }
  }

  /// Whether no agent has a name.
  /// - Parameter registry: the result of `registry.list`.
  /// - Returns: the name that may be meant, to append to a message; nil when there is such an agent.
  static func unknown(_ name: String, _ registry: Value) -> String? {
    let agents = (registry["agents"]?.list ?? []).compactMap { $0["agent"]?.string }
    let known = agents + (registry["unusable"]?.map ?? [:]).map(\.key)
    if known.contains(where: { $0.isSame(as: name) }) { return nil }
    return Suggestion.phrase(for: name, in: known)
  }
}
