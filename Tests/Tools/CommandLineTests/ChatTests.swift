import Model
import Testing

@testable import CommandLine

/// What `openstarry chat` prints.
@Suite struct ChatTests {
  private func failed(_ model: String, _ message: String) -> Fields {
    ["kind": "failed", "model": .string(model), "message": .string(message)]
  }

  @Test func eachSentenceIsToldOnce() {
    var text = ChatText()
    let failures = [
      text.failure(failed("cloud", "HTTP 400: no such field")),
      text.failure(failed("cloud", "HTTP 400: no such field")),
      // Of another model it is news.
      text.failure(failed("local", "HTTP 400: no such field")),
    ]
    #expect(failures == ["cloud: HTTP 400: no such field", nil, "local: HTTP 400: no such field"])
    let sentences = [
      "the model's server did not accept the request: HTTP 400: no such field", "HTTP 400: no such field",
      "ended: the model asked for tools again and again", "the model asked for tools again and again",
      "signal 9 ended it",
      // Neither an empty line nor a short one hides what ends like it.
      "", "time-out", "the agent's own time-out",
    ]
    let areNew = sentences.map { text.isNew($0) }
    #expect(areNew == [false, false, true, false, true, false, true, true])
  }

  @Test func anEmptyMessageIsAMistake() throws {
    for words in [[""], [" ", ""]] {
      #expect { try OpenStarry.parse(["chat", "keeper"] + words) } throws: { OpenStarry.status(for: $0) == .usage }
    }
    #expect(try OpenStarry.parse(["chat", "keeper"]) is Chat)
    #expect(try OpenStarry.parse(["chat", "keeper", "hello", ""]) is Chat)
  }
}
