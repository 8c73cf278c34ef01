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
    try shared.ask("daemon.history", params) { result, terminal in
      let entries = result["entries"]?.list ?? []
      guard !entries.isEmpty else { return ["the ledger has no entries\(agent.map { " of '\($0.printable)'" } ?? "")"] }
      return HistoryText.lines(entries, colour: terminal.colour, utcOffset: localOffset)
    }
  }
}
