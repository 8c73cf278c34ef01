import ArgumentParser
import Document
import Model

struct RuleCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "Lists, explains, tests, checks and switches rules.",
    subcommands: [
      List.self, Explain.self, Test.self, Enable.self, Disable.self, Resume.self, SetVariable.self, Variables.self,
      Reload.self, ReplayEvents.self, Lint.self,
    ])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists rules with their states, and how often each has fired or begun.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      let remote = try shared.connect()
      var result = try remote.call("rules.list", ["most": 1000])
      var all = result["rules"]?.list ?? []
      while let total = result["total"]?.int, all.count < total {
        let next = try remote.call("rules.list", ["first": .int(Int64(all.count)), "most": 1000])["rules"]?.list ?? []
        if next.isEmpty { break }
        all += next
      }
      if var fields = result.map {
        fields["rules"] = .list(all)
        result = .map(fields)
      }
      try shared.show(result) { result, _ in
        let rules = result["rules"]?.list ?? []
        if let safeMode = result["safe_mode"]?.string { return [safeMode.printable] }
        guard let refused = result["refused"]?.string else { return RuleText.table(rules) }
        let lines = refused.split(separator: "\n").map { $0.printable }
        let inForce = rules.isEmpty ? "no rules are in force" : "the previous rules are in force"
        return RuleText.table(rules) + lines + ["\(inForce): correct the file, then 'openstarry rules reload'"]
      }
    }
  }

  struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows which rules an event would fire, and why the others would not. Fires nothing.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The event's name, or the id of a past event.")
    var type: String

    @Argument(help: ArgumentHelp("The event's payload, as for 'openstarry emit'.", valueName: "key=value"))
    var payload: [String] = []

    func validate() throws {
      if ULID(type) != nil && !payload.isEmpty {
        throw ValidationError("a past event has its own payload: leave out \(payload[0])")
      }
    }

    func run() throws {
      let params: Fields =
        ULID(type) != nil
        ? ["event": .string(type)]
        : ["type": .string(type), "payload": .map(try PayloadArgument.fields(payload))]
      try shared.ask("rules.test", params) { result, terminal in
        RuleText.verdicts(result["verdicts"]?.list ?? [], type: type, colour: terminal.colour)
      }
    }
  }

  struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reloads the rule files; on an error the previous rules stay in force.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("rules.reload") { result, _ in ["\(result["rules"]?.text() ?? "-") rule(s) loaded"] }
    }
  }
}
