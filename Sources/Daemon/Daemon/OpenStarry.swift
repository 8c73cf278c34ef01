import AgentWASM
import CLinux
import EventLoop
import Footprint
import Journal
import Linux
import Model
import OpenStarryAgent

/// The daemon as a program: what `openstarryd`, and every firmware build with agents of its own, runs.
public enum OpenStarry {
  /// Runs the daemon with `agents` linked in until it is told to end, then exits the process.
  ///
  /// Exit codes are those of sysexits.h: 0 after a clean end, 64 for an invalid command line, 69 when a device or socket
  /// is unavailable, 74 when an output is not safe, 75 when another daemon is running, 78 for an invalid configuration.
  /// - Parameter agents: the types that manifests with the `in-process` driver may name.
  public static func run(agents: [AgentType]) -> Never {
    // The daemon compiles modules in a second process of this program.
    if let code = ModuleCompiler.runIfAsked(CommandLine.arguments) { exit(code) }
    // Files of the daemon are readable by its user and group at most, whatever umask it inherits.
    System.restrictNewFiles(0o027)
    Footprint.prepare()
    let environment = Environment.current()
    let journal = Journal(environment: environment)
    let arguments: Arguments
    do { arguments = try Arguments(Array(CommandLine.arguments.dropFirst())) } catch {
      journal.log(.error, "\(error)\n\(Arguments.help)")
      exit(64)
    }
    if arguments.showsHelp { finish(Arguments.help) }
    if arguments.showsVersion { finish("openstarryd \(Release.version)") }
    do {
      if arguments.makesSafe {
        try MakeSafe.run(arguments, environment: environment, journal: journal)
        exit(0)
      }
      let daemon = try Daemon(arguments, environment: environment, agents: agents, journal: journal)
      daemon.vitals.noteCrashes()
      try daemon.run()
      exit(0)
    } catch {
      journal.log(.error, error.message)
      exit(error.code)
    }
  }

  private static func finish(_ text: String) -> Never {
    try? System.writeAll(1, Array("\(text)\n".utf8))
    exit(0)
  }
}

/// Why the daemon could not start, or did not end with safe outputs, and its exit code.
struct StartFailure: Error {
  var code: Int32
  var message: String

  static func configuration(_ message: String) -> StartFailure { StartFailure(code: 78, message: message) }
  static func invalid(_ errors: Diagnostics) -> StartFailure {
    .configuration("\(errors)\nthe daemon was not started: correct the file, then check it with 'openstarry check'")
  }
  static func unavailable(_ message: String) -> StartFailure { StartFailure(code: 69, message: message) }
  static func notSafe(_ outputs: [DeviceID]) -> StartFailure {
    StartFailure(code: 74, message: "NOT SAFE: \(outputs.map(\.rawValue).joined(separator: ", "))")
  }
  static func alreadyRunning(_ message: String) -> StartFailure { StartFailure(code: 75, message: message) }
}
