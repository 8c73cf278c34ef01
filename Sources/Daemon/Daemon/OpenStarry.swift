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
  /// Runs the daemon with `agents` linked in until it is told to end, then ends the process.
  ///
  /// Exit codes are those of sysexits.h: 0 after a clean end, 64 wrong words on the command line, 69 a device or
  /// socket is not to be had, 74 an output has refused to be safe, 75 another daemon is running, 78 a configuration that
  /// cannot be used.
  /// - Parameter agents: the types that manifests with the `in-process` driver may name.
  public static func run(agents: [AgentType]) -> Never {
    // A compiler of modules is this program again, in a process of its own.
    if let code = ModuleCompiler.runIfAsked(CommandLine.arguments) { exit(code) }
    // What the daemon makes is for its user, and at most its group, to read, whatever it was started with.
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
      let zone = try Zone(arguments, environment: environment, agents: agents, journal: journal)
      zone.vitals.noteCrashes()
      try zone.run()
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

/// Why the daemon could not start, or has not ended well, and the exit code that says so.
struct StartFailure: Error {
  var code: Int32
  var message: String

  static func configuration(_ message: String) -> StartFailure { StartFailure(code: 78, message: message) }
  static func unavailable(_ message: String) -> StartFailure { StartFailure(code: 69, message: message) }
  static func notSafe(_ outputs: [DeviceID]) -> StartFailure {
    StartFailure(code: 74, message: "NOT SAFE: \(outputs.map(\.rawValue).joined(separator: ", "))")
  }
  static func alreadyRunning(_ message: String) -> StartFailure { StartFailure(code: 75, message: message) }
}
