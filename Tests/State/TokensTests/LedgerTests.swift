import Linux
import Model
import TestKit
import Testing

@testable import Tokens

@Suite struct LedgerTests {
  private func machine() throws -> Machine {
    try Machine(limits: ["agent/a": limits("1000/h", "5k"), "board": limits("10k/h", money: ["1/d"])])
  }

  @Test func aCallIsChargedInAllAccounts() throws {
    let machine = try machine()
    let id = try machine.admitted(.of(300, money: 200_000))
    #expect(machine.ledger.status(of: "agent/a").map(\.inFlight) == [300, 300])
    #expect(machine.ledger.status(of: "board").map(\.inFlight) == [300, 200_000])
    #expect(machine.used("board") == [0, 0])
    machine.ledger.settle(id, TokenUsage(prompt: 100, completion: 20, money: 90_000))
    machine.ledger.settle(id, nil)
    machine.ledger.release(id)
    #expect(machine.used("agent/a") == [120, 120])
    #expect(machine.used("board") == [120, 90_000])
    #expect(machine.ledger.status(of: "board").map(\.inFlight) == [0, 0])
    let unknown = try machine.admitted(.of(50))
    machine.ledger.settle(unknown, nil)
    let failed = try machine.admitted(.of(60))
    machine.ledger.release(failed)
    #expect(machine.used("agent/a") == [170, 170])
    #expect(machine.ledger.accounts == ["agent/a", "board"])
  }

  @Test func anAccountIsChargedOnceAndOneWithoutLimitsPasses() throws {
    let machine = try machine()
    let call = TokenCall(accounts: ["board", "agent/x", "board"], tokens: 10, agent: "x", model: "m")
    machine.ledger.settle(try machine.admitted(call), nil)
    #expect(machine.used("board") == [10, 0])
    #expect(machine.used("agent/x") == [])
  }

