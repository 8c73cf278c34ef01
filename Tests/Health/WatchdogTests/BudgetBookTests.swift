import Agent
import Model
import TestKit
import Testing

@testable import Watchdog

@Suite struct BudgetBookTests {
  private let clock = ManualClock()
  private let book: BudgetBook
  private let steps = Steps()

  final class Steps { var told: [String] = [] }

  init() {
    book = BudgetBook(clock: clock)
    let steps = self.steps
    book.onStep = { notice in
      let what: String =
        switch notice.effect {
        case .warn: "warn"
        case .throttle: "throttle"
        case .stop: "stop"
        case .recover(let step): "down to \(step.rawValue)"
        }
      steps.told.append("\(notice.agent.map(\.rawValue) ?? "board") \(notice.status.resource.rawValue) \(what)")
    }
  }

  private func emit(_ account: BudgetAccount, _ count: Int = 1) -> [BudgetRefusal] {
    (0..<count).compactMap { _ in book.take(.events, 1, for: account) }
  }

  @Test func everyStepIsReportedAndTimeLeadsDown() {
    let account = book.open("a", Budget(events: Rate(count: 10, per: .seconds(10))), parent: nil)
    #expect(emit(account, 10).isEmpty)
    #expect(emit(account, 11).count == 11)
    #expect(steps.told == ["a events warn", "a events throttle", "a events stop"])
    #expect(account.step == .exceeded)
    #expect(clock.waiting == 1)
    clock.advance(by: .seconds(20))
    #expect(steps.told.suffix(1) == ["a events down to normal"])
    #expect(account.step == .normal)
    #expect(clock.waiting == 0)
  }

  @Test func aRefusalNamesTheBudgetAndTheWait() throws {
    let account = book.open("a", Budget(events: Rate(count: 1, per: .seconds(10))), parent: nil)
    _ = emit(account)
    clock.advance(by: .seconds(3))
    let refusal = try #require(book.take(.events, 1, for: account))
    #expect(refusal.message(to: "a") == "budget.events is used up")
    #expect(refusal.message(to: "b") == "budget.events of its parent 'a' is used up")
  }

  @Test func childrenShareTheirParentsBudgetAndAllShareTheBoards() throws {
    book.setBoard(Budget(events: Rate(count: 6, per: .seconds(1))), disk: nil)
    let child = book.open("child", Budget(), parent: "parent")
    let parent = book.open("parent", Budget(events: Rate(count: 4, per: .seconds(1))), parent: nil)
    let other = book.open("other", Budget(), parent: nil)
    #expect(emit(child, 3).isEmpty)
    #expect(emit(parent, 1).isEmpty)
    #expect(emit(child).first?.agent == "parent")
    #expect(emit(other, 2).isEmpty)
    let refusal = try #require(emit(other).first)
    #expect(refusal.agent == nil && refusal.message(to: "other") == "budget.events of the board is used up")
    // An agent is not stopped for the use of others.
    _ = emit(child, 100)
    #expect(!steps.told.contains { $0.hasSuffix("stop") })
    #expect(other.status(at: clock.now).map(\.used) == [2])
  }

  @Test func aParentsMemoryLimitsItsChildren() throws {
    book.setBoard(Budget(memory: 10), disk: nil)
    let parent = book.open("parent", Budget(memory: 100, cpu: 0.5), parent: nil)
    let (a, b) = (book.open("a", Budget(), parent: "parent"), book.open("b", Budget(), parent: "parent"))
    #expect(book.room(.memory, holding: 0, for: parent) == nil, "for the board's others give way")
    #expect(book.room(.memory, holding: 0, for: a)?.amount == 100)
    book.hold(.memory, 30, before: 0, for: a)
    book.hold(.memory, 60, before: 0, for: b)
    #expect(book.room(.memory, holding: 30, for: a).map { $0 == (40, "parent") } == true)
    book.hold(.memory, 80, before: 60, for: b)
    #expect(book.room(.memory, holding: 30, for: a)?.amount == 30, "what it has it may keep")
    func held(_ resource: Resource) -> Enforcement? { parent.status(of: resource, at: clock.now)?.enforcement }
    #expect(held(.memory) == .enforced)
    b.enforcement = { $0 == .memory ? .notEnforced("it shares") : .afterwards("later") }
    #expect(held(.memory) == .notEnforced("agent 'b': it shares"))
    book.charge(.cpu, 1, to: b)
    #expect(held(.cpu) == .afterwards("agent 'b': later"))
    book.close("b")
    #expect(held(.memory) == .enforced)
  }

  // MARK: The whole board

