import Config
import Model

/// The command line of `openstarryd`.
struct Arguments: Equatable {
  var config: String?
  var board: String?
  var home: String?
  var socket: String?
  /// The daemon ends by itself after this time.
  var runFor: Duration?
  /// Whether to print events instead of log lines.
  var story = false
  /// Whether to start with only the control plane and safe outputs.
  var safeMode = false
  /// Whether to make every output safe and exit.
  var makesSafe = false
  /// Whether to simulate every device of the board.
  var simulates = false
  var showsHelp = false
  var showsVersion = false

  static let help = """
    usage: openstarryd [--config FILE] [--board FILE] [--home FOLDER] [--socket PATH] [--for TIME] [--story] [--safe-mode]
           openstarryd --simulate [--config FILE] [--board FILE] [--home FOLDER] [--socket PATH] …

    Owns the board's hardware, runs agents, answers `openstarry` on a local socket.

      --config FILE   the daemon's settings (default: /etc/openstarry/openstarry.yaml)
      --board FILE    another board than the settings name
      --home FOLDER   where the registry is kept
      --socket PATH   the control socket
      --for TIME      end cleanly after this time, e.g. 10s
      --story         print each event to the terminal
      --safe-mode     no agents and no rules, outputs safe; 'openstarry daemon leave-safe-mode' starts them
      --simulate      simulate every device of the board, to try files on any machine: without settings it uses
                      openstarry.yaml of this folder, and unless given --home is .openstarry/simulated and --socket
                      .openstarry/control.sock
      --make-safe     make every output of the board safe, except those of a running daemon or guardian, and exit
      --version, --help
    """

  /// Parses the words after the program's name.
  /// - Throws: a sentence about the first invalid word.
  init(_ words: [String]) throws(ArgumentError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1)
      let name = parts.first.map(String.init) ?? ""
      func value() throws(ArgumentError) -> String {
        if parts.count == 2 { return String(parts[1]) }
        guard let next = rest.popFirst() else { throw ArgumentError("\(name) needs a value") }
        return next
      }
      switch name {
      case "--config": config = try value()
      case "--board": board = try value()
      case "--home": home = try value()
      case "--socket": socket = try value()
      case "--for":
        let text = try value()
        guard let duration = Quantity.duration(text) else {
          throw ArgumentError("--for \(text): expected a time such as 10s or 5m")
        }
        runFor = duration
      case "--story": story = true
      case "--safe-mode": safeMode = true
      case "--make-safe": makesSafe = true
      case "--simulate": simulates = true
      case "--help", "-h": showsHelp = true
      case "--version": showsVersion = true
      default:
        let known = [
          "--config", "--board", "--home", "--socket", "--for", "--story", "--safe-mode", "--simulate",
          "--make-safe", "--version", "--help",
        ]
        throw ArgumentError("unknown option '\(word)'\(Suggestion.phrase(for: name, in: known))")
      }
    }
    if simulates, makesSafe {
      throw ArgumentError("--make-safe drives the outputs of a real board, and --simulate has none: leave one out")
    }
  }
}

/// An invalid word on the command line.
struct ArgumentError: Error, Equatable, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
