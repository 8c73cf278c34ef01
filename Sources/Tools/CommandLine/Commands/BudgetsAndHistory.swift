import ArgumentParser
import Model

struct BudgetList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "budget", abstract: "Shows what agents use and may use, and what is not enforced.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; all of them, and the board, when left out.")
  var agent: String?

  func run() throws {
    let params: Fields = agent.map { ["agent": .string($0)] } ?? [:]
    try shared.ask("daemon.budgets", params) { result, _ in BudgetTable.lines(result) }
  }
}

struct History: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows why agents, the daemon and the board ended or began, also before the last start.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; everything when left out.")
  var agent: String?

  @Option(name: [.customShort("n"), .long], help: "At most how many lines: the newest.")
  var limit = 50

  func validate() throws {
    try Bounds.check(limit, 1...2000, "--limit")
  }

  func run() throws {
    var params: Fields = ["limit": .int(Int64(limit))]
    if let agent { params["agent"] = .string(agent) }
    try shared.ask("daemon.history", params) { result, terminal in
      let entries = result["entries"]?.list ?? []
      guard !entries.isEmpty else { return ["nothing is known\(agent.map { " of '\($0.printable)'" } ?? "")"] }
      return HistoryText.lines(entries, colour: terminal.colour, utcOffset: localOffset)
    }
  }
}