  @Test func measurementsHaveTheirOwnLadder() throws {
    book.setBoard(Budget(memory: 1000), disk: nil)
    let account = book.open("a", Budget(), parent: nil)
    book.charge(.memory, 300, to: account)
    func measure(_ amount: Int64) -> Double? {
      book.measure(BoardMeasurement(.memory, amount, by: .pss, enforcement: .afterwards("x")))
    }
    #expect(measure(500) == 0.5 && steps.told.isEmpty && clock.waiting == 0)
    let row = try #require(book.boardStatus.first { $0.resource == .memory })
    #expect(row.used == 500 && row.limit == 1000 && row.whole?.agents == 300 && row.enforcement == .afterwards("x"))
    #expect(measure(900) == 0.9 && measure(1001) == 1.001 && measure(1100) == 1.1)
    #expect(steps.told == ["board memory warn", "board memory stop"], "told once, however long it lasts")
    #expect(measure(400) == 0.4 && steps.told.count == 2)
    clock.advance(by: .seconds(10))
    #expect(steps.told.last == "board memory down to normal" && clock.waiting == 0)
    #expect(account.step == .normal && book.delay(account, expecting: 1) == nil)
  }

  @Test func measuredCPUTimeIsReportedAndDelaysNoActivation() throws {
    book.setBoard(Budget(cpu: 0.1), disk: nil)
    let account = book.open("a", Budget(), parent: nil)
    let second: Int64 = 1_000_000_000
    #expect(book.measure(BoardMeasurement(.cpu, 5 * second, by: .group)) == 5)
    #expect(steps.told == ["board cpu throttle"])
    #expect(book.delay(account, expecting: 1) == nil, "agents may be the least of it")
    let row = try #require(book.boardStatus.first)
    #expect(row.window == .seconds(10) && row.step == .throttled && row.fields["meter"] == "cgroup")
    book.charge(.cpu, second, to: account)
    #expect(book.delay(account, expecting: 1) != nil && book.boardStatus.first?.whole?.agents == second)
  }

  @Test func theKernelsLimitIsShownWhenItIsLower() {
    func limit(_ kernel: Int64?) -> Int64? {
      book.measure(BoardMeasurement(.memory, 1, by: .group, kernelLimit: kernel))
      return book.boardStatus.first?.limit
    }
    #expect(limit(nil) == nil && limit(64) == 64)
    book.setBoard(Budget(memory: 50), disk: nil)
    #expect(limit(64) == 50 && limit(40) == 40)
  }

  @Test func aCycleOfParentsIsBroken() {
    _ = book.open("a", Budget(), parent: "b")
    let b = book.open("b", Budget(), parent: "a")
    #expect(b.parent === book.board)
    #expect(emit(book.account("a"), 3).isEmpty)
    #expect(book.open("c", Budget(), parent: "c").parent === book.board)
  }

  @Test func aCycleThatIsDissolvedIsNoneAnyMore() {
    _ = book.open("a", Budget(), parent: "b")
    let b = book.open("b", Budget(), parent: "a")
    let a = book.open("a", Budget(), parent: nil)
    #expect(b.parent === a && a.parent === book.board)
  }

  @Test func aParentThatComesAgainHasWhatItsChildrenHold() throws {
    func used(_ account: BudgetAccount) -> Int64? { account.status(of: .memory, at: clock.now)?.used }
    let child = book.open("child", Budget(), parent: "parent")
    #expect(child.parent === book.board, "there is none yet")
    book.hold(.memory, 30, before: 0, for: child)
    let top = book.open("top", Budget(memory: 100), parent: nil)
    var parent = book.open("parent", Budget(memory: 35), parent: "top")
    #expect(child.parent === parent && used(parent) == 30 && used(top) == 30)
    #expect(steps.told == ["parent memory warn"])
    book.close("parent")
    #expect(child.parent === book.board && used(top) == 0)
    parent = book.open("parent", Budget(memory: 40), parent: "top")
    #expect(child.parent === parent && used(parent) == 30 && used(top) == 30 && used(book.board) == 30)
    #expect(book.room(.memory, holding: 30, for: child)?.amount == 40)
    // A parent that moves takes it along.
    book.open("parent", Budget(memory: 40), parent: nil)
    #expect(used(parent) == 30 && used(top) == 0 && used(book.board) == 30)
    book.end(child, memory: 30)
    #expect(used(parent) == 0 && used(top) == 0 && used(book.board) == 0)
    #expect(!steps.told.contains { $0.hasSuffix("stop") })
  }

