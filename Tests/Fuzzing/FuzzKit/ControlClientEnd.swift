import Document
import Linux
import Model
import RPC
import Wire

/// A non-blocking client of a test daemon that records answers.
final class ControlClientEnd {
  private let daemon: TestDaemon
  private var socket: Descriptor?
  private var receiver = Receiver()
  private var book = AnswerBook()
  private var hasEnded = false
  private var isOver = false

  /// All received messages, in order.
  var answers: [Value] { book.messages }

  init(_ daemon: TestDaemon) throws {
    self.daemon = daemon
    let socket = try UnixSocket.connect(daemon.settings.socket)
    try System.setNonBlocking(socket.number)
    self.socket = consume socket
    daemon.loop.turn(wait: false)
  }

  func close() {
    socket = nil
    daemon.loop.turn(wait: false)
  }

  /// Sends a line after 10 ms of simulated time, so that the request rate stays within the limit.
  func send(_ line: [UInt8]) throws {
    guard let number = socket?.number, !hasEnded else { return }
    book.sent(line[...])
    var rest = (line + [10])[...]
    while !rest.isEmpty, !hasEnded {
      do throws(SystemError) {
        rest = rest.dropFirst(try UnixSocket.send(number, rest))
      } catch {
        if error.errno == 32 || error.errno == 104 { break }
        throw error
      }
      turn()
    }
    daemon.loop.clock.advance(by: .milliseconds(10))
    turn()
  }

  private func turn() {
    for _ in 0..<4 { daemon.loop.turn(wait: false) }
    guard let number = socket?.number else { return }
    while !hasEnded {
      do throws(SystemError) {
        guard let line = try receiver.nextLine(from: number) else {
          hasEnded = true
          return
        }
        take(line)
      } catch {
        if error.errno != 11 { hasEnded = true }
        return
      }
    }
  }

  private func take(_ line: ArraySlice<UInt8>) {
    while receiver.takeDescriptor() != nil {}
    book.received(line)
  }

  /// Waits for all answers, up to ten minutes of simulated time, which is longer than any request may take.
  func settle() throws {
    for _ in 0..<60 where !book.isComplete && !hasEnded {
      turn()
      daemon.loop.pass(.milliseconds(100), step: .milliseconds(20))
    }
    for _ in 0..<60 where !book.isComplete && !hasEnded {
      daemon.loop.pass(.seconds(10), step: .seconds(2))
      turn()
    }
  }

  /// Checks the received answers against the requests.
  func check(_ seen: inout Seen) throws {
    try book.checkForm(&seen)
    guard hasEnded else { return try book.checkCount() }
    // A rejected client is told why; its later requests are lost.
    try require(
      answers.contains { $0["id"] == .null && $0["error"] != nil }, "the connection was closed without an error")
  }
}
