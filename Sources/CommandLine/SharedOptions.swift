import ArgumentParser
import Document
import Linux
import Model

/// What every command takes.
struct SharedOptions: ParsableArguments {
  @Flag(help: "Print what the daemon answered as JSON, for programs.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "The daemon's socket. By default $OPENSTARRY_SOCKET, else the first that is there of "
        + "./.openstarry/control.sock, /run/openstarry/control.sock, $XDG_RUNTIME_DIR/openstarry/control.sock and "
        + "~/.openstarry/sockets/control.sock.", valueName: "path"),
    completion: .file())
  var socket: String?

  /// A connection to the daemon.
  /// - Parameter timeout: how long one answer may take; nil waits for ever.
  func connect(timeout: Duration? = .seconds(60)) throws(Failure) -> Remote {
    try Remote(socket: SocketPath.find(given: socket), timeout: timeout)
  }

  /// Prints a result: as one line of JSON when that was asked for, else as `lines` has it.
  func show(_ result: Value, _ lines: (Value, Terminal) -> [String]) throws {
    let terminal = Terminal()
    if json {
      try terminal.line(JSON.text(result))
    } else {
      try terminal.lines(lines(result, terminal))
    }
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
