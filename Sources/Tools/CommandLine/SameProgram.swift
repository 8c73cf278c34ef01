import Glibc
import Linux

/// This program, begun again in the same process.
enum SameProgram {
  /// Replaces this process by a new run of its program with other arguments (execve(2)). Environment, working folder,
  /// process id and standard streams stay, and nothing of what the program has read and computed so far.
  /// - Parameter arguments: the arguments without the program's name.
  /// - Throws: when that cannot be done; the process goes on then.
  static func begin(_ arguments: [String]) throws(SystemError) -> Never {
    let name = CommandLine.arguments.first ?? "openstarry"
    // SAFETY: the copies live until the process is replaced, or are freed below.
    var words = unsafe ([name] + arguments).map { unsafe strdup($0) } + [nil]
    unsafe execv("/proc/self/exe", &words)
    let error = SystemError("execve", "/proc/self/exe")
    unsafe words.forEach { unsafe free($0) }
    throw error
  }
}
