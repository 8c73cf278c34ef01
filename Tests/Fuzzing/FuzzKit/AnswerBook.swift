import Document
import Model
import RPC

/// The requests that one end has sent, and the answers that it has received: each request with an id is answered once.
struct AnswerBook {
  /// All received messages, in order.
  private(set) var messages: [Value] = []
  /// The number of expected answers by id; an unreadable line gets one with the id null.
  private var owed: [Value: Int] = [:]

  /// The answers, without notifications and requests of the other side.
  var answers: [Value] { messages.filter { $0["method"] == nil && $0["event"] == nil } }

  /// The number of received answers by id.
  private var given: [Value: Int] {
    answers.reduce(into: [:]) { given, answer in given[answer["id"] ?? .null, default: 0] += 1 }
  }

  var isComplete: Bool { given == owed }

  /// Notes a line that is sent.
  /// - Parameters:
  ///   - notifications: methods that get no answer, whatever their id.
  ///   - takesResponses: whether a response is one, and no malformed request.
  mutating func sent(_ line: ArraySlice<UInt8>, notifications: [String] = [], takesResponses: Bool = false) {
    guard !line.allSatisfy({ $0 == 32 || $0 == 13 }) else { return }
    do throws(MalformedMessage) {
      guard case .request(let request) = try Message(line) else {
        if !takesResponses { owed[.null, default: 0] += 1 }
        return
      }
      guard let id = request.id, !notifications.contains(where: request.method.isSame) else { return }
      owed[Self.value(id), default: 0] += 1
    } catch {
      owed[error.id.map(Self.value) ?? .null, default: 0] += 1
    }
  }

  /// Notes a line that is received.
  mutating func received(_ line: ArraySlice<UInt8>) {
    do throws(Diagnostic) { messages.append(try JSON.decode(line)) } catch {
      messages.append(["unreadable": .string("\(error)")])
    }
  }

  /// Checks the form of everything received, and marks it.
  func checkForm(_ seen: inout Seen) throws {
    for message in messages {
      if let problem = message["unreadable"]?.string { throw Violation("a line is not JSON: \(problem)") }
      if let result = message["result"]?.map { seen.note("\(result.keys)") }
      guard let error = message["error"] else { continue }
      guard let code = error["code"]?.int, let text = error["message"]?.string else {
        throw Violation("an error without code and message: \(message)")
      }
      try require(code != -32603, "an internal error: \(text)")
      try MessageRules.check(text, about: [])
      if let hint = error["data"]?["hint"]?.string { try MessageRules.check(hint, about: []) }
      seen.note("\(code) \(text)")
    }
  }

  /// Checks that every request was answered once.
  func checkCount() throws(Violation) {
    func list(_ counts: [Value: Int]) -> String { "\(counts.map { "\($0.key.text()): \($0.value)" })" }
    try require(isComplete, "owed \(list(owed)), given \(list(given))")
  }

  private static func value(_ id: RequestID) -> Value {
    switch id {
    case .number(let number): .int(number)
    case .text(let text): .string(text)
    }
  }
}
