import CLinux
import Glibc

/// Runs this program again as a child, and waits for it.
public enum ChildProgram {
  /// Starts this very program (`/proc/self/exe`) with other arguments, on the same standard input, output and error,
  /// and waits until it has ended. SIGINT and SIGQUIT, which the terminal sends to both, end the child only.
  /// - Parameter arguments: without the program's name.
  /// - Returns: its exit code; 128 and the signal's number when a signal ended it, as shells say it.
  /// - Throws: the child cannot be started.
  public static func runSelf(_ arguments: [String]) throws(SystemError) -> Int32 {
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
