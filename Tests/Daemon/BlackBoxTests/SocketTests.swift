import Document
import Glibc
import Linux
import Model
import Testing

/// A raw connection without any of the client's rules.
final class RawConnection {
  private let descriptor: Descriptor

  init(_ path: String) throws {
    // The other side may close while this one writes.
    Interrupt.ignoreBrokenPipes()
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    descriptor = try Descriptor(checking: socket(AF_UNIX, type, 0), "socket", path)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // SAFETY: the station's paths are shorter than the field, which ends in a zero already.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    var error: Int32 = 0
    // EAGAIN: the queue of connections to be accepted is full (connect(2)).
    _ = eventually(within: .seconds(20)) {
      let result = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe connect(descriptor.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      error = result == 0 ? 0 : errno
      return error != EAGAIN
    }
    guard error == 0 else { throw SystemError("connect", path, errno: error) }
  }

  /// Sends until the other side takes no more, or the deadline.
  /// - Returns: the bytes sent; fewer than all when the other side stopped reading or closed.
  func send(_ bytes: [UInt8], within limit: Duration = .seconds(20)) -> Int {
    var rest = bytes[...]
    var hasClosed = false
    _ = eventually(within: limit) {
      do {
        let count = try System.write(descriptor.number, rest)
        rest = rest.dropFirst(count)
      } catch { hasClosed = true }
      return rest.isEmpty || hasClosed
    }
    return bytes.count - rest.count
  }

  /// What arrives until the other side closes or a line is complete; nil when neither happens before the deadline.
  func line(within limit: Duration = .seconds(20)) -> String? {
    var answer: [UInt8] = []
    var isOver = false
    _ = eventually(within: limit) {
      do {
        if let count = try System.read(descriptor.number, into: &answer), count == 0 { isOver = true }
      } catch { isOver = true }
      return isOver || answer.contains(UInt8(ascii: "\n"))
    }
    let isComplete = isOver || answer.contains(UInt8(ascii: "\n"))
    return isComplete ? String(decoding: answer, as: UTF8.self) : nil
  }
}

@Suite struct SocketTests {
  private func station() throws -> Station { try Station(files: ["board.yaml": quietBoard]) }

  @Test func aSecondDaemonLeavesTheFirstOneAlone() throws {
    let station = try station()
    let first = try station.daemon()
    #expect(try station.run("set", "lamp", "on").code == 0)
    let second = try station.failingDaemon()
    #expect(second.code == 75)
    #expect(second.errors.contains("\(first.pid)") && second.errors.contains("control.sock"), "\(second.errors)")
    #expect(second.errors.contains("openstarry daemon stop --socket"))
    #expect(try station.run("status").output.contains("pid \(first.pid)"))
    #expect(try station.events("device:changed").count == 1)
  }

  @Test func aSocketThatCannotBeMade() throws {
    let station = try station()
    let long = try station.failingDaemon(["--socket", "/tmp/\(String(repeating: "x", count: 120))"])
    #expect(long.code == 69 && long.errors.contains("at most"), "\(long.errors)")
    let taken = try station.failingDaemon(["--socket", "\(station.folder)/board.yaml"])
    #expect(taken.code == 69 && taken.errors.contains("not a socket"), "\(taken.errors)")
    #expect(try Files.read("\(station.folder)/board.yaml") == Array(quietBoard.utf8))
  }

  @Test func tenMegabytesWithoutANewline() throws {
    let station = try station()
    let daemon = try station.daemon()
    let before = try #require(daemon.figure("status", "VmRSS"))
    let connection = try RawConnection(station.socket)
    // At some point it stops reading, answers, and closes.
    let taken = connection.send([UInt8](repeating: UInt8(ascii: "x"), count: 10 << 20))
    #expect(taken < 10 << 20)
    #expect(connection.line() != nil)
    #expect(try station.run("status").code == 0)
    #expect(try #require(daemon.figure("status", "VmRSS")) - before < 16 << 10)
  }

