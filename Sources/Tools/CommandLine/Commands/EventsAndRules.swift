import ArgumentParser
import Model

struct Emit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Publishes an event.",
    discussion: """
      In key=value the value may be true, false, null, a number or JSON; any other value is text. key:=json accepts \
      only JSON, and key==text takes everything as text, for values such as a commit of digits.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The event's name, domain:verb, e.g. git:commit_pushed.")
  var type: String

  @Argument(help: ArgumentHelp("The event's payload.", valueName: "key=value"))
  var payload: [String] = []

  @Option(
    help: "The priority: emergency, critical, high, normal, low, background, or 0 to 5.",
    transform: PriorityArgument.read)
  var priority: Priority?

  func run() throws {
    var params: Fields = ["type": .string(type), "payload": .map(try PayloadArgument.fields(payload))]
    if let priority { params["priority"] = .int(Int64(priority.rawValue)) }
    try shared.ask("events.emit", params) { result, _ in [result["event"]?.string?.printable ?? "-"] }
  }
}

/// An event's priority by name or number.
enum PriorityArgument {
  static func read(_ text: String) throws -> Priority {
    let names = Priority.allCases.map { "\($0)" }
    if let index = names.firstIndex(of: text.lowercased()) { return Priority.allCases[index] }
    if let number = Int(text), let priority = Priority(rawValue: number) { return priority }
    throw ValidationError("'\(text)' is not \(names.joined(separator: ", ")), or a number from 0 to 5")
  }
}

struct RuleCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "Lists, tests and reloads rules.", subcommands: [List.self, Test.self, Reload.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists rules and how often each has fired.")
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
