import ArgumentParser
import Document
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
        try terminal.line(JSON.text(.map(fields)))
      } else if let event = Event(fields: fields) {
        try terminal.line(line(event, terminal))
      }
    }
  }

  private func line(_ event: Event, _ terminal: Terminal) -> String {
    EventLine.text(event, colour: terminal.colour, utcOffset: localOffset(event.time))
  }
}

struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what led to a device's last change, or to an event: reading, rule, agent, command.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: ArgumentHelp("A device, or an event's id.", valueName: "device-or-event"))
  var subject: String

  func run() throws {
    let isEvent = ULID(subject) != nil
    let params: Fields = [isEvent ? "event" : "device": .string(subject)]
    try shared.ask("events.chain", params) { result, terminal in
      let chain = EventList.read(result)
      return chain.isEmpty
        ? ["\(subject.printable) has not changed since the daemon started"]
        : CausalChain.lines(chain, colour: terminal.colour, utcOffset: localOffset)
    }
  }
}

/// `events` of a result.
enum EventList {
  static func read(_ result: Value) -> [Event] {
    (result["events"]?.list ?? []).compactMap { $0.map.flatMap(Event.init(fields:)) }
  }
}
