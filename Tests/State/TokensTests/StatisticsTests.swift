import Linux
import Model
import TestKit
import Testing

@testable import Tokens

@Suite struct StatisticsTests {
  private func use(_ machine: Machine, _ agent: AgentID, _ model: String, _ tokens: Int64) throws {
    let id = try machine.admitted(.of(tokens, agent: agent, model: model))
    machine.ledger.settle(id, TokenUsage(prompt: tokens - 1, completion: 1, money: 5))
  }

  @Test func sumsAreByAgentModelAndDay() throws {
    let machine = try Machine(limits: ["board": limits("1M/d")])
    try use(machine, "a", "small", 10)
    try use(machine, "b", "small", 20)
    machine.clock.advance(by: .seconds(86_400))
    try use(machine, "a", "large", 100)
    machine.ledger.settle(try machine.admitted(.of(7, agent: "b", model: "large")), nil)
    machine.ledger.release(try machine.admitted(.of(9, agent: "c", model: "large")))
    let statistics = machine.ledger.statistics
    func text(_ grouping: UsageGrouping) -> [String] {
      statistics.sums(by: grouping).map { name, use in
        "\(name) \(use.calls) \(use.prompt) \(use.completion) \(use.unreported) \(use.money)"
      }
    }
    #expect(text(.agent) == ["a 2 108 2 0 10", "b 2 19 1 7 5"])
    #expect(text(.model) == ["large 2 99 1 7 5", "small 2 28 2 0 10"])
    #expect(text(.day) == ["2026-01-01 2 28 2 0 10", "2026-01-02 2 99 1 7 5"])
  }

  @Test func theyAreBounded() throws {
    let machine = try Machine(limits: ["board": limits("100M/d")])
    for day in 0..<40 {
      for agent in 0..<(day == 39 ? 100 : 2) { try use(machine, AgentID("agent-\(agent)"), "m", 10) }
      machine.clock.advance(by: .seconds(86_400))
    }
    let rows = machine.ledger.statistics.rows
    #expect(Set(rows.map(\.day)).count == 31)
    #expect(rows.count == 30 * 2 + 64)
    let others = rows.filter { $0.agent.rawValue == "others" }
    #expect(others.count == 1 && others[0].model == "others" && others[0].use.calls == 37)
    #expect(machine.close() == .some(nil))
    let records = machine.marks.disk.keys.filter { $0.hasPrefix("use.") }
    #expect(records.count == rows.count)
    let next = try Machine(machine.files(), boot: "boot-2", clock: machine.clock)
    #expect(next.ledger.statistics.rows == rows)
    #expect(next.warnings == [])
  }

  @Test func longNamesAreCut() throws {
    let machine = try Machine(limits: ["board": limits("1M/d")])
    let long = String(repeating: "ä", count: 70_000)
    try use(machine, AgentID(long), long, 10)
    #expect(machine.ledger.statistics.rows.map(\.model.utf8.count) == [256])
    let next = try Machine(machine.files(), clock: machine.clock, limits: ["board": limits("1M/d")])
    #expect(next.ledger.statistics == machine.ledger.statistics)
  }

  @Test func aPowerCutIsSaidHonestly() throws {
    let machine = try Machine(limits: ["board": limits("1M/d")])
    try use(machine, "a", "m", 10)
    let committed = machine.clock.wallMilliseconds
    machine.clock.advance(by: .seconds(60))
    try use(machine, "a", "m", 10)
    // A kill loses nothing.
    let killed = try Machine(machine.files(), clock: machine.clock, limits: ["board": limits("1M/d")])
    #expect(killed.ledger.statistics == machine.ledger.statistics)
    #expect(killed.ledger.statistics.gaps == [])
    var files = try machine.files()
    files.journal = nil
    let cut = try Machine(files, boot: "boot-2", clock: machine.clock, limits: ["board": limits("1M/d")])
    let gap = TokenStatistics.Gap(from: committed, to: machine.clock.wallMilliseconds)
    #expect(cut.ledger.statistics.gaps == [gap])
    #expect(cut.ledger.statistics.rows.reduce(0) { $0 + $1.use.calls } <= 2)
    // It stays known, and an orderly stop makes no other.
    try use(cut, "a", "m", 10)
    #expect(cut.close() == .some(nil))
    var closed = try cut.files()
    closed.journal = nil
    let last = try Machine(closed, boot: "boot-3", clock: machine.clock, limits: ["board": limits("1M/d")])
    #expect(last.ledger.statistics == cut.ledger.statistics)
    #expect(last.ledger.statistics.gaps == [gap])
  }
}
