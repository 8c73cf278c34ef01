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

  @Test func whatIsNoSocketIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    try Files.replace(path, with: Array("precious".utf8))
    #expect(throws: ControlError.notASocket(path)) { _ = try SocketClaim(path, mode: 0o600, group: nil) }
    #expect(try Files.read(path) == Array("precious".utf8))
  }

  @Test func placesThatCannotBeAreErrors() throws {
    let long = "/tmp/" + String(repeating: "x", count: 110)
    #expect(throws: ControlError.pathTooLong(long, longest: 107)) {
      _ = try SocketClaim(long, mode: 0o600, group: nil)
    }
    #expect(throws: ControlError.self) { _ = try SocketClaim("/proc/nowhere/s", mode: 0o600, group: nil) }
  }

  @Test func withoutDescriptorsTheServerRestsInsteadOfSpinning() throws {
    let loop = try EventLoop()
    let clock = ManualClock()
    let folder = try TemporaryFolder()
    let listener = try UnixSocket.listen("\(folder.path)/s", mode: 0o600)
    var failures = 0
    var accepted = 0
    let acceptor = Acceptor(
      listener.number, on: loop, time: clock,
      accept: { number throws(SystemError) in
        if failures < 3 {
          failures += 1
          throw SystemError("accept", errno: EMFILE)
        }
        return try UnixSocket.accept(number)
      }, onConnection: { _ in accepted += 1 })
    try acceptor.start()
    let client = try UnixSocket.connect("\(folder.path)/s")
    for _ in 0..<100 { loop.turn(wait: false) }
    #expect(failures == 1)
    clock.advance(by: .milliseconds(500))
    for _ in 0..<100 { loop.turn(wait: false) }
    #expect(failures == 2)
    acceptor.resume()
    for _ in 0..<100 { loop.turn(wait: false) }
    #expect(failures == 3 && accepted == 0)
    clock.advance(by: .milliseconds(500))
    for _ in 0..<100 { loop.turn(wait: false) }
    #expect(accepted == 1)
    #expect(acceptor.rests == 3)
    acceptor.stop()
    #expect(client.number >= 0)
  }
}
