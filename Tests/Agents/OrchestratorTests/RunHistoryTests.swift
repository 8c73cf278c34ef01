import Linux
import Model
import Store
import TestKit
import Testing

@testable import Orchestrator

@Suite struct RunHistoryTests {
  private func reasons(after last: LedgerEntry?, boot: String, crash: LedgerEntry? = nil) -> [String] {
    RunHistory.start(after: last, boot: boot, time: 5, uptime: 6, crash: crash).map { "\($0.scope) \($0.reason)" }
  }

  private func line(_ reason: String) -> LedgerEntry { LedgerEntry(.daemon, time: 1, reason: reason, boot: "one") }

  @Test func aStartSaysWhatBecameOfTheRunBefore() {
    #expect(reasons(after: nil, boot: "one") == ["daemon started"])
    #expect(reasons(after: line("stopped"), boot: "one") == ["daemon started"])
    let noted = RunHistory.start(after: line("stopped"), boot: "one", time: 5, uptime: 6, note: "why")
    #expect(noted.map(\.message) == ["why"])
    #expect(reasons(after: line("stopped"), boot: "two") == ["board booted", "daemon started"])
    #expect(reasons(after: line("started"), boot: "one") == ["daemon crashed", "daemon started"])
    #expect(reasons(after: line("started"), boot: "two") == ["board power-lost", "daemon started"])
    let crash = LedgerEntry(.daemon, time: 5, reason: "crash.signal", signal: 11)
    // Killed before anything of it was on the disk.
    #expect(reasons(after: nil, boot: "one", crash: crash) == ["daemon crash.signal", "daemon started"])
    #expect(reasons(after: line("started"), boot: "one", crash: crash) == ["daemon crash.signal", "daemon started"])
  }

  @Test func whatWasKeptSurvivesAndIsToldWithWhatWaits() throws {
    let folder = try TemporaryFolder()
    var last: LedgerEntry?
    for run in 1...3 {
      let life = try StoredRegistryTests.Life(folder.path, boot: "boot-\(run)")
      let kept = life.registry.open(timeout: .seconds(20))
      #expect(kept.lastOfDaemon == last)
      let lines = RunHistory.start(after: last, boot: life.registry.boot, time: UInt64(run), uptime: 1)
      try life.registry.keep(lines.map(RegistryChange.ledger))
      var entry = LedgerEntry(
        time: UInt64(run), agent: "a", reason: "budget.cpu", budget: ["used": 5], eventType: "x:y")
      try life.registry.keep([.ledger(entry)])
      entry.boot = life.registry.boot
      var told: [LedgerEntry]?
      life.registry.history("a", last: 1) { told = try? $0.get() }
      #expect(life.run { told != nil })
      #expect(told == [entry])
      if run == 2 { try life.registry.keep([.ledger(line("stopped"))]) }
      life.close()
      last = run == 2 ? LedgerEntry(.daemon, time: 1, reason: "stopped", boot: "boot-2") : lines.last
    }
    let life = try StoredRegistryTests.Life(folder.path)
    _ = life.registry.open(timeout: .seconds(20))
    var all: [LedgerEntry]?
    life.registry.history(nil, last: 100) { all = try? $0.get() }
    #expect(life.run { all != nil })
    #expect(
      all?.filter { $0.scope != .agent }.map(\.reason) == [
        "started", "power-lost", "started", "stopped", "booted", "started",
      ])
    life.close()
  }

  @Test func whatIsWrittenIsCounted() throws {
    let folder = try TemporaryFolder()
    let life = try StoredRegistryTests.Life(folder.path)
    _ = life.registry.open(timeout: .seconds(20))
    var written: [Int64] = []
    life.registry.onWritten = { written.append($0) }
    try life.registry.keep([.state("a", key: "k", 1)])
    #expect(life.run { !written.isEmpty })
    // On a file system in memory nothing goes to a disk; where something does, it is a few pages.
    #expect(written.allSatisfy { (0..<(16 << 20)).contains($0) })
    life.close()
  }

  @Test func theKernelsCountIsRead() throws {
    let folder = try TemporaryFolder()
    try Files.replace("\(folder.path)/io", with: Array("rchar: 1\nwchar: 2\nwrite_bytes: 4096\nx: 1\n".utf8))
    #expect(DiskWrites.total("\(folder.path)/io") == 4096)
    #expect(DiskWrites.total("\(folder.path)/none") == nil)
  }
}
