import CLinux
import Glibc
import GuardianClient
import Linux
import Model

/// A running ward, from the outside.
package final class WardProcess {
  /// The ward's process id.
  package let pid: Int32
  /// The process id of the ward's guardian; 0 when it has none.
  package private(set) var guardian: Int32 = 0
  /// The outputs that it held when it was ready, each `DEVICE LEVEL HOLDER`.
  package private(set) var holds: [String] = []
  /// The events that it has published, each `TYPE SENTENCE`.
  package private(set) var events: [String] = []
  private let socket: String
  private let output: Descriptor
  private var pending: [UInt8] = []
  private var children: [Int32] = []
  private var hasEnded = false

  /// Starts a ward and waits until it is ready.
  /// - Parameters:
  ///   - program: the program, which passes the arguments after `words` to `Ward.run`.
  ///   - more: further arguments of the ward.
  package init(
    _ program: String, _ words: [String] = [], board: String, root: String = "", socket: String, guardian: String,
    _ more: [String] = []
  ) throws {
    self.socket = socket
    var ends: [Int32] = [-1, -1]
    // SAFETY: the kernel writes two descriptors.
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
    output = Descriptor(owning: ends[0])
    let theirs = Descriptor(owning: ends[1])
    pid = try Spawn.start(
      program, [program] + words + [board, root, socket, guardian] + more, defaultSignals: [SIGPIPE, SIGTERM],
      descriptors: [theirs.number])
    _ = consume theirs
    try wait { $0 == "ready" }
  }

  deinit {
    kill()
    for child in children { Glibc.kill(child, SIGKILL) }
  }

  /// Waits for a line that matches, and processes all lines up to it.
  package func wait(_ isRight: (String) -> Bool) throws {
    while true {
      while let end = pending.firstIndex(of: 0x0A) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeFirst(end + 1)
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        switch words.first {
        case "guardian": guardian = Int32(words[1]) ?? 0
        case "holds": holds.append(words[1])
        case "event": events.append(words[1])
        case "child": children.append(Int32(words[1]) ?? 0)
        default: break
        }
        if isRight(line) { return }
      }
      guard let count = try System.read(output.number, into: &pending), count > 0 else {
        throw SystemError("wait for", "a ward", errno: EPIPE)
      }
    }
  }

  /// Kills the ward and waits for its end.
  package func kill() {
    guard !hasEnded else { return }
    hasEnded = true
    Glibc.kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }

  /// Kills the ward and polls until everything is safe.
  /// - Returns: the time from the kill until then, in nanoseconds; nil after five seconds.
  package func kill(until isSafe: () throws -> Bool) rethrows -> UInt64? {
    hasEnded = true
    let begin = System.monotonicNanoseconds()
    Glibc.kill(pid, SIGKILL)
    defer { _ = try? Spawn.wait(for: pid) }
    while true {
      let isThere = try isSafe()
      let now = System.monotonicNanoseconds()
      if isThere { return now - begin }
      if now - begin > 5_000_000_000 { return nil }
    }
  }

  /// Ends the ward in good order.
  /// - Returns: its exit code.
  package func end() throws -> Int32 {
    askToEnd()
    return try waitForEnd()
  }

  /// Sends SIGTERM, which ends the ward in good order.
  package func askToEnd() { Glibc.kill(pid, SIGTERM) }

  /// Waits for the ward's end.
  /// - Returns: its exit code.
  package func waitForEnd() throws -> Int32 {
    hasEnded = true
    return try Spawn.wait(for: pid)
  }

  /// Makes all writes of the ward and its guardian to files fail (EFBIG, setrlimit(2)), or allows them again. Pipes and
  /// sockets are not affected.
  package func refuseWrites(_ isRefused: Bool, guardian isGuardian: Bool = true) throws {
    var processes = hasEnded ? [] : [pid]
    if isGuardian { processes.append(guardian) }
    for process in processes {
      let command = try Spawn.start(
        "/usr/bin/prlimit", ["prlimit", "--pid", "\(process)", "--fsize=\(isRefused ? "0" : "unlimited"):unlimited"])
      guard try Spawn.wait(for: command) == 0 else { throw SystemError("prlimit", "\(process)", errno: EPERM) }
    }
  }

  /// Suspends the ward (SIGSTOP), so that it does not answer, until `goOn`.
  package func stop() { Glibc.kill(pid, SIGSTOP) }

  /// Resumes the ward (SIGCONT).
  package func goOn() { Glibc.kill(pid, SIGCONT) }

  /// Ends the guardian of a killed ward: its outputs become safe and are released.
  package func relieve() { GuardianLink.relieve(beside: socket) }

  /// Kills the ward and asks its guardian for the time at which all outputs were handled. Sleeps meanwhile, so that the
  /// measurement takes no CPU time from the guardian.
  /// - Parameter isSafe: checks the outputs from the outside, before the guardian is ended.
  /// - Returns: the time from the kill to the last output, in nanoseconds; nil without a guardian, or when the outputs
  ///   are not safe within five seconds.
  package func timeOfKill(_ isSafe: () throws -> Bool) rethrows -> UInt64? {
    let begin = System.monotonicNanoseconds()
    kill()
    var isThere = false
    for _ in 0..<5000 where !isThere {
      isThere = try isSafe()
      if !isThere { Pause.wait(nanoseconds: 1_000_000) }
    }
    guard let settled = GuardianLink.relieve(beside: socket), isThere else { return nil }
    return settled.nanoseconds - min(begin, settled.nanoseconds)
  }
}
