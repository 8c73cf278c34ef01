import CLinux
import Glibc
import Linux
import OpenStarryAgent

/// The daemon's end of the socket of an agent's program: one JSON text per line. Closed with `hangUp` or its last reference.
package final class DaemonSocket {
  private var number: Int32
  private var buffer: [UInt8] = []

  /// Makes a pair of connected sockets.
  /// - Parameter start: gets the program's end, which is closed when it returns.
  package init(_ start: (Int32) throws -> Void) throws {
    var ends: [Int32] = [0, 0]
    // SAFETY: two numbers of room.
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SystemError("socketpair")
    }
    number = ends[0]
    defer { close(ends[1]) }
    try start(ends[1])
  }

  deinit { hangUp() }

  /// Closes this end.
  package func hangUp() {
    if number >= 0 { close(number) }
    number = -1
  }

  /// Sends bytes as they are.
  package func send(bytes: [UInt8]) throws { try System.writeAll(number, bytes) }

  /// Sends one message.
  package func send(_ message: Value) throws { try send(bytes: JSONText.write(message) + [10]) }

  /// The next message; nil when the program has closed its end.
  /// - Throws: after 60 s without one.
  package func receive() throws -> Value? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        return try JSONText.read(line)
      }
      var watched = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
      // SAFETY: one structure.
      guard unsafe poll(&watched, 1, 60_000) > 0 else { throw SystemError("poll", errno: ETIMEDOUT) }
      guard let count = try System.read(number, into: &buffer, limit: 4096), count > 0 else { return nil }
    }
  }
}
