import Model
import Testing

@testable import Orchestrator

@Suite struct MessagesTests {
  /// In safe mode the disk is read twice.
  @Test func whatWasRemovedDoesNotComeBack() {
    var changes = 0
    let messages = Messages { changes += $0.count }
    let ids = (1...3).map { ULID(high: 0, low: UInt64($0)) }
    let stored = Dictionary(uniqueKeysWithValues: ids.map { ($0, Value.map(["text": "hello"])) })
    messages.recall(stored)
    #expect(messages.remove(through: ids[1]) == 2)
    messages.recall(stored)
    #expect(messages.remove(through: nil) == 1)
    messages.recall(stored)
    #expect(messages.remove(through: nil) == 0 && changes == 3)
  }
}
