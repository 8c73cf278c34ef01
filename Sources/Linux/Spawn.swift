import CLinux
import Glibc

/// Starts programs without running any code of ours between fork and exec (posix_spawn(3)).
public enum Spawn {
  /// Starts a program with this process's standard descriptors and those that are named; all others are closed on exec.
  /// - Parameters:
  ///   - words: its name, as it will see it, and its arguments.
  ///   - environment: `NAME=value` each; nil hands on our own.
  ///   - defaultSignals: signals that shall have their default effect in it, whatever this process does with them.
  ///   - descriptors: these become 3, 4 and so on in it. They stay the caller's.
  ///   - ownSession: gets it a session of its own, away from our terminal and its signals (setsid(2)).
  /// - Returns: the process id; the caller waits for it.
  /// - Throws: it cannot be started.
  public static func start(
    _ program: String, _ words: [String], environment: [String]? = nil, defaultSignals: [Int32] = [],
    descriptors: [Int32] = [], ownSession: Bool = false
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
    // POSIX_SPAWN_SETSID is 0x80 (glibc 2.26), hidden without _GNU_SOURCE.
    let flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | (ownSession ? 0x80 : 0)
    unsafe posix_spawnattr_setsigdefault(&attributes, &reset)
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    var actions = unsafe posix_spawn_file_actions_t()
    // SAFETY: as the attributes.
    guard unsafe posix_spawn_file_actions_init(&actions) == 0 else {
      throw SystemError("posix_spawn_file_actions_init", errno: ENOMEM)
    }
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    // Out of the way of the numbers they get.
    var moved: [Int32] = []
    defer { for number in moved { close(number) } }
    for (index, number) in descriptors.enumerated() {
      let copy = openstarry_fcntl(number, F_DUPFD_CLOEXEC, Int32(3 + descriptors.count))
      guard copy >= 0 else { throw SystemError("dup", program) }
      moved.append(copy)
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, copy, Int32(3 + index))
    }
    var child: pid_t = 0
    let result = unsafe withCStrings(words) { words in
      guard let environment else {
        return unsafe posix_spawn(&child, program, &actions, &attributes, words, environ)
      }
      return unsafe withCStrings(environment) { environment in
        unsafe posix_spawn(&child, program, &actions, &attributes, words, environment)
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
