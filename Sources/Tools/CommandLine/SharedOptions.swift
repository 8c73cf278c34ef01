import ArgumentParser
import Linux
import Model

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Flag(help: "Print what the daemon answered as JSON, for programs.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The daemon's socket. By default $OPENSTARRY_SOCKET, else the first at which a daemon of root, of the system's "
        + "service or of your own answers: ./.openstarry/control.sock, /run/openstarry/control.sock, "
        + "$XDG_RUNTIME_DIR/openstarry/control.sock, ~/.openstarry/sockets/control.sock.", valueName: "path"),
    completion: .file())
  var socket: String?

  /// A connection to the daemon.
  /// - Parameter timeout: how long one answer may take; nil waits for ever.
  func connect(timeout: Duration? = .seconds(60)) throws(Failure) -> Remote {
    try DaemonSearch(SocketPath(given: socket), onlyFirst: true, timeout: timeout).first()
  }

  /// Connections to every daemon that may be meant.
  /// - Parameter timeout: how long connecting may take.
  func everyDaemon(timeout: Duration) -> DaemonSearch {
    DaemonSearch(SocketPath(given: socket), onlyFirst: false, timeout: timeout)
  }

  /// Prints a result: as one line of JSON when that was asked for, else as `lines` has it.
  func show(_ result: Value, _ lines: (Value, Terminal) -> [String]) throws {
    let terminal = Terminal()
    if json {
      try terminal.json(result)
    } else {
      try terminal.lines(lines(result, terminal))
    }
  }

  /// Has the daemon move hardware, and prints the answer and which board that was.
  @discardableResult
  func move(_ method: String, _ params: Fields = [:], _ lines: (Value, Terminal) -> [String]) throws -> Value {
    let result = try connect().move(method, params)
    try show(result) { lines($0, $1) + [BoardText.line($0)] }
    return result
  }

  /// Asks the daemon one thing and prints the answer.
  /// - Parameter timeout: how long the answer may take; nil waits for ever.
  func ask(
    _ method: String, _ params: Fields = [:], timeout: Duration? = .seconds(60),
    _ lines: (Value, Terminal) -> [String]
  ) throws {
    try show(try connect(timeout: timeout).call(method, params), lines)
  }
}

/// What is known of a time zone: the same for every line of one run.
let localOffset: @Sendable (UInt64) -> Int = { LocalTime.utcOffset(at: $0) }
