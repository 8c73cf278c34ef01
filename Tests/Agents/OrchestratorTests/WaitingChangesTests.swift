import Agent
import Model
import Testing

@testable import Orchestrator

@Suite struct WaitingChangesTests {
  private func state(_ key: String, _ value: Int64) -> RegistryChange { .state("a", key: key, .int(value)) }

  /// `key=value`, or the agent that was removed.
  private func texts(_ changes: [RegistryChange]) -> [String] {
    changes.map { change in
      switch change {
      case .state(_, let key, let value): "\(key)=\(value?.int ?? 0)"
      case .removal(let agent): "-\(agent)"
      default: "?"
      }
    }
  }

  @Test func aNewerValueReplacesAnOlderOne() {
    var waiting = WaitingChanges()
    for change in [state("x", 1), .removal("b"), state("y", 2), state("x", 3), .removal("b")] { waiting.add(change) }
    #expect(waiting.count == 4 && waiting.count(with: [state("x", 4), state("z", 5), state("x", 6)]) == 6)
    #expect(texts(waiting.take()) == ["-b", "y=2", "x=3", "-b"])
    #expect(waiting.isEmpty && waiting.take().isEmpty)
  }

  @Test func whatIsPutBackComesFirstAndIsReplacedToo() {
    var waiting = WaitingChanges()
    waiting.add(state("x", 3))
    waiting.putBack([state("x", 1), state("y", 2)])
    #expect(texts(waiting.take()) == ["y=2", "x=3"])
  }

  @Test func oneKeyWrittenOverAndOverTakesNoMemory() {
    var waiting = WaitingChanges()
    waiting.add(.removal("b"))
    for number in 0..<100_000 { waiting.add(state("x", Int64(number))) }
    #expect(waiting.count == 2 && texts(waiting.take()) == ["-b", "x=99999"])
  }
}
