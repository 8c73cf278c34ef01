import AgentTrial
import ArgumentParser
import Config
import Document
import Linux
import Model

struct AgentRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Tries an agent on a simulated board, and shows its actions and costs.",
    discussion: """
      The agent runs under its real driver, permissions and limits. The board's time is simulated: it stands still \
      while the agent runs, and advances by --every, a second by default, between two events. The board has the \
      devices that the manifest names, or those of --board. The exit code is 0 only if every activation succeeded.

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
      "--event TYPE delivers an event to the agent; --with key=value adds a field to the preceding event. Both may be "
        + "repeated. An event of a sensor or input also sets the device.", valueName: "type|key=value"))
  var events: [String] = []

  @Option(
    name: .customLong("events"),
    help: ArgumentHelp(
      "More events, one a line, as 'TYPE key=value…' or as JSON {\"type\", \"payload\"}; '-' is standard input.",
      valueName: "file"), completion: .file())
  var eventsFile: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Sets a sensor's value, or an input: on, off.", valueName: "id=value"))
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      "A board file; its devices are simulated, with their limits. By default the board has what the manifest names.",
      valueName: "file"), completion: .file(extensions: ["yaml", "yml", "json"]))
  var board: String?

  @Option(
    help: ArgumentHelp("The simulated time between two events; by default 1s.", valueName: "time"),
    transform: SpanArgument.read)
  var every: Duration = .seconds(1)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp(
      "The simulated time after the events, in which the board publishes the events that the manifest subscribes to.",
      valueName: "time"), transform: SpanArgument.read)
  var length: Duration?

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp("Repeats the events, and shows the costs of activations: p50, p99, max.", valueName: "count")
  )
  var rounds: Int?

  @Option(help: ArgumentHelp("Keeps the agent's durable state in this file.", valueName: "file"), completion: .file())
  var state: String?

  @Flag(
    name: .customLong("no-build"),
    help: "Does not build the module; otherwise it is built if it is missing or older than a source.")
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
        "\(agent.module) does not exist"
          + (agent.sources.isEmpty
            ? ", and there are no sources to build it from" : ": 'openstarry agent build' makes it"))
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
    return Failure(.usage, "no event for '\(manifest.id)': try --event \(type)\(field), or --for 10s")
  }

  /// The cache of compiled modules (XDG Base Directory Specification).
  private static func modules(_ environment: [String: String]) -> String {
    let variables = environment.filter { !$0.value.isEmpty }
    let cache = variables["XDG_CACHE_HOME"] ?? variables["HOME"].map { "\($0)/.cache" } ?? "/tmp"
    return "\(cache)/openstarry/modules"
  }
}