  @Test func halfARequestNothingAndNonsense() throws {
    let station = try station()
    let daemon = try station.daemon()
    let half = try RawConnection(station.socket)
    _ = half.send(Array(#"{"jsonrpc":"2.0","id":1,"method":"daemon"#.utf8))
    let nothing = try RawConnection(station.socket)
    // Other clients do not wait for them.
    #expect(try station.run("status").code == 0)
    _ = half.send(Array(".status\"}\n".utf8))
    #expect(half.line()?.contains("\"pid\":\(daemon.pid)") == true)
    for nonsense in ["}{", "[]", "null", "\u{0}", "{\"id\":1}", String(repeating: "[", count: 100_000)] {
      let connection = try RawConnection(station.socket)
      _ = connection.send(Array("\(nonsense)\n".utf8))
      #expect(connection.line()?.contains("\"error\"") == true, "\(nonsense.prefix(20))")
    }
    _ = nothing.send([0xFF, 0xFE, 0x0A])
    #expect(nothing.line() != nil)
    #expect(try station.run("status").code == 0)
  }

  @Test func manyConnectionsAtOnce() throws {
    let station = try station()
    let daemon = try station.daemon()
    let before = try #require(daemon.descriptors)
    do {
      var connections: [RawConnection] = []
      // More than it serves; the ones beyond that get an error.
      for _ in 0..<100 { connections.append(try RawConnection(station.socket)) }
      let ping = Array("{\"id\":7,\"method\":\"agent.ping\"}\n".utf8)
      for connection in connections { _ = connection.send(ping, within: .seconds(2)) }
      let served = connections.count { $0.line()?.contains("pong") == true }
      #expect(served == 16)
      #expect(try #require(daemon.descriptors) < before + 32)
      // All places are taken, and an emergency stop is still accepted.
      let crowded = try station.run("status")
      #expect(crowded.code == 6 && crowded.errors.contains("connections"), "\(crowded)")
      #expect(try station.run("estop").output.hasPrefix("STOPPED"))
    }
    #expect(try eventually { try station.run("status").code == 0 })
    #expect(eventually { (daemon.descriptors ?? 99) <= before })
  }

  @Test func anEmergencyStopIsHeardWhenDescriptorsRunOut() throws {
    let station = try station()
    let words = try ["-c", "ulimit -n 40; exec \"$@\"", "sh", Station.executable("openstarryd")]
    let daemon = try station.start("sh", words + ["--config", "openstarry.yaml", "--for", "5m"])
    #expect(eventually { daemon.errors.contains("openstarryd: ready in ") }, "\(daemon.errors)")
    // The registry's thread closes its files some time after it has read the registry.
    #expect(eventually { daemon.figure("status", "Threads") == 1 })
    var connections: [RawConnection] = []
    for _ in 0..<40 { connections.append(try RawConnection(station.socket)) }
    let crowded = try station.run("status")
    #expect(crowded.code == 6 && crowded.errors.contains("no descriptors left"), "\(crowded)")
    #expect(try #require(daemon.descriptors) < 40)
    let stop = try station.run("estop")
    #expect(stop.code == 0 && stop.output.hasPrefix("STOPPED"), "\(stop)")
    connections = []
    #expect(try eventually { try station.run("status").code == 0 })
  }

  @Test func aKilledDaemonsSocketIsTakenOver() throws {
    let station = try station()
    for _ in 0..<2 {
      let daemon = try station.daemon()
      #expect(try station.run("status").output.contains("pid \(daemon.pid)"))
      daemon.send(SIGKILL)
      #expect(daemon.wait() == 128 + SIGKILL)
      #expect(Files.exists(station.socket))
      let dead = try station.run("status")
      #expect(dead.code == 3 && dead.errors.split(separator: "\n").count == 1)
    }
    let last = try station.daemon()
    #expect(try station.run("status").code == 0)
    #expect(last.exitCode == nil)
  }
}
