import EventLoop
import Glibc
import Linux
import Model
import TestKit
import Testing
import Wire

@testable import Control

@Suite struct SocketClaimTests {
  private func mode(_ path: String) -> UInt32 {
    var status = stat()
    // SAFETY: the kernel fills in the structure.
    _ = unsafe path.withCString { unsafe lstat($0, &status) }
    return status.st_mode & 0o777
  }

  @Test func theSocketHasTheModeOfTheSettingsAndGoesWithTheServer() throws {
    let harness = try Harness { $0.socketMode = 0o620 }
    #expect(mode(harness.settings.socket) == 0o620)
    harness.server.stop()
    #expect(!(try Files.names(in: harness.folder.path)).contains("control.sock"))
  }

  @Test func aSecondDaemonIsRefusedWithThePidOfTheFirst() throws {
    let harness = try Harness()
    #expect(throws: ControlError.alreadyRunning(harness.settings.socket, pid: getpid())) {
      _ = try SocketClaim(harness.settings.socket, mode: 0o600, group: nil)
    }
    #expect(try harness.connect().call("agent.ping").get() == ["pong": true])
  }

  @Test func aDaemonWhoseLockWasRemovedIsStillFound() throws {
    let harness = try Harness()
    _ = unsafe "\(harness.settings.socket).lock".withCString { unsafe unlink($0) }
    #expect(throws: ControlError.alreadyRunning(harness.settings.socket, pid: getpid())) {
      _ = try SocketClaim(harness.settings.socket, mode: 0o600, group: nil)
    }
  }

  @Test func aDeadSocketIsReplaced() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    do { _ = try UnixSocket.listen(path, mode: 0o600) }
    #expect(throws: SystemError.self) { _ = try UnixSocket.connect(path) }
    let claim = try SocketClaim(path, mode: 0o600, group: nil)
    _ = try UnixSocket.connect(path)
    claim.remove()
    #expect(!(try Files.names(in: folder.path)).contains("control.sock"))
  }

  @Test func aFileThatIsNotASocketIsKept() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    try Files.replace(path, with: Array("precious".utf8))
    #expect(throws: ControlError.notASocket(path)) { _ = try SocketClaim(path, mode: 0o600, group: nil) }
    #expect(try Files.read(path) == Array("precious".utf8))
  }

  @Test func invalidPathsAreErrors() throws {
    let long = "/tmp/" + String(repeating: "x", count: 110)
    #expect(throws: ControlError.pathTooLong(long, longest: 107)) {
      _ = try SocketClaim(long, mode: 0o600, group: nil)
    }
    #expect(throws: ControlError.self) { _ = try SocketClaim("/proc/nowhere/s", mode: 0o600, group: nil) }
  }

  @Test func theReservedDescriptorAcceptsOneMoreConnection() throws {
    let loop = try EventLoop()
    let clock = ManualClock()
    let folder = try TemporaryFolder()
    let listener = try UnixSocket.listen("\(folder.path)/s", mode: 0o600)
    // Each failure is one that the kernel returns when the descriptor table is full.
    var failures = 0
    var left = 1
    var last: [Bool] = []
    let acceptor = Acceptor(
      listener.number, on: loop, time: clock,
      accept: { number throws(SystemError) in
        if left > 0 {
          left -= 1
          failures += 1
          throw SystemError("accept", errno: EMFILE)
        }
        return try UnixSocket.accept(number)
      }, onConnection: { _, isLast in last.append(isLast) })
    try acceptor.start()
    func turn() { for _ in 0..<100 { loop.turn(wait: false) } }
    let first = try UnixSocket.connect("\(folder.path)/s")
    turn()
    #expect(last == [true])
    // The reserved descriptor is used up: the acceptor pauses instead of spinning.
    left = 1
    let second = try UnixSocket.connect("\(folder.path)/s")
    turn()
    #expect(failures == 2 && last == [true] && acceptor.rests == 1)
    // A descriptor is free again: the acceptor accepts the next connection, and reserves a descriptor.
    acceptor.resume()
    turn()
    #expect(last == [true, false])
    left = 1
    let third = try UnixSocket.connect("\(folder.path)/s")
    turn()
    #expect(last == [true, false, true])
    // Without `resume` it retries after the pause.
    left = 2
    let fourth = try UnixSocket.connect("\(folder.path)/s")
    turn()
    #expect(last.count == 3 && acceptor.rests == 2)
    clock.advance(by: .milliseconds(500))
    turn()
    #expect(last.count == 4)
    acceptor.stop()
    #expect([first.number, second.number, third.number, fourth.number].allSatisfy { $0 >= 0 })
  }
}
