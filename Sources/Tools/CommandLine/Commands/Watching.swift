import ArgumentParser
import Linux
import Model
import Wire

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the daemon at a glance.")
  @OptionGroup var shared: SharedOptions

  func run() throws {
    try shared.ask("daemon.status") { StatusText.lines($0, colour: $1.colour) }
  }
}

struct State: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows devices, leases, agents, budgets and rules as one tree.")
  @OptionGroup var shared: SharedOptions

  func run() throws {
    try shared.ask("state.get") { state, _ in Outline.lines(state) }
  }
}

struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists what happened, one line an event.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "Which events: a name in which '*' stands for anything, as in 'sensor:*'.")
  var pattern = "*"

  @Flag(name: .shortAndLong, help: "Goes on with each new event until Ctrl-C or the daemon's end.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long],
    help: "At most how many that are already known come first: the newest; by default 50, with --follow 10.")
  var last: Int?

  @Flag(help: "Begins each line with the event's id, which 'why' and 'rules test' take.")
  var ids = false

  func validate() throws {
    try Bounds.check(last, 0...1000, "--last")
  }

  func run() throws {
    let terminal = Terminal()
    let remote = try shared.connect()
    let params: Fields = ["pattern": .string(pattern), "last": .int(Int64(last ?? (follow ? 10 : 50)))]
    guard follow else {
      guard last != 0 else { return }
      let result = try remote.call("events.list", params)
      return try shared.show(result) { result, terminal in
        EventList.read(result).map { line($0, terminal) }
      }
    }
    try remote.follow("events.subscribe", params) { method, notification in
      guard method == "events.event", let fields = notification["event"]?.map else { return }
      if shared.json {
        try terminal.json(.map(fields))
      } else if let event = try? Event(fields: fields) {
        try terminal.line(line(event, terminal))
      }
    }
  }

  private func line(_ event: Event, _ terminal: Terminal) -> String {
    let text = EventLine.text(event, colour: terminal.colour, utcOffset: localOffset(event.time))
    return ids ? "\(event.id)  \(text)" : text
  }
}

struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what led to a device's last change, or to an event: reading, rule, agent, command.")
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp(
      "A device; or an event: its name, as in 'rule:fired', for the newest of it, or its id, which 'events --ids' shows.",
      valueName: "device-or-event"))
  var subject: String

  func run() throws {
    let remote = try shared.connect()
    var params: Fields = ["device": .string(subject)]
    if ULID(subject) != nil {
      params = ["event": .string(subject)]
    } else if subject.contains(":") {
      params = ["event": .string(try newest(remote).description)]
    }
    try shared.show(try remote.call("events.chain", params)) { result, terminal in
      let chain = EventList.read(result)
      return chain.isEmpty
        ? ["\(subject.printable) has not changed since the daemon started"]
        : CausalChain.lines(chain, colour: terminal.colour, utcOffset: localOffset)
    }
  }
}

extension Why {
  /// The newest event of that name.
  private func newest(_ remote: Remote) throws(Failure) -> ULID {
    let result = try remote.call("events.list", ["pattern": .string(subject), "last": 1])
    guard let event = EventList.read(result).last else {
      throw Failure(.notFound, "no event '\(subject.printable)' is known: 'openstarry events' lists the newest")
    }
    return event.id
  }
}

/// `events` of a result.
enum EventList {
  static func read(_ result: Value) -> [Event] {
    (result["events"]?.list ?? []).compactMap { try? Event($0) }
  }
}
