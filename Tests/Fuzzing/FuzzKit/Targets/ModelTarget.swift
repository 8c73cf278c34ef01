import ChatCompletion
import LanguageModel
import Model
import TestKit

/// What a server of language models answers, and packets of the gateway's protocol: every input is read as each of them.
///
/// Only the reading: a gateway would connect to random hosts.
package final class ModelTarget: FuzzTarget {
  package let name = "model"
  package let form = InputForm.bytes
  package let longest = 16_384
  package let words = [
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 429 Too Many Requests\r\n", "HTTP/1.1 302 Found\r\n", "Location: https://a@b/",
    "Content-Type: text/event-stream\r\n", "Content-Type: application/json\r\n", "Retry-After: ", "\r\n\r\n", "data: ",
    "event: error\n", "\n\n", ": ", "[DONE]", #"{"choices":[{"index":0,"delta":{"content":""#, #""}}]}"#,
    #""tool_calls":[{"index":0,"id":"a","function":{"name":"b","arguments":""#, #""finish_reason":"stop""#,
    #""usage":{"prompt_tokens":1,"completion_tokens":2}"#, #"{"error":{"message":""#, #"\ud83d\ude00"#, "OM\u{1}",
  ]

  /// A target.
  package init() {}

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    if let message = LanguageModelMessage(input) {
      seen.note("message" + String(repeating: "k", count: Int(input[3])))
      try require(LanguageModelMessage(message.bytes) == message, "it does not read what it writes: \(message)")
    }
    // A key of any bytes, also of those that stand for it.
    for count in 1...4 {
      let quoted = Quotation(hiding: Array(input.suffix(count)))(input)
      try require(quoted.utf8.count <= Quotation.longest, "a quotation of \(quoted.utf8.count) bytes")
    }
    let whole = try read(input, size: .max, &seen)
    var rest = Seen()
    try require(try read(input, size: 1 + input.count % 7, &rest) == whole, "another answer in other pieces")
  }

  /// The head is what comes before an empty line; without one it is that of a stream of events.
  private func read(_ input: [UInt8], size: Int, _ seen: inout Seen) throws -> String {
    var answer = Answer(longest: 1 << 20, hiding: Array("sk-secret".utf8))
    var lines: [[UInt8]] = ["HTTP/1.1 200 OK\r\n", "Content-Type: text/event-stream\r\n"].map { Array($0.utf8) }
    var body = input[...]
    if input.starts(with: "HTTP/".utf8) {
      lines = []
      while let end = body.firstIndex(of: 0x0A) {
        let line = Array(body[...end])
        body = body[(end + 1)...]
        if line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) { break }
        lines.append(line)
      }
    }
    lines.append(Array("\r\n".utf8))
    var pieces: [Piece] = []
    do {
      for line in lines { try answer.readHead(line) }
      _ = answer.retryAfter(now: 0) { Int64($0.count) }
      while !body.isEmpty, !answer.isDone {
        pieces += try answer.readBody(Array(body.prefix(size)))
        body = body.dropFirst(size)
      }
      let ending = try answer.finish(isRegular: true)
      seen.note("answer" + (ending.usage == nil ? "" : "usage") + String(repeating: "p", count: pieces.count))
      try check(pieces + ending.pieces)
      return "\(Self.joined(pieces + ending.pieces)) \(ending.finish) \(String(describing: ending.usage))"
    } catch let flaw as Flaw {
      seen.note(flaw.sentence)
      try require(
        flaw.sentence == flaw.sentence.printable && flaw.sentence.utf8.count <= LanguageModelFailure.longestSentence,
        "a sentence that is not for people: \(flaw.sentence)")
      try require(!flaw.sentence.holds("sk-secret"), "a sentence with the key: \(flaw.sentence)")
      return flaw.sentence
    }
  }

  private func check(_ pieces: [Piece]) throws {
    var begun: Set<Int> = []
    for piece in pieces {
      switch piece {
      case .text(let text): try require(!text.isEmpty, "an empty piece")
      case .toolCall(let index, let id, let name):
        try require(begun.insert(index).inserted, "a call begins twice: \(index)")
        try require((0..<1024).contains(index) && !id.isEmpty && !name.isEmpty, "a call that is none")
      case .arguments(let index, _): try require(begun.contains(index), "arguments of no call: \(index)")
      }
    }
  }

  private static func joined(_ pieces: [Piece]) -> String {
    pieces.map { if case .text(let text) = $0 { text } else { "\($0)" } }.joined()
  }
}
