import CLinux
import Glibc
import Linux
import Model
import Testing

import enum EventLoop.ExitStatus

@testable import EventLoop

/// Serialised, as signals and children are global to the process.
@Suite(.serialized) struct ProcessTests {
  private func spawn(_ program: String, _ arguments: [String] = []) throws -> pid_t {
    var pid: pid_t = 0
    var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    // SAFETY: a null-terminated list of C strings that live until the call has returned.
    let result = unsafe posix_spawn(&pid, program, nil, nil, &words, environ)
    guard result == 0 else { throw SystemError("posix_spawn", program, errno: result) }
    return pid
  }

  @Test func childrenAreReapedAndReportTheirExitStatus() throws {
    let loop = try EventLoop()
    var ends: [pid_t: ExitStatus] = [:]
    let yes = try spawn("/bin/true")
    let no = try spawn("/bin/false")
    let killed = try spawn("/bin/sleep", ["600"])
    for pid in [yes, no, killed] { try loop.onExit(of: pid) { ends[pid] = $0 } }
    // SIGKILL cannot be ignored; children inherit the signals that the test runner ignores.
    _ = kill(killed, SIGKILL)
    #expect(loop.turn { ends.count == 3 })
    #expect(ends == [yes: .exited(0), no: .exited(1), killed: .signalled(SIGKILL)])
    var status: Int32 = 0
    let again = unsafe waitpid(yes, &status, WNOHANG)
    #expect(again == -1)
  }

  @Test func aChildThatEndedBeforeTheWatchIsReported() throws {
    let loop = try EventLoop()
    let pid = try spawn("/bin/true")
    var information = unsafe siginfo_t()
    // Wait for its end without reaping it.
    let ended = unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT)
    #expect(ended == 0)
    var end: ExitStatus?
    try loop.onExit(of: pid) { end = $0 }
    #expect(loop.turn { end != nil })
    #expect(end == .exited(0))
    #expect(throws: SystemError.self) { try loop.onExit(of: pid) { _ in } }
  }

  @Test func aChildReapedElsewhereEndsTheWatch() throws {
    let loop = try EventLoop()
    let pid = try spawn("/bin/sleep", ["600"])
    var ends = 0
    try loop.onExit(of: pid) {
      ends += 1
      #expect($0 == .exited(-1))
    }
    _ = kill(pid, SIGKILL)
    var status: Int32 = 0
    let reaped = unsafe waitpid(pid, &status, 0)
    #expect(reaped == pid)
    #expect(loop.turn { ends > 0 })
    loop.turn(wait: false)
    #expect(ends == 1)
  }

  @Test func signalsAreEvents() throws {
    let loop = try EventLoop()
    var seen: [Int32] = []
    try loop.onSignal(SIGUSR1) { seen.append(SIGUSR1) }
    try loop.onSignal(SIGUSR2) { seen.append(-1) }
    try loop.onSignal(SIGUSR2) { seen.append(SIGUSR2) }
    // Sent to this thread, as the test runner's other threads may not block them.
    pthread_kill(pthread_self(), SIGUSR1)
    pthread_kill(pthread_self(), SIGUSR2)
    #expect(loop.turn { seen.count == 2 })
    #expect(seen.sorted() == [SIGUSR1, SIGUSR2].sorted())
  }
}
