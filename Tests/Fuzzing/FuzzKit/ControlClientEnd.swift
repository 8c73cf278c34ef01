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
  /// All received messages, in order.
  private(set) var answers: [Value] = []
  /// The expected number of answers by id; unreadable requests get an answer with the id null.
  private var owed: [Value: Int] = [:]
  private var hasEnded = false
  private var isOver = false

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
    if let id = Self.answered(line[...]) { owed[id, default: 0] += 1 }
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

  /// The id of the answer to a line; nil when the line gets no answer.
  private static func answered(_ line: ArraySlice<UInt8>) -> Value? {
    if line.allSatisfy({ $0 == 32 || $0 == 13 }) { return nil }
    do throws(MalformedMessage) {
      guard case .request(let request) = try Message(line) else { return .null }
      return request.id.map(value)
    } catch {
      return error.id.map(value) ?? .null
    }
  }

  private static func value(_ id: RequestID) -> Value {
    switch id {
    case .number(let number): .int(number)
    case .text(let text): .string(text)
    }
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
    do throws(Diagnostic) { answers.append(try JSON.decode(line)) } catch {
      answers.append(["unreadable": .string("\(error)")])
    }
  }

  /// The number of received answers by id.
  private var given: [Value: Int] {
    var given: [Value: Int] = [:]
    for answer in answers where answer["method"] == nil && answer["event"] == nil {
      given[answer["id"] ?? .null, default: 0] += 1
    }
    return given
  }

  /// Waits for all answers, up to ten minutes of simulated time, which is longer than any request may take.
  func settle() throws {
    for _ in 0..<60 where given != owed && !hasEnded {
      turn()
      daemon.loop.pass(.milliseconds(100), step: .milliseconds(20))
    }
    for _ in 0..<60 where given != owed && !hasEnded {
      daemon.loop.pass(.seconds(10), step: .seconds(2))
      turn()
    }
  }

  /// Checks the received answers against the requests.
  func check(_ seen: inout Seen) throws {
    for answer in answers {
      if let problem = answer["unreadable"]?.string { throw Violation("an answer is not JSON: \(problem)") }
      guard let error = answer["error"] else { continue }
      guard let code = error["code"]?.int, let message = error["message"]?.string else {
        throw Violation("an error without code and message: \(answer)")
      }
      try require(code != -32603, "an internal error: \(message)")
      try MessageRules.check(message, about: [])
      if let hint = error["data"]?["hint"]?.string { try MessageRules.check(hint, about: []) }
      seen.note("\(code) \(message)")
    }
    for answer in answers { if let result = answer["result"]?.map { seen.note("\(result.keys)") } }
    let given = self.given
    if hasEnded {
      // A rejected client is told why; its later requests are lost.
      try require(
        answers.contains { $0["id"] == .null && $0["error"] != nil }, "the connection was closed without an error")
      return
    }
    try require(
      given == owed,
      "owed \(owed.map { "\($0.key.text()): \($0.value)" }), given \(given.map { "\($0.key.text()): \($0.value)" })")
  }
}
