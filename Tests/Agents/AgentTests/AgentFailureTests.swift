import Agent
import Testing

@Suite struct AgentFailureTests {
  @Test func messageIsOnePrintableSentenceWhateverTheAgentGives() {
    #expect(AgentFailure(.error, "the pump is dry").description == "error: the pump is dry")
    #expect(AgentFailure(.error, "").description == "error: it gave no reason")
    #expect(!AgentFailure(.error, "\u{1B}[2J\n").message.contains("\u{1B}"))
    #expect(AgentFailure(.crash, String(repeating: "a", count: 1 << 16)).message.utf8.count <= 2051)
  }
}
