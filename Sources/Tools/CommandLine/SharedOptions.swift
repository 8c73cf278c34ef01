import ArgumentParser
import Linux
import Model

/// The options of every command.
struct SharedOptions: ParsableArguments {
  @Flag(help: "Prints results as JSON, for programs.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The daemon's socket. By default $OPENSTARRY_SOCKET, or else the first of these at which a daemon of root, of "
        + "the system service or of yours answers: ./.openstarry/control.sock, /run/openstarry/control.sock, "
        + "$XDG_RUNTIME_DIR/openstarry/control.sock, ~/.openstarry/sockets/control.sock.", valueName: "path"),
    completion: .file())
  var socket: String?

  /// Connects to the daemon.
  /// - Parameter timeout: the time-out of each answer; nil for none.
  func connect(timeout: Duration? = .seconds(60)) throws(Failure) -> Remote {
    try DaemonSearch(SocketPath(given: socket), onlyFirst: true, timeout: timeout).first()
  }

  /// Connects to every daemon that may be meant.
  /// - Parameter timeout: the time-out of connecting.
  func everyDaemon(timeout: Duration) -> DaemonSearch {
    DaemonSearch(SocketPath(given: socket), onlyFirst: false, timeout: timeout)
  }

  /// Prints a result: with `--json` as one line of JSON, otherwise as `lines`.
  func show(_ result: Value, _ lines: (Value, Terminal) -> [String]) throws {
    let terminal = Terminal()
    if json {
      try terminal.json(result)
    } else {
      try terminal.lines(lines(result, terminal))
    }
  }

  /// Calls a method that moves hardware, and prints the result and the name of the board.
  @discardableResult
  func move(_ method: String, _ params: Fields = [:], _ lines: (Value, Terminal) -> [String]) throws -> Value {
    let result = try connect().move(method, params)
    try show(result) { lines($0, $1) + [BoardText.line($0)] }
    if let warning = result["warning"]?.string { throw Failure(.notKept, warning) }
    return result
  }

  /// Calls a method and prints the result.
  /// - Parameter timeout: the time-out of the answer; nil for none.
  func ask(
    _ method: String, _ params: Fields = [:], timeout: Duration? = .seconds(60),
    _ lines: (Value, Terminal) -> [String]
  ) throws {
    let result = try connect(timeout: timeout).call(method, params)
    try show(result, lines)
    if let warning = result["warning"]?.string { throw Failure(.notKept, warning) }
  }
}

/// The seconds that local time is ahead of UTC, for a time in milliseconds since 1970.
let localOffset: @Sendable (UInt64) -> Int = { LocalTime.utcOffset(at: $0) }
