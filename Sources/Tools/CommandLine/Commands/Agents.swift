import ArgumentParser
import Config
import Document
import Isolations
import Linux
import Model

struct ProcessList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ps", abstract: "Lists agents.")
  @OptionGroup var shared: SharedOptions

  @Flag(help: "Adds the isolation, the counters, and the reason for the last exit.")
  var verbose = false

  @Flag(help: "Shows agents as a tree of parents and children.")
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
  static let configuration = CommandConfiguration(abstract: "Shows an agent's log.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent; by default, with --follow, all agents.")
  var agent: String?

  @Flag(name: .shortAndLong, help: "Prints each new line until Ctrl-C or the daemon's exit.")
  var follow = false

  @Option(
    name: [.customShort("n"), .long],
    help: "How many of the newest existing lines are printed first; by default 50, with --follow 10.")
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
        let lines = (result["lines"]?.list ?? []).map { line($0, terminal) }
        return lines.isEmpty ? ["nothing since the daemon started; the daemon's journal has earlier lines"] : lines
      }
    }
    try remote.follow("agent.followLogs", params) { method, notification in
      guard method == "agent.log", let value = notification["line"] else { return }
      if shared.json { try terminal.json(value) } else { try terminal.line(line(value, terminal)) }
    }
  }

  private func line(_ value: Value, _ terminal: Terminal) -> String {
    AgentText.logLine(value, showsAgent: agent == nil, colour: terminal.colour, utcOffset: localOffset)
  }
}

struct Spawn: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Starts a registered agent.")
  @OptionGroup var target: AgentTarget

  func run() throws { try target.ask("spawnAgent") { [AgentText.sentence($0)] } }
}

struct Kill: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Ends an agent.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  @Option(
    help: "TERM lets it finish its activation within its grace time; KILL does not wait.",
    transform: { text in
      let name = text.uppercased()
      guard let signal = Signal(rawValue: name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name) else {
        throw ValidationError("'\(text)' is not TERM or KILL")
      }
      return signal
    })
  var signal = Signal.term

  @Flag(help: "Waits until the agent has ended completely.")
  var wait = false

  enum Signal: String {
    case term = "TERM"
    case kill = "KILL"
  }

  func run() throws {
    let params: Fields = [
      "agent": .string(agent), "signal": .string("SIG\(signal.rawValue)"), "wait": .bool(wait),
    ]
    // A grace time may be as long as five minutes.
    try shared.ask("killAgent", params, timeout: wait ? nil : .seconds(60)) { agent, _ in [AgentText.sentence(agent)] }
  }
}

struct Restart: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends and starts an agent; releases it from quarantine.")
  @OptionGroup var target: AgentTarget

  func run() throws { try target.ask("agent.restart", timeout: nil) { [AgentText.sentence($0)] } }
}

struct Wake: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Delivers an event to one agent, and starts it if needed.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The agent.")
  var agent: String

  @Argument(
    help: ArgumentHelp(
      "The event's name, by default agent:wake, and its payload, as for 'openstarry emit'.",
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
    abstract: "Registers or replaces an agent; survives restarts of the daemon.",
    discussion: """
      A running agent ends within its grace time and is started again; a quarantined agent leaves quarantine. The \
      command sends the manifest and a module of up to \(Handover.limit >> 10) KiB, and the daemon stores them in its \
      home.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp("The agent's folder, or its manifest.", valueName: "folder"),
    completion: .file(extensions: ["json", "yaml", "yml"]))
  var file: String

  func run() throws {
    let file = Files.isFolder(file) ? try AgentFolder.manifestFile(file) : file
    let text = try CommandFile.read(file)
    let params = try Handover.params(file, text)
    do {
      // A running agent may take five minutes to end.
      try shared.ask("registry.register", params, timeout: nil) { agent, _ in
        ["\(AgentText.sentence(agent)), registered"]
      }
    } catch let refusal as Failure where refusal.status == .failed {
      // The daemon received parsed values: read the text here to find the places of errors.
      do throws(Diagnostics) {
        _ = try ConfigText.manifest(text, file: file, environment: Environment.current(), isolations: Isolations.known)
      } catch {
        throw Failure(.failed, "\(file.printable) was not registered", details: error.all.map(\.description))
      }
      throw refusal
    }
  }
}

struct Deploy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Builds an agent, replaces the running version, and rolls back if the new one fails.",
    discussion: """
      The module is built if it is missing or older than a source. The previous version ends within its grace time, \
      and the new one is started. If it fails to start, or fails or is killed within the time in --trial, or an \
      emergency stop comes, the previous version is restored, and the exit code is 1.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(
    help: ArgumentHelp("The agent's folder, or its manifest.", valueName: "folder"),
    completion: .file(extensions: ["json", "yaml", "yml"]))
  var folder = "."

  @Option(
    help: ArgumentHelp("How long the new version must run without a failure.", valueName: "time"),
    transform: SpanArgument.read)
  var trial = Duration.seconds(5)

  @Flag(help: "Deploys the module without building it.")
  var noBuild = false

  func validate() throws {
    guard (.milliseconds(1)...(.seconds(600))).contains(trial) else {
      throw ValidationError("--trial is \(trial.text); it must be from 1ms to 10m")
    }
  }

  func run() throws {
    let environment = Environment.current()
    let agent = try AgentFolder(folder, environment: environment)
    for warning in agent.warnings { Terminal.complain("\(warning.description.printable)") }
    if agent.isBuilt, !noBuild, agent.isStale {
      try AgentBuild.run(agent, isQuiet: shared.json, environment: environment)
    }
    var params = try Handover.params(agent.file, agent.text)
    params["trial_ms"] = .int(max(1, trial.nanoseconds / 1_000_000))
    try shared.ask("registry.register", params, timeout: nil) { status, _ in
      ["\(AgentText.sentence(status)), version \(agent.manifest.version.printable) deployed"]
    }
  }
}

struct Unregister: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Removes an agent that is not running from the registry.")
  @OptionGroup var target: AgentTarget

  func run() throws {
    try target.ask("registry.unregister") { ["\(target.agent.printable) unregistered"] + RegistryText.waiting($0) }
  }
}