  @Test func aRefusalSaysWhoseLimitAndWhenItCanFit() throws {
    let machine = try machine()
    func shortage(_ call: TokenCall) -> TokenShortage? {
      if case .failure(.overLimit(let shortage)) = machine.reserve(call) { return shortage }
      return nil
    }
    #expect(shortage(.of(1001))?.remedy == .never)
    #expect(machine.notices.isEmpty)
    let held = try machine.admitted(.of(700))
    let waits = shortage(.of(400))
    #expect(waits?.account == "agent/a")
    #expect(waits?.inFlight == 700)
    #expect(waits?.remedy == .callsUnderWay(atLatest: .seconds(3600)))
    machine.ledger.settle(held, nil)
    machine.clock.advance(by: .seconds(2400))
    let next = shortage(.of(400))
    #expect(next?.remedy == .nextWindow(.seconds(1200)))
    #expect(
      next?.description
        == "the call needs up to 400 tokens, but 'agent/a' has used 700 tokens of 1000 tokens in 1h; it can fit in 20 min"
    )
    machine.clock.advance(by: .seconds(1200))
    #expect(shortage(.of(400)) == nil)
    // A limit in total that is used up never allows it.
    machine.ledger.setLimits(try limits("1k"), of: "agent/a")
    #expect(shortage(.of(1))?.remedy == .callsUnderWay(atLatest: nil))
    #expect(shortage(.of(301))?.remedy == .never)
    #expect(shortage(.of(10, money: 2_000_000))?.limit.unit == .money)
  }

  @Test func warningsComeOnceAndEndWithTheWindow() throws {
    let machine = try machine()
    func levels() -> [String] { machine.notices.map { "\($0.account) \($0.status.limit): \($0.status.level)" } }
    machine.ledger.settle(try machine.admitted(.of(799)), nil)
    #expect(levels() == [])
    machine.ledger.settle(try machine.admitted(.of(1)), nil)
    machine.ledger.settle(try machine.admitted(.of(100)), nil)
    #expect(levels() == ["agent/a 1000 tokens in 1h: warned"])
    _ = machine.reserve(.of(101))
    _ = machine.reserve(.of(101))
    #expect(levels().dropFirst() == ["agent/a 1000 tokens in 1h: exhausted"])
    machine.clock.advance(by: .seconds(3600))
    #expect(levels().dropFirst(2) == ["agent/a 1000 tokens in 1h: normal"])
    #expect(machine.clock.waiting == 0)
    // Between 60 % and 80 % a warning stays.
    machine.ledger.settle(try machine.admitted(.of(850)), nil)
    machine.ledger.setLimits(try limits("1200/h"), of: "agent/a")
    #expect(machine.ledger.status(of: "agent/a")[0].level == .warned)
    machine.ledger.setLimits(try limits("2000/h"), of: "agent/a")
    #expect(machine.ledger.status(of: "agent/a")[0].level == .normal)
  }

  /// A board without a clock of its own: the network sets it hours ahead while a window has a warning.
  @Test func aWindowThatEndedUnseenIsOver() throws {
    let limits = ["agent/a": try limits("1000/h"), "agent/b": try limits("1000/h")]
    let machine = try Machine(limits: limits)
    func call(_ account: String) -> TokenCall { TokenCall(accounts: [account], tokens: 900, agent: "x", model: "m") }
    machine.ledger.settle(try machine.admitted(call("agent/a")), nil)
    machine.clock.jumpWall(by: .seconds(20_000))
    machine.ledger.settle(try machine.admitted(call("agent/b")), nil)
    let levels = machine.notices.map { "\($0.account) \($0.status.level)" }
    #expect(levels == ["agent/a warned", "agent/a normal", "agent/b warned"])
    #expect(machine.notices.allSatisfy { $0.status.windowEnds.map { $0 <= .seconds(3600) } == true })
  }

  @Test func anExcessIsChargedAndRaisesTheMark() throws {
    let machine = try machine()
    let id = try machine.admitted(.of(100))
    let before = machine.marks.commits
    machine.ledger.settle(id, TokenUsage(prompt: 3000, completion: 0))
    #expect(machine.marks.commits == before + 1)
    machine.queue.run()
    #expect(machine.used("agent/a") == [3000, 3000])
    // The power fails.
    var files = try machine.files()
    files.journal = nil
    let next = try Machine(files, boot: "boot-2", clock: machine.clock, limits: ["agent/a": limits("1000/h", "5k")])
    #expect(next.used("agent/a")[0] == 3000)
    #expect(next.used("agent/a")[1] >= 3000)
  }

  @Test func aSlowDiskHoldsUpOnlyWhatNeedsIt() throws {
    let machine = try Machine(limits: ["agent/a": limits("1000/h"), "agent/b": limits("1000/h")])
    func call(_ agent: AgentID, _ tokens: Int64) -> TokenCall {
      TokenCall(accounts: ["agent/\(agent)"], tokens: tokens, agent: agent, model: "m")
    }
    _ = try machine.admitted(call("b", 100))
    var answers: [String] = []
    let first = machine.ledger.reserve(call("a", 200)) { _ in answers.append("first") }
    machine.ledger.reserve(call("b", 100)) { _ in answers.append("covered") }
    #expect(answers == ["covered"])
    machine.ledger.reserve(call("a", 200)) { _ in answers.append("second") }
    #expect(machine.ledger.status(of: "agent/a")[0].inFlight == 400)
    #expect(machine.ledger.cancel(first))
    #expect(!machine.ledger.cancel(first))
    #expect(machine.ledger.status(of: "agent/a")[0].inFlight == 200)
    machine.queue.run()
    #expect(answers == ["covered", "second"])
  }

  @Test func aDiskThatRefusesRefusesCallsAndChargesNothing() throws {
    let machine = try machine()
    machine.faults.failure = .full("/var/lib/openstarry/registry.db")
    let sentence =
      "no model is called: the marks of used tokens cannot be stored: /var/lib/openstarry/registry.db: no space is left "
      + "on the disk; free some, nothing stored so far is lost"
    #expect(machine.reserve(.of(100)) == .failure(.notStored(sentence)))
    #expect(machine.problems == [sentence])
    #expect(machine.ledger.status(of: "agent/a").map(\.inFlight) == [0, 0])
    #expect(machine.used("board") == [0, 0])
    machine.faults.failure = .failed(operation: "write", path: "/x", detail: "Input/output error")
    #expect(throws: TokenRefusal.self) { try machine.admitted(.of(100)) }
    #expect(machine.problems.count == 1)
    machine.faults.failure = nil
    machine.ledger.settle(try machine.admitted(.of(100)), nil)
    #expect(machine.problems == [sentence, nil])
    #expect(machine.used("agent/a") == [100, 100])
  }

  @Test func withoutItsMarksNothingIsCalled() throws {
    let machine = try Machine(limits: ["agent/a": limits("1000/h")], opens: false)
    machine.faults.failure = .failed(operation: "open", path: "/x", detail: "Input/output error")
    #expect(machine.reserve(.of(1)) == .failure(.notStored("the ledger of tokens is not open yet")))
    machine.ledger.open { _ in }
    var answers: [Result<TokenCallID, TokenRefusal>] = []
    machine.ledger.reserve(.of(1)) { answers.append($0) }
    machine.queue.run()
    #expect(throws: TokenRefusal.self) { try answers[0].get() }
    machine.faults.failure = nil
    #expect(throws: Never.self) { try machine.admitted(.of(1)) }
  }

  @Test func aFullJournalRefusesCallsAndTheEndOfOneIsNotForgotten() throws {
    let machine = try machine()
    let id = try machine.admitted(.of(500))
    let big = try machine.admitted(.of(100))
    // A folder in the journal's place.
    let run = machine.run
    try Files.move("\(run)/journal", to: "\(run)/moved")
    machine.ledger.journal.remove()
    try Files.makeFolder("\(run)/journal/x")
    guard case .failure(.notStored(let why)) = machine.reserve(.of(100)) else {
      Issue.record("admitted without a journal")
      return
    }
    #expect(why.hasPrefix("no model is called: the journal of tokens cannot be written, so calls could be forgotten: "))
    #expect(machine.ledger.status(of: "agent/a")[0].inFlight == 600)
    machine.ledger.settle(id, TokenUsage(prompt: 10, completion: 0))
    machine.ledger.settle(big, TokenUsage(prompt: 150, completion: 0))
    machine.queue.run()
    TemporaryFolder.remove("\(run)/journal")
    _ = try machine.admitted(.of(100))
    let next = try Machine(
      machine.files(), clock: machine.clock, limits: ["agent/a": limits("1000/h", "5k")])
    #expect(next.used("agent/a") == [260, 260])
  }

  @Test func anIdleDayWritesNothing() throws {
    let machine = try machine()
    machine.ledger.settle(try machine.admitted(.of(900)), nil)
    machine.queue.run()
    let (before, commits, written) = (try machine.files(), machine.marks.commits, machine.ledger.journal.written)
    for _ in 0..<96 {
      machine.clock.advance(by: .seconds(900))
      _ = machine.ledger.status(of: "agent/a")
    }
    #expect(machine.queue.pending == 0)
    #expect(machine.marks.commits == commits)
    #expect(machine.ledger.journal.written == written)
    #expect(try machine.files() == before)
    #expect(machine.clock.waiting == 0)
    // Nor do an orderly end and a start after it, but for the marks that fall once.
    #expect(machine.close() == .some(nil))
    let next = try Machine(machine.files(), clock: machine.clock, limits: ["agent/a": limits("1000/h")])
    #expect(next.close() == .some(nil))
    #expect(next.marks.commits == 0)
  }

  @Test func memoryAndBytesOfTenThousandCallsAreBounded() throws {
    let machine = try Machine(limits: [
      "agent/a": limits("100k/h", "100M"), "agent/parent": limits("200k/h"), "board": limits("1M/h", money: ["20/d"]),
    ])
    var generator = SeededGenerator(7)
    var largest = 0
    for number in 0..<10_000 {
      let call = TokenCall(
        accounts: ["agent/a", "agent/parent", "board"], tokens: 700, money: 90, agent: "a", model: "m")
      let id = try machine.admitted(call)
      machine.ledger.settle(
        id, TokenUsage(prompt: .random(in: 0...500, using: &generator), completion: 100, money: 60))
      if number % 100 == 99 { machine.clock.advance(by: .seconds(3600)) }
      largest = max(largest, machine.ledger.journal.size)
    }
    let ledger = machine.ledger
    let journal = Double(ledger.journal.written) / 10_000
    print("tokens: \(journal) bytes a call to the journal, \(machine.marks.commits) commits of 10000 calls")
    #expect(journal < 400)
    #expect(largest < 2 * TokenJournal.compactAt)
    #expect(machine.marks.commits < 1500)
    #expect(ledger.meters.count == 5)
    #expect(ledger.underWay.isEmpty && ledger.waiting.isEmpty && ledger.disk.indebted.isEmpty)
    #expect(ledger.uses.rows.count <= TokenStatistics.days)
    let next = try Machine(
      machine.files(), clock: machine.clock,
      limits: ["agent/a": limits("100k/h", "100M"), "board": limits("1M/h", money: ["20/d"])])
    #expect(next.used("agent/a") == machine.used("agent/a"))
    #expect(next.used("board") == machine.used("board"))
    #expect(next.ledger.statistics == machine.ledger.statistics)
  }
}
