import AgentTrial
import ArgumentParser
import Config
import Document
import Linux
import Model

struct AgentRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tries an agent on a simulated board, and says what it did and what it cost.",
    discussion: """
      The agent runs under its real driver, permissions and limits. Time on the board is simulated: it stands still while \
      the agent runs, and a second passes between two events unless --every says otherwise. The board has what the manifest \
      names, or what --board describes. The exit code is 0 only when every activation succeeded.

        openstarry agent run --event sensor:temperature --with value=31
        openstarry agent run --set temperature=31 --event timer:minute --for 2m
        openstarry events --follow --json | openstarry agent run --events -
      """)

  @OptionGroup var shared: SharedOptions

  @Argument(help: ArgumentHelp("The agent's folder.", valueName: "folder"), completion: .directory)
  var folder = "."

  @Option(
    name: [.customLong("event"), .customLong("with")],
    help: ArgumentHelp(
      "--event TYPE hands an event to the agent; --with key=value adds to the event before it. Both may be repeated. "
        + "An event of a sensor or input also sets the device.", valueName: "type|key=value"))
  var events: [String] = []

  @Option(
    name: .customLong("events"),
    help: ArgumentHelp(
      "More events, one a line, as 'TYPE key=value…' or as JSON {\"type\", \"payload\"}; '-' is standard input.",
      valueName: "file"), completion: .file())
  var eventsFile: String?

  @Option(
    name: .customLong("set"), help: ArgumentHelp("What a sensor says, or an input: on, off.", valueName: "id=value"))
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      "A board file; each of its devices is simulated, with its limits. By default what the manifest names.",
      valueName: "file"), completion: .file(extensions: ["yaml", "yml", "json"]))
  var board: String?

  @Option(
    help: ArgumentHelp("Simulated time between two events; by default 1s.", valueName: "time"),
    transform: SpanArgument.read)
  var every: Duration = .seconds(1)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "After the events, so much simulated time in which the board itself wakes the agent as the manifest subscribes.",
      valueName: "time"), transform: SpanArgument.read)
  var length: Duration?

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp("Repeat the events so often, and show what activations cost: p50, p99, max.", valueName: "count")
  )
  var rounds: Int?

  @Option(help: ArgumentHelp("Keep the agent's durable state in this file.", valueName: "file"), completion: .file())
  var state: String?

  @Flag(
    name: .customLong("no-build"),
    help: "Take the module as it is; otherwise it is built first when it is missing or older than a source.")
  var takesModule = false

  func validate() throws { try Bounds.check(rounds, 1...1_000_000, "--repeat") }

  func run() throws {
    let given = try EventArguments.events(events)
    var values: [(device: DeviceID, value: Double)] = []
    for setting in settings { values.append(try EventArguments.setting(setting)) }
    let environment = Environment.current()
    let described = try board.map { file in try Self.readBoard(file) }
    let agent = try AgentFolder(folder, board: described, environment: environment)
    for warning in agent.warnings { Terminal.complain(warning.description.printable) }
    let manifest = agent.manifest
    if given.isEmpty && eventsFile == nil && length == nil { throw Self.nothingToDo(manifest) }
    if agent.isBuilt { try prepare(agent, environment) }

    let board =
      described.map(TrialBoard.simulated)
      ?? TrialBoard.madeUp(for: manifest, events: given.map(\.type), named: values.map(\.device))
    let kept = try state.map { path throws(Failure) in try StateFile.read(path) } ?? [:]
    let session = AgentSession(json: shared.json, isMadeUp: described == nil)
    try session.open(manifest, board, state: kept, modules: Self.modules(environment))
    for value in values { try session.set(value.device, value.value) }
    let outcome = Result { () throws(Failure) in
      try session.play(
        try EventSource(given, path: eventsFile), rounds: rounds ?? 1, every: every, then: length, manifest)
    }
    let report = session.close()
    if let state, report.state != kept || !Files.exists(state) { try StateFile.write(state, report.state) }
    try session.show(report, showsCosts: rounds != nil)
    try outcome.get()
    if let failure = report.failures.first?.failure {
      throw Failure(
        .failed,
        "\(report.failures.count) of \(report.activations.count) activation(s) did not succeed, the first ended with \(failure)"
      )
    }
  }

  private func prepare(_ agent: AgentFolder, _ environment: [String: String]) throws {
    if !takesModule, agent.isStale {
      try AgentBuild.run(agent, isQuiet: true, environment: environment)
    } else if !Files.isFile(agent.module) {
      throw Failure(
        .notFound,
        "\(agent.module) is not there"
          + (agent.sources.isEmpty
            ? ", and neither are sources to build it from" : ": 'openstarry agent build' makes it"))
    }
  }

  private static func readBoard(_ file: String) throws(Failure) -> Board {
    let bytes = try CommandFile.read(file)
    do throws(Diagnostics) {
      return try ConfigText.board(bytes, file: file).0
    } catch {
      throw Failure(.failed, "\(file) cannot be used", details: error.all.map(\.description))
    }
  }

  private static func nothingToDo(_ manifest: Manifest) -> Failure {
    let type = manifest.subscribe.first(where: \.isExact)?.text ?? SensorEvents.name(of: "temperature")
    let field = SensorEvents.isName(type) ? " --with value=31" : ""
    return Failure(.usage, "no event to hand to '\(manifest.id)': try --event \(type)\(field), or --for 10s")
  }

  /// Where compiled modules are kept (XDG Base Directory Specification).
  private static func modules(_ environment: [String: String]) -> String {
    let variables = environment.filter { !$0.value.isEmpty }
    let cache = variables["XDG_CACHE_HOME"] ?? variables["HOME"].map { "\($0)/.cache" } ?? "/tmp"
    return "\(cache)/openstarry/modules"
  }
}
