import CLinux
import Glibc

/// Starts programs without running any code of ours between fork and exec (posix_spawn(3)).
public enum Spawn {
  /// Starts a program with this process's standard descriptors; all others are closed on exec.
  /// - Parameters:
  ///   - words: its name, as it will see it, and its arguments.
  ///   - environment: `NAME=value` each; nil hands on our own.
  ///   - defaultSignals: signals that shall have their default effect in it, whatever this process does with them.
  /// - Returns: the process id; the caller waits for it.
  /// - Throws: it cannot be started.
  public static func start(
    _ program: String, _ words: [String], environment: [String]? = nil, defaultSignals: [Int32] = []
  ) throws(SystemError) -> Int32 {
    var attributes = posix_spawnattr_t()
    // SAFETY: initialised before its first use, destroyed after its last.
    guard unsafe posix_spawnattr_init(&attributes) == 0 else {
      throw SystemError("posix_spawnattr_init", errno: ENOMEM)
    }
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var reset = sigset_t()
    var blocked = sigset_t()
    // SAFETY: the sets are locals, copied during the calls. A new program begins with no signal blocked.
    unsafe sigemptyset(&reset)
    unsafe sigemptyset(&blocked)
    for number in defaultSignals { unsafe sigaddset(&reset, number) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &reset)
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
    var child: pid_t = 0
    let result = unsafe withCStrings(words) { words in
      guard let environment else {
        return unsafe posix_spawn(&child, program, nil, &attributes, words, environ)
      }
      return unsafe withCStrings(environment) { environment in
        unsafe posix_spawn(&child, program, nil, &attributes, words, environment)
      }
    }
    guard result == 0 else { throw SystemError("start", program, errno: result) }
    return child
  }

  /// Waits until a child has ended, and reaps it.
  /// - Returns: its exit code; 128 and the signal's number when a signal ended it, as shells say it.
  public static func wait(for child: Int32) throws(SystemError) -> Int32 {
    var status: Int32 = 0
    // SAFETY: writes the status into the local.
    guard System.retry({ unsafe waitpid(child, &status, 0) }) == child else { throw SystemError("waitpid") }
    let signal = openstarry_exit_signal(status)
    return signal != 0 ? 128 + signal : openstarry_exit_code(status)
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    // SAFETY: the vector ends with a null pointer; every copy is freed after the call.
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
  }
}
