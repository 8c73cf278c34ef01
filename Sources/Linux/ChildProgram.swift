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
    let child = try spawn([CommandLine.arguments.first ?? "openstarry"] + arguments)
    var status: Int32 = 0
    // SAFETY: writes the status into the local.
    guard System.retry({ unsafe waitpid(child, &status, 0) }) == child else { throw SystemError("waitpid") }
    let signal = openstarry_exit_signal(status)
    return signal != 0 ? 128 + signal : openstarry_exit_code(status)
  }

  private static func spawn(_ words: [String]) throws(SystemError) -> pid_t {
    var attributes = posix_spawnattr_t()
    // SAFETY: initialised before its first use, destroyed after its last.
    guard unsafe posix_spawnattr_init(&attributes) == 0 else {
      throw SystemError("posix_spawnattr_init", errno: ENOMEM)
    }
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var normal = sigset_t()
    // SAFETY: the sets are locals, copied during the calls.
    unsafe sigemptyset(&normal)
    for number in [SIGINT, SIGQUIT, SIGPIPE] { unsafe sigaddset(&normal, number) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &normal)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    // SAFETY: a list of C strings that ends with a null pointer, alive until the call returns; so is the environment.
    let result = unsafe posix_spawn(&child, "/proc/self/exe", nil, &attributes, &arguments, environ)
    guard result == 0 else { throw SystemError("start", "/proc/self/exe", errno: result) }
    return child
  }
}
