import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Launcher
#endif

/// The last step inside a sandbox: it confines itself with Landlock (landlock(7)) and becomes the agent's program. This
/// comes after bubblewrap, which could not mount any more afterwards.
///
///     openstarry-launcher --stage --tasks N --network PORT --run PATH … --read PATH … --use PATH … --own PATH …
///       -- PROGRAM ARGUMENTS …
///
/// `--tasks` limits processes and threads (RLIMIT_NPROC): the kernel counts them for each user namespace (Linux 5.14).
/// `--network` listens on this port of the sandbox's own loopback and passes the listening socket on through descriptor 5;
/// with Landlock of version 4 the agent may connect to no other port. `--run` is for files to read and execute, `--use` for
/// existing ones to read and write, `--own` for folders of the agent's own.
enum Stage {
  private struct Rule {
    var path: [UInt8]
    var rights: UInt64
  }

  /// The arguments without the program's name, from /proc/self/cmdline: Embedded Swift has no `CommandLine`.
  static func arguments() -> [[UInt8]] {
    guard let text = SmallFiles.read([UInt8]("/proc/self/cmdline")) else { return [] }
    return text.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast().map { [UInt8]($0) }
  }

  static func main(_ words: [[UInt8]]) -> Never {
    guard words[0] == [UInt8]("--stage") else { usage() }
    var rules: [Rule] = []
    var port: UInt16?
    var index = 1
    while index + 1 < words.count, words[index] != [UInt8]("--") {
      if words[index] == [UInt8]("--network"), let number = words[index + 1].numbers.first {
        port = UInt16(truncatingIfNeeded: number)
        index += 2
        continue
      }
      if words[index] == [UInt8]("--tasks"), let count = words[index + 1].numbers.first {
        limitTasks(count)
        index += 2
        continue
      }
      guard let rights = rights(words[index]) else { usage() }
      rules.append(Rule(path: words[index + 1], rights: rights))
      index += 2
    }
    guard index + 1 < words.count else { usage() }
    if let port { listen(port, door: 5) }
    // bubblewrap passes on every descriptor that it inherits. The agent has its standard streams and its socket.
    openstarry_close_from(4)
    confine(rules, port)
    let program = TextVector([[UInt8]](words[(index + 1)...]))
    // SAFETY: the vector and its texts live until the program replaces this one.
    unsafe execve(program.pointers[0]!, program.pointers, openstarry_environment())
    let error = openstarry_errno()
    fail("the agent's program cannot be executed", error, error == ENOENT ? 127 : 126)
  }

  private static func rights(_ option: [UInt8]) -> UInt64? {
    if option == [UInt8]("--run") { return UInt64(OPENSTARRY_LANDLOCK_RUN) }
    if option == [UInt8]("--read") { return UInt64(OPENSTARRY_LANDLOCK_READ) }
    if option == [UInt8]("--use") { return UInt64(OPENSTARRY_LANDLOCK_READ_WRITE) }
    if option == [UInt8]("--own") { return UInt64(OPENSTARRY_LANDLOCK_OWN) }
    return nil
  }

  private static func limitTasks(_ count: UInt64) {
    var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: rlim_t(count))
    // SAFETY: the kernel reads the structure.
    guard unsafe openstarry_limit_tasks(&limit) == 0 else {
      fail("the number of processes cannot be limited", openstarry_errno(), 71)
    }
  }

  /// Listens on the sandbox's own loopback, which bubblewrap has brought up, and passes the socket to the daemon. Its
  /// connections are the proxy's: the agent itself cannot accept them.
  /// - Parameter door: the socket to the daemon, which takes the listening one.
  static func listen(_ port: UInt16, door: Int32) {
    let listener = openstarry_listen_on_loopback(port, 64)
    guard listener >= 0 else { fail("the sandbox's loopback cannot be used", openstarry_errno(), 71) }
    // SAFETY: one byte of a local array.
    guard unsafe openstarry_send_descriptor(door, [1] as [UInt8], 1, listener) == 1 else {
      fail("the listening socket cannot be passed on", openstarry_errno(), 71)
    }
  }

  /// Without Landlock in the kernel the sandbox is what bubblewrap has made of it.
  private static func confine(_ rules: [Rule], _ port: UInt16?) {
    let abi = openstarry_landlock_abi()
    guard abi > 0 else {
      let error = openstarry_errno()
      if error == ENOSYS || error == EOPNOTSUPP { return }
      fail("Landlock's version cannot be found out", error, 71)
    }
    let ruleset = openstarry_landlock_create(abi)
    guard ruleset >= 0 else { fail("Landlock cannot be set up", openstarry_errno(), 71) }
    for rule in rules {
      // SAFETY: the path ends with a zero byte.
      let path = rule.path + [0]
      let result = unsafe path.withUnsafeBytes {
        unsafe openstarry_landlock_allow(
          ruleset, abi, $0.baseAddress!.assumingMemoryBound(to: CChar.self), rule.rights)
      }
      guard result == 0 else {
        fail("a rule of Landlock cannot be set", openstarry_errno(), 71)
      }
    }
    if let port, openstarry_landlock_allow_connect(ruleset, abi, port) != 0 {
      fail("a rule of Landlock cannot be set", openstarry_errno(), 71)
    }
    guard openstarry_landlock_restrict(ruleset) == 0 else { fail("Landlock does not apply", openstarry_errno(), 71) }
    close(ruleset)
  }

  static func usage() -> Never { fail("openstarryd starts this program; it does nothing on its own", 0, 64) }

  static func fail(_ text: StaticString, _ errno: Int32, _ code: Int32) -> Never {
    Companion.end("openstarry-launcher", text, errno, code)
  }
}
