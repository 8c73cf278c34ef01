import CLinux
import Glibc
import GuardianClient
import Linux
import Model

/// A ward as those see it who kill it.
public final class WardProcess {
  /// Its process, and its guardian's; the latter is 0 when it has none.
  public let pid: Int32
  public private(set) var guardian: Int32 = 0
  /// `DEVICE LEVEL HOLDER` of what it held when it was ready.
  public private(set) var holds: [String] = []
  /// What it has published, `TYPE SENTENCE`.
  public private(set) var events: [String] = []
  private let socket: String
  private let output: Descriptor
  private var pending: [UInt8] = []
  private var children: [Int32] = []
  private var hasEnded = false

  /// Starts one and waits until it is ready.
  /// - Parameters:
  ///   - program: runs `Ward.run` with what stands behind `words`.
  ///   - errors: where its standard error and that of its guardian go; nil for ours.
  public init(
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

  /// Waits until a line comes that fits, taking note of all before it.
  public func wait(_ isRight: (String) -> Bool) throws {
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

  /// Kills it, and waits for its end.
  public func kill() {
    guard !hasEnded else { return }
    hasEnded = true
    Glibc.kill(pid, SIGKILL)
    _ = try? Spawn.wait(for: pid)
  }

  /// Kills it, and looks again and again until everything is safe.
  /// - Returns: how long that took from the moment of the kill, in nanoseconds; nil when it is not within five seconds.
  public func kill(until isSafe: () throws -> Bool) rethrows -> UInt64? {
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

  /// Ends it in order.
  /// - Returns: its exit code.
  public func end() throws -> Int32 {
    askToEnd()
    return try waitForEnd()
  }

  /// Tells it to end in order.
  public func askToEnd() { Glibc.kill(pid, SIGTERM) }

  /// Waits until it has ended.
  /// - Returns: its exit code.
  public func waitForEnd() throws -> Int32 {
    hasEnded = true
    return try Spawn.wait(for: pid)
  }

  /// Has what it and its guardian write to files refused (EFBIG, setrlimit(2)), or allows it again. Pipes and sockets are
  /// none.
  public func refuseWrites(_ isRefused: Bool, guardian isGuardian: Bool = true) throws {
    var processes = hasEnded ? [] : [pid]
    if isGuardian { processes.append(guardian) }
    for process in processes {
      let command = try Spawn.start(
        "/usr/bin/prlimit", ["prlimit", "--pid", "\(process)", "--fsize=\(isRefused ? "0" : "unlimited"):unlimited"])
      guard try Spawn.wait(for: command) == 0 else { throw SystemError("prlimit", "\(process)", errno: EPERM) }
    }
  }

  /// Stops it where it is, so that it lives and does not answer; `goOn` ends that.
  public func stop() { Glibc.kill(pid, SIGSTOP) }

  /// Lets it go on.
  public func goOn() { Glibc.kill(pid, SIGCONT) }

  /// Ends the guardian that a killed ward has left: what it holds becomes safe and is let go of.
  public func relieve() { GuardianLink.relieve(beside: socket) }

  /// Kills it, and asks its guardian when it was done: whoever measures sleeps meanwhile, and takes nobody's processor.
  /// - Parameter isSafe: looked at from the outside, before the guardian is ended.
  /// - Returns: from the kill to the last output, in nanoseconds; nil when there was no guardian, or it is not safe within
  ///   five seconds.
  public func timeOfKill(_ isSafe: () throws -> Bool) rethrows -> UInt64? {
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
