import Testing

@testable import FaultKit

@Suite struct LedgerTests {
  @Test func confirmedValueMustExist() {
    let ledger = Ledger()
    let number = ledger.submit("agent/a", "1")
    // The change was not confirmed yet: it may be stored or not.
    #expect(ledger.problem("agent/a", found: nil) == nil)
    #expect(ledger.problem("agent/a", found: "1") == nil)
    #expect(ledger.problem("agent/a", found: "2") != nil)
    ledger.answered("agent/a", number)
    #expect(ledger.problem("agent/a", found: "1") == nil)
    #expect(ledger.problem("agent/a", found: nil) != nil)
  }

  @Test func laterValuesMayExistAndEarlierOnesMayNot() {
    let ledger = Ledger()
    ledger.submit("k", "1")
    let second = ledger.submit("k", "2")
    ledger.submit("other", "x")
    ledger.submit("k", nil)
    ledger.answeredAll("k", second)
    #expect(ledger.problem("k", found: "1") != nil)
    #expect(ledger.problem("k", found: "2") == nil)
    #expect(ledger.problem("k", found: nil) == nil)
    #expect(ledger.problem("other", found: nil) == nil)
    ledger.answeredAll("", after: ledger.newest, ledger.newest)
    #expect(ledger.problem("k", found: "2") == nil)
    ledger.answeredAll("", ledger.newest)
    #expect(ledger.problem("k", found: "2") != nil)
    #expect(ledger.problem("other", found: nil) != nil)
  }
}