  @Test func cpuTimeIsChargedAfterwardsAndDelaysTheNextActivation() throws {
    let account = book.open("a", Budget(cpu: 0.1), parent: nil)
    book.charge(.cpu, 900_000_000, to: account)
    #expect(book.delay(account, expecting: 1_000_000) == nil)
    clock.advance(by: .seconds(1))
    book.charge(.cpu, 100_000_000, to: account)
    #expect(steps.told == ["a cpu warn", "a cpu throttle"])
    #expect(book.delay(account, expecting: 1_000_000) == .seconds(9))
    // An activation longer than the whole budget waits for an empty window.
    #expect(book.delay(account, expecting: 60_000_000_000) == .seconds(10))
    clock.advance(by: .seconds(9))
    #expect(book.delay(account, expecting: 1_000_000) == nil)
    book.charge(.cpu, 2_000_000_000, to: account)
    #expect(steps.told.last == "a cpu stop")
    clock.advance(by: .seconds(10))
    #expect(account.step == .normal && clock.waiting == 0)
  }

  @Test func theBoardsCPUTimeDelaysAllAgents() {
    book.setBoard(Budget(cpu: 0.5), disk: nil)
    let (a, b) = (book.open("a", Budget(), parent: nil), book.open("b", Budget(), parent: nil))
    book.charge(.cpu, 20_000_000_000, to: a)
    #expect(book.delay(b, expecting: 0) == .seconds(10))
    #expect(steps.told == ["board cpu throttle"])
  }

  @Test func heldAmountsAreGivenBack() throws {
    book.setBoard(Budget(storage: 150), disk: nil)
    let (a, b) = (book.open("a", Budget(storage: 100), parent: nil), book.open("b", Budget(), parent: nil))
    #expect(book.take(.storage, 100, for: a) == nil)
    let refusal = try #require(book.take(.storage, 1, for: a))
    #expect(refusal.message(to: "a") == "budget.storage of 100 bytes is used up")
    #expect(book.take(.storage, 51, for: b)?.agent == .some(nil))
    book.give(.storage, 60, from: a)
    #expect(book.take(.storage, 51, for: b) == nil)
    book.give(.storage, 40, from: a)
    book.close("a")
    #expect(book.board.status(at: clock.now).map(\.used) == [51])
  }

  @Test func memoryAndActivationsStopAtTheLimitAndEndWithTheInstance() {
    let account = book.open("a", Budget(memory: 1000, activation: .milliseconds(50)), parent: nil)
    book.hold(.memory, 900, before: 0, for: account)
    book.hold(.memory, 1001, before: 900, for: account)
    #expect(steps.told == ["a memory warn", "a memory stop"])
    book.end(account, memory: 1001)
    book.charge(activation: 45_000_000, isExact: true, to: account)
    book.charge(activation: 51_000_000, isExact: true, to: account)
    book.charge(activation: 1_000_000, isExact: true, to: account)
    #expect(steps.told.suffix(2) == ["a activation warn", "a activation stop"])
    clock.advance(by: .seconds(11))
    #expect(steps.told.suffix(2) == ["a memory down to normal", "a activation down to normal"])
    #expect(clock.waiting == 0)
  }

  @Test func aNewLimitResetsTheLadderButNotTheUse() {
    let account = book.open("a", Budget(events: Rate(count: 2, per: .seconds(60))), parent: nil)
    _ = emit(account, 2)
    #expect(account.step == .throttled)
    book.open("a", Budget(events: Rate(count: 10, per: .seconds(60))), parent: nil)
    #expect(account.step == .normal)
    #expect(account.status(at: clock.now).map(\.used) == [2])
  }

  /// For random requests: no window grants more than any budget allows.
  @Test(arguments: UInt64(1)...10) func noWindowGrantsMoreThanAnyBudgetAbove(seed: UInt64) {
    var random = SeededGenerator(seed)
    let limits = [20, 30, 45]
    book.setBoard(Budget(events: Rate(count: limits[2], per: .seconds(3))), disk: nil)
    _ = book.open("parent", Budget(events: Rate(count: limits[1], per: .seconds(3))), parent: nil)
    let accounts = [
      book.open("child", Budget(events: Rate(count: limits[0], per: .seconds(3))), parent: "parent"),
      book.account("parent"), book.open("other", Budget(), parent: nil),
    ]
    var given: [(at: Instant, who: Int)] = []
    for _ in 0..<1000 {
      clock.advance(by: .milliseconds(Int64.random(in: 0...60, using: &random)))
      let who = Int.random(in: 0...2, using: &random)
      if book.take(.events, 1, for: accounts[who]) == nil { given.append((clock.now, who)) }
    }
    for last in given.indices {
      let window = given[...last].reversed().prefix { given[last].at < $0.at + .seconds(3) }
      #expect(window.count { $0.who == 0 } <= limits[0])
      #expect(window.count { $0.who <= 1 } <= limits[1])
      #expect(window.count <= limits[2])
    }
    clock.advance(by: .seconds(20))
    #expect(clock.waiting == 0)
  }
}
