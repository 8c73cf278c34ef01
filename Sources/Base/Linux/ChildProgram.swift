import CLinux
import Glibc

/// Runs this program as a child process.
package enum ChildProgram {
  /// Runs this program (`/proc/self/exe`) with other arguments and the same standard streams, and waits for its end.
  /// Meanwhile SIGINT and SIGQUIT, which a terminal sends to both processes, end only the child.
  /// - Parameter arguments: the arguments without the program's name.
  /// - Returns: the exit code; 128 plus the signal's number when a signal ended it, as in shells.
  /// - Throws: when the child cannot be started.
  package static func runSelf(_ arguments: [String]) throws(SystemError) -> Int32 {
    var interrupted = [signal(SIGINT, SIG_IGN), signal(SIGQUIT, SIG_IGN)]
    defer {
      signal(SIGQUIT, interrupted.removeLast())
      signal(SIGINT, interrupted.removeLast())
    }
    let name = CommandLine.arguments.first ?? "openstarry"
    let child = try Spawn.start(
      "/proc/self/exe", [name] + arguments, defaultSignals: [SIGINT, SIGQUIT, SIGPIPE])
    return try Spawn.wait(for: child)
  }
}
