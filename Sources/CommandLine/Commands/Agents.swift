import ArgumentParser
import Config
import Document
import Linux
import Model

struct ProcessList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ps", abstract: "Lists agents.")
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Adds the isolation, the counters and why each last ended.")
  var verbose = false

  @Flag(help: "Shows which agent was spawned by which.")
  var tree = false

  func run() throws {
    if tree {
      try shared.ask("agent.processTree") { nodes, _ in AgentText.tree(nodes.list ?? []) }
    } else {
      try shared.ask("listAgents") { result, _ in
        AgentText.table(result["agents"]?.list ?? [], isVerbose: verbose)
          + (result["paused"]?.bool == true ? ["paused by the emergency stop; 'openstarry estop --clear' ends it"] : [])
      }
    }
  }
}

struct Logs: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows what an agent has logged.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; with --follow it may be left out, for all of them.")
  var agent: String?

  @Flag(name: .shortAndLong, help: "Goes on with each new line until Ctrl-C or the daemon's end.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long],
    help: "At most how many lines that are already there come first: the newest; by default 50, with --follow 10.")
  var last: Int?

  func validate() throws {
    try Bounds.check(last, 0...1000, "--last")
    if agent == nil && !follow { throw ValidationError("name an agent, or use --follow for all of them") }
    if agent == nil && last != nil { throw ValidationError("--last needs an agent") }
  }

  func run() throws {
    let terminal = Terminal()
    let remote = try shared.connect()
    var params: Fields = [:]
    if let agent {
      params["agent"] = .string(agent)
      params["last"] = .int(Int64(last ?? (follow ? 10 : 50)))
    }
    guard follow else {
      guard last != 0 else { return }
      return try shared.show(try remote.call("agent.logs", params)) { result, terminal in
        (result["lines"]?.list ?? []).map { line($0, terminal) }
      }
    }
    try remote.follow("agent.followLogs", params) { method, notification in
      guard method == "agent.log", let value = notification["line"] else { return }
      try terminal.line(shared.json ? JSON.text(value) : line(value, terminal))
    }
  }

  private func line(_ value: Value, _ terminal: Terminal) -> String {
    AgentText.logLine(value, showsAgent: agent == nil, colour: terminal.colour, utcOffset: localOffset)
  }
}

struct Spawn: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Starts a registered agent.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  func run() throws {
    try shared.ask("spawnAgent", ["agent": .string(agent)]) { agent, _ in [AgentText.sentence(agent)] }
  }
}

struct Kill: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Ends an agent.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  @Option(
    help: "TERM lets it finish what it does, within its grace time; KILL does not wait.",
    transform: { text in
      let name = text.uppercased()
      guard let signal = Signal(rawValue: name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name) else {
        throw ValidationError("'\(text)' is not TERM or KILL")
      }
      return signal
    })
  var signal = Signal.term

  @Flag(help: "Comes back when nothing of it is left.")
  var wait = false

  enum Signal: String {
    case term = "TERM"
    case kill = "KILL"
  }

  func run() throws {
    let params: Fields = [
      "agent": .string(agent), "signal": .string("SIG\(signal.rawValue)"), "wait": .bool(wait),
    ]
    // A grace time may be five minutes.
    try shared.ask("killAgent", params, timeout: wait ? nil : .seconds(60)) { agent, _ in [AgentText.sentence(agent)] }
  }
}

struct Restart: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends and starts an agent; also lets one out of quarantine.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  func run() throws {
    try shared.ask("agent.restart", ["agent": .string(agent)], timeout: nil) { agent, _ in
      [AgentText.sentence(agent)]
    }
  }
}

struct Wake: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Hands an event to one agent, starting it if need be.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  @Argument(
    help: ArgumentHelp(
      "The event's name, by default agent:wake, and what it carries, as for 'openstarry emit'.",
      valueName: "type-and-payload"))
  var words: [String] = []

  func run() throws {
    var params: Fields = ["agent": .string(agent)]
    var rest = words[...]
    if let first = rest.first, !first.contains("=") {
      params["type"] = .string(first)
      rest = rest.dropFirst()
    }
    params["payload"] = .map(try PayloadArgument.fields(Array(rest)))
    try shared.ask("agent.wake", params) { result, _ in
      ["\(agent.printable) woken by event \(result["event"]?.string?.printable ?? "-")"]
    }
  }
}

struct Register: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Registers an agent, or replaces its manifest; kept when the daemon restarts.")
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: "The agent's manifest, an agent.json or agent.yaml.", completion: .file(extensions: ["json", "yaml", "yml"]))
  var file: String

  func run() throws {
    let (text, manifest, path): ([UInt8], Value, String)
    do {
      path = try Files.resolve(file)
      text = try Files.read(file, limit: 1 << 20)
      manifest = try ConfigText.parse(text, file: file).value
    } catch let error as Diagnostics {
      throw Failure(.failed, "\(error)")
    } catch let error as SystemError {
      throw Failure(error.isMissing ? .notFound : .failed, "\(error)")
    }
    do {
      try shared.ask("registry.register", ["manifest": manifest, "file": .string(path)]) { agent, _ in
        ["\(AgentText.sentence(agent)), registered"]
      }
    } catch let refusal as Failure where refusal.status == .failed {
      // The daemon was given the manifest, not its text: where in the text something is wrong is found here.
      do throws(Diagnostics) {
        _ = try ConfigText.manifest(text, file: file, environment: Environment.current())
      } catch {
        throw Failure(.failed, "\(file.printable) was not registered", details: error.all.map(\.description))
      }
      throw refusal
    }
  }
}

struct Unregister: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Forgets an agent that does not run.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  func run() throws {
    try shared.ask("registry.unregister", ["agent": .string(agent)]) { _, _ in ["\(agent.printable) forgotten"] }
  }
}
