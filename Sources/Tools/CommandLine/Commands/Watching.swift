import ArgumentParser
import Document
import Glibc
import Linux
import Model
import Wire

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the state of the daemon at a glance.")
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
  static let configuration = CommandConfiguration(
    abstract: "Lists events, one on a line, or records them.",
    discussion: """
      'openstarry events record FILE' writes every event to a file, until Ctrl-C or the daemon's exit: those that the \
      daemon still has, then each new one, as JSON, one on a line. 'openstarry rules replay' runs them again.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The events' names; '*' matches any characters, as in 'sensor:*'. Or 'record'.")
  var pattern = "*"

  @Argument(
    help: ArgumentHelp("With 'record': the file; '-' is standard output.", valueName: "file"), completion: .file())
  var file: String?

  @Flag(name: .shortAndLong, help: "Prints each new event until Ctrl-C or the daemon's exit.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long],
    help: "How many of the newest retained events are printed first; by default 50, with --follow 10.")
  var last: Int?

  @Flag(help: "Begins each line with the event's id, an argument of 'why' and 'rules test'.")
  var ids = false

  func validate() throws {
    try Bounds.check(last, 0...1000, "--last")
    if pattern == "record" {
      if file == nil { throw ValidationError("'events record' needs a file, or '-' for standard output") }
      if last != nil || ids || follow { throw ValidationError("'events record' takes no other options") }
    } else if let file {
      throw ValidationError("unexpected argument '\(file)'")
    }
  }

  func run() throws {
    if let file { return try record(file) }
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

  private func record(_ file: String) throws {
    var output: Descriptor?
    if file != "-" {
      do { output = try Files.open(file, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644) } catch {
        throw Failure(.failed, "\(error)")
      }
    }
    let number = output?.number ?? 1
    try shared.connect().follow("events.subscribe", ["pattern": "*", "last": 1000]) { method, notification in
      guard method == "events.event", let fields = notification["event"]?.map else { return }
      do {
        try System.writeAll(number, Array((JSON.text(.map(fields)) + "\n").utf8))
      } catch { throw Failure(.failed, "\(error)") }
    }
  }

  private func line(_ event: Event, _ terminal: Terminal) -> String {
    let text = EventLine.text(event, colour: terminal.colour, utcOffset: localOffset(event.time))
    return ids ? "\(event.id)  \(text)" : text
  }
}

struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the cause of a device's last change or of an event: reading, rule, agent, command.")
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp(
      "A device, an event's name for the newest such event, as in 'rule:fired', or an event's id from 'events --ids'.",
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
  /// The newest event with the name `subject`.
  private func newest(_ remote: Remote) throws(Failure) -> ULID {
    let result = try remote.call("events.list", ["pattern": .string(subject), "last": 1])
    guard let event = EventList.read(result).last else {
      throw Failure(.notFound, "no event '\(subject.printable)' is known: 'openstarry events' lists the newest")
    }
    return event.id
  }
}

/// Reads the member `events` of a result; skips malformed events.
/// The events of an answer.
enum EventList {
  static func read(_ result: Value) -> [Event] {
    (result["events"]?.list ?? []).compactMap { try? Event($0) }
  }
}
