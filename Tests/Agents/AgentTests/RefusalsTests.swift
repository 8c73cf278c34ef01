import Model
import Testing

@testable import Agent

@Suite struct RefusalsTests {
  private let busy = AgentError(.busy, "'fan' is held by client/ada", retryAfter: .seconds(9))

  @Test func unhandledRefusalIsRecognisedByItsMessage() {
    var refusals = Refusals()
    refusals.note(busy)
    for message in [busy.message, busy.description, "cannot cool: \(busy.message), sorry"] {
      #expect(refusals.passedOn(AgentFailure(.error, message)) == busy)
    }
    #expect(
      refusals.passedOn(AgentFailure(.error, "busy: something else")) == nil, "the agent's own error, whatever its code"
    )
    #expect(refusals.passedOn(AgentFailure(.crash, busy.message)) == nil, "a trap is not a refusal")
    refusals.begin()
    #expect(refusals.passedOn(AgentFailure(.error, busy.message)) == nil, "a refusal of an earlier activation")
  }

  @Test func ownMistakesAreNotRefusals() {
    var refusals = Refusals()
    for code in [AgentError.Code.invalid, .notFound] {
      refusals.note(AgentError(code, "no such thing"))
      #expect(refusals.passedOn(AgentFailure(.error, "no such thing")) == nil)
    }
    refusals.note(AgentError(.failed, ""))
    #expect(refusals.passedOn(AgentFailure(.error, "boom")) == nil)
  }

  @Test func earlierRefusalsCountUpToALimit() {
    var refusals = Refusals()
    refusals.note(busy)
    for number in 1..<Refusals.limit { refusals.note(AgentError(.denied, "not \(number)")) }
    #expect(refusals.passedOn(AgentFailure(.error, busy.message)) == busy)
    refusals.note(AgentError(.denied, "one more"))
    #expect(refusals.passedOn(AgentFailure(.error, busy.message)) == nil)
  }

  /// A failure's message is made printable and truncated; the refusal's sentence is still recognised in it.
  @Test func refusalWithUnprintableTextIsRecognised() {
    for name in ["\u{1B}[2J", "\u{202E}fan", String(repeating: "x", count: 5000)] {
      var refusals = Refusals()
      let denied = AgentError(.denied, "agent 'a' may not control '\(name)'")
      refusals.note(denied)
      #expect(refusals.passedOn(AgentFailure(.error, denied.message)) == denied)
    }
  }

  @Test func retryTimeIsRounded() {
    func text(_ wait: Duration) -> String { AgentError(.limited, "x", retryAfter: wait).description }
    #expect(text(.milliseconds(250)) == "limited: x; try again in 250ms")
    #expect(text(.milliseconds(24_001)) == "limited: x; try again in 25s")
    #expect(text(.seconds(150)) == "limited: x; try again in 3m")
    #expect(text(.seconds(86_325)) == "limited: x; try again in 24h")
    #expect("\(ActuatorCommand.pulse(.milliseconds(500)))" == "pulse 500ms")
  }
}
