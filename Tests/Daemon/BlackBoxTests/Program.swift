import CLinux
import Glibc
import Linux
import Model

/// A process started by a test, with its output in files. It is ended with the test in any case.
final class Program {
  let pid: pid_t
  private let name: String
  private let folder: String
  private var ended: Int32?

  /// Starts a program.
  /// - Parameters:
  ///   - path: the program, looked up in PATH when it has no slash.
  ///   - environment: the whole environment.
  ///   - folder: its working directory, which also gets its output, under `name`.
  init(
    _ path: String, _ arguments: [String], environment: [String: String], folder: String, name: String
  ) throws {
    (self.folder, self.name) = (folder, name)
    // Pass only three descriptors: tests that run at the same time have files and sockets open.
    for number in try Files.names(in: "/proc/self/fd").compactMap({ Int32($0) }) where number > 2 {
      _ = openstarry_fcntl(number, F_SETFD, FD_CLOEXEC)
    }
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    // SAFETY: both are initialised here and destroyed below. The C library copies each text, or the text outlives the
    // call.
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "\(folder)/\(name).out", flags, 0o600)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, "\(folder)/\(name).err", flags, 0o600)
    // The test process may block or ignore signals; its children start as from a shell.
    var (none, all) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&none)
    unsafe sigfillset(&all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var words = unsafe (["env", "-C", folder, path] + arguments).map { unsafe strdup($0) } + [nil]
    var variables = unsafe environment.sorted { $0.key < $1.key }.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var child: pid_t = 0
    let result = unsafe posix_spawnp(&child, "env", &actions, &attributes, &words, &variables)
    guard result == 0 else { throw SystemError("start", path, errno: result) }
    pid = child
  }

  deinit {
    guard exitCode == nil else { return }
    // Cleanly if possible: a killed daemon leaves its guardian behind.
    kill(pid, SIGTERM)
    var status: Int32 = 0
    // SAFETY: waitpid fills in the local.
    if eventually(within: .seconds(3), { unsafe waitpid(pid, &status, WNOHANG) != 0 }) { return }
    kill(pid, SIGKILL)
    _ = unsafe waitpid(pid, &status, 0)
  }

  /// Its output so far.
  var output: String { text("out") }
  var errors: String { text("err") }

  /// Its exit code, or 128 plus the number of the signal that ended it; nil while it runs.
  var exitCode: Int32? {
    if let ended { return ended }
    var status: Int32 = 0
    guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
    ended = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    return ended
  }

  /// Waits for its end.
  /// - Returns: its exit code; nil when it still runs at the deadline.
  func wait(within limit: Duration = .seconds(30)) -> Int32? {
    _ = eventually(within: limit) { exitCode != nil }
    return exitCode
  }

  func send(_ signal: Int32) { if exitCode == nil { kill(pid, signal) } }

  /// The value of a line of `/proc/PID/<file>`, e.g. `Threads` of `status`.
  func figure(_ file: String, _ name: String) -> Int? {
    let bytes = (try? Files.read("/proc/\(pid)/\(file)")) ?? []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("\(name):") {
      return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }
    }
    return nil
  }

  /// How many descriptors it has open.
  var descriptors: Int? { (try? Files.names(in: "/proc/\(pid)/fd"))?.count }

  private func text(_ stream: String) -> String {
    String(decoding: (try? Files.read("\(folder)/\(name).\(stream)")) ?? [], as: UTF8.self)
  }
}

/// Polls until `condition` holds.
/// - Parameter pause: the time between two polls; longer when a poll starts a program.
/// - Returns: whether it held before the deadline.
func eventually(
  within limit: Duration = .seconds(30), pause: Duration = .milliseconds(10), _ condition: () throws -> Bool
) rethrows -> Bool {
  let deadline = System.monotonicNanoseconds() + UInt64(limit.nanoseconds)
  while true {
    if try condition() { return true }
    if System.monotonicNanoseconds() >= deadline { return false }
    Pause.wait(nanoseconds: UInt64(pause.nanoseconds))
  }
}
