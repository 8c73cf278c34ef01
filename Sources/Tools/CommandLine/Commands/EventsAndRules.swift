import ArgumentParser
import Model

struct Emit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Publishes an event.",
    discussion: """
      key=value takes true, false, null, numbers and JSON as what they are, and everything else as text. \
      key:=json takes JSON only, and key==text takes text only, for values such as a commit of digits.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The event's name, domain:verb, e.g. git:commit_pushed.")
  var type: String

  @Argument(help: ArgumentHelp("What the event carries.", valueName: "key=value"))
  var payload: [String] = []

  @Option(
    help: "How urgent it is: emergency, critical, high, normal, low, background, or 0 to 5.",
    transform: PriorityArgument.read)
  var priority: Priority?

  func run() throws {
    var params: Fields = ["type": .string(type), "payload": .map(try PayloadArgument.fields(payload))]
    if let priority { params["priority"] = .int(Int64(priority.rawValue)) }
    try shared.ask("events.emit", params) { result, _ in [result["event"]?.string?.printable ?? "-"] }
  }
}

/// How urgent an event is, by name or number.
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
    commandName: "rules", abstract: "Shows, tries and reloads rules.", subcommands: [List.self, Test.self, Reload.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists rules and how often each has fired.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("rules.list") { result, _ in
        let rules = result["rules"]?.list ?? []
        guard let refused = result["refused"]?.string else { return RuleText.table(rules) }
        let lines = refused.split(separator: "\n").map { $0.printable }
        let what = rules.isEmpty ? "no rules are in force" : "the rules of before are in force"
        return RuleText.table(rules) + lines + ["\(what): mend the file, then 'openstarry rules reload'"]
      }
    }
  }

  struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Says which rules an event would set off, and why the others stay silent. Nothing is done.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The event's name, or the id of one that has happened.")
    var type: String

    @Argument(help: ArgumentHelp("What the event would carry, as for 'openstarry emit'.", valueName: "key=value"))
    var payload: [String] = []

    func validate() throws {
      if ULID(type) != nil && !payload.isEmpty {
        throw ValidationError("an event that has happened carries what it carried: leave out \(payload[0])")
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
      abstract: "Reads the rule files again; on any error the old rules stay.")
    @OptionGroup var shared: SharedOptions

    func run() throws {
      try shared.ask("rules.reload") { result, _ in ["\(result["rules"]?.text() ?? "-") rule(s) loaded"] }
    }
  }
}
