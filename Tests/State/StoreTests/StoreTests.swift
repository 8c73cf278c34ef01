import Linux
import Model
import TestKit
import Testing

@testable import Store

@Suite struct StoreTests {
  private let climate = StoredAgent(
    id: "climate", manifest: ["identity": ["id": "climate"], "list": [1, 2.5, true, nil, "ü"]], file: "/a/agent.json")

  private func entry(_ agent: AgentID, _ time: UInt64, message: String = "m") -> LedgerEntry {
    LedgerEntry(
      time: time, agent: agent, reason: "crash.signal", message: message, event: ULID(high: 5, low: time), boot: "b",
      uptime: 9)
  }

  @Test func everythingIsReadBackAfterReopening() throws {
    let folder = try TemporaryFolder()
    var store = try folder.store()
    #expect(store.notices == [])
    try store.registerAgent(climate)
    try store.apply([
      .setState("climate", key: "count", 41), .setState("climate", key: "count", 42),
      .setState("climate", key: "map", ["a": [1.5, .null]]), .setState("other", key: "gone", 1),
      .setState("other", key: "gone", nil), .appendLedger(entry("climate", 7)), .setNote("x", "y"),
    ])
    for isReopened in [false, true] {
      if isReopened {
        store.close()
        store = try folder.store()
      }
      #expect(store.notices == [])
      #expect(try store.agents() == [climate])
      #expect(try store.state("climate") == ["count": 42, "map": ["a": [1.5, nil]]])
      #expect(try store.states() == ["climate": ["count": 42, "map": ["a": [1.5, nil]]]])
      #expect(try store.ledger("climate", last: 10) == [entry("climate", 7)])
      #expect(try store.ledger("nobody", last: 10) == [])
      #expect(try store.note("x") == "y")
      #expect(try store.note("z") == nil)
    }
    store.close()
    #expect(folder.names == ["registry.db", "registry.db.good"])
  }

  @Test func theLogOfAKilledProcessIsCheckpointedBeforeTheFirstWrite() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.setState("climate", "count", 41)
    // The file and its log, as after a kill.
    let left = try TemporaryFolder()
    for name in folder.names { try left.write(name, try folder.bytes(name)) }
    #expect(try left.bytes("registry.db-wal").count > 32)
    let next = try left.store()
    #expect(next.notices == [])
    #expect(try left.bytes("registry.db-wal").isEmpty)
    // The old log is no longer needed.
    let file = try TemporaryFolder()
    try file.write("registry.db", try left.bytes("registry.db"))
    #expect(try file.store().state("climate") == ["count": 41])
    try next.setState("climate", "count", 42)
    next.close()
    #expect(try left.store().state("climate") == ["count": 42])
  }

  @Test func aClosedRegistryCanBeReadWithoutWriting() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.registerAgent(climate)
    try store.setState("climate", "count", 41)
    // The content of a log must not be silently ignored.
    #expect(throws: StoreError.self) { try Store(reading: folder.path) }
    store.close()
    let before = folder.names
    let look = try Store(reading: folder.path)
    #expect(try look.agents() == [climate])
    #expect(try look.state("climate") == ["count": 41])
    #expect(throws: StoreError.self) { try look.setState("climate", "count", 42) }
    look.close()
    #expect(folder.names == before)
    try folder.write("registry.db", Array(try folder.bytes("registry.db").dropLast(4096)))
    #expect(throws: StoreError.self) { try Store(reading: folder.path) }
    #expect(throws: StoreError.self) { try Store(reading: "\(folder.path)/a #?%41 b") }
  }

  @Test func removingAnAgentRemovesItsStateButNotItsLedger() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.apply([
      .registerAgent(climate), .setState("climate", key: "k", 1), .setState("other", key: "k", 2),
      .appendLedger(entry("climate", 1)),
    ])
    try store.removeAgent("climate")
    #expect(try store.agents() == [])
    #expect(try store.state("climate") == [:])
    #expect(try store.state("other") == ["k": 2])
    #expect(try store.ledger(last: 9).count == 1)
    try store.removeState("other")
    #expect(try store.states() == [:])
  }

  @Test func theLedgerIsBounded() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    let many = StoreLimits.ledgerLinesPerAgent + 30
    try store.apply((0..<many).map { .appendLedger(entry("noisy", UInt64($0))) })
    try store.appendLedger(entry("quiet", 1, message: String(repeating: "é", count: 5000)))
    let lines = try store.ledger("noisy", last: .max)
    #expect(lines.count == StoreLimits.ledgerLinesPerAgent)
    #expect(lines.first?.time == 30)
    #expect(lines.last?.time == UInt64(many - 1))
    #expect(try store.ledger("noisy", last: 2).map(\.time) == [UInt64(many - 2), UInt64(many - 1)])
    let message = try #require(try store.ledger("quiet", last: 1).first).message
    #expect(message == String(repeating: "é", count: StoreLimits.messageBytes / 2))

    for agent in 0..<30 {
      try store.apply((0..<100).map { .appendLedger(entry(AgentID("a\(agent)"), $0)) })
    }
    #expect(try store.ledger(last: .max).count == StoreLimits.ledgerLines)
  }

  @Test func valuesThatCannotBeReadBackAreRefusedWithTheirBatch() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.setState("a", "k", 1)
    var deep = Value.int(1)
    for _ in 0..<100 { deep = [deep] }
    let refused: [StoreChange] = [
      .setState("a", key: String(repeating: "k", count: 257), 1), .setState("a", key: "k\0", 1),
      .setState("a", key: "k", "nul \0"), .setState("a", key: "k", deep),
      .setState("a", key: "k", .string(String(repeating: "x", count: 65_536))),
      .registerAgent(StoredAgent(id: "d", manifest: deep, file: "")),
    ]
    for change in refused {
      guard
        case .invalid(let why) = failure({ () throws(StoreError) in
          try store.apply([.setState("a", key: "k", 2), change])
        })
      else {
        Issue.record("not refused: \(change)")
        continue
      }
      #expect(why.contains("'a'") || why.contains("'d'"))
      #expect(try store.state("a") == ["k": 1])
    }
    try store.setState("a", "k", .bytes([1, 2, 3]))
    #expect(try store.state("a") == ["k": "AQID"])
  }

  @Test func aSecondHandleIsLockedOut() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.setState("a", "k", 1)
    #expect(failure { () throws(StoreError) in _ = try folder.store() } == .locked("\(folder.path)/registry.db"))
    try store.setState("a", "k", 2)
    #expect(try store.state("a") == ["k": 2])
    store.close()
    #expect(try folder.store().state("a") == ["k": 2])
  }

  @Test func aClosedStoreThrows() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    store.close()
    store.close()
    #expect(
      failure { () throws(StoreError) in try store.setState("a", "k", 1) }?.description.contains("closed") == true)
  }

  @Test func aFolderThatCannotBeMadeThrows() {
    guard
      case .failed("mkdir", "/dev/null/x", let detail) = failure({ () throws(StoreError) in
        _ = try Store(folder: "/dev/null/x")
      })
    else {
      Issue.record("it opened")
      return
    }
    #expect(detail == "Not a directory")
  }

  /// A commit writes one frame for each page that it touches.
  @Test func aCommitWritesLittle() throws {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try store.setState("a", "k", 0)
    let before = try #require(Files.size("\(folder.path)/registry.db-wal"))
    for number in 1...10 { try store.setState("a", "k", .int(Int64(number))) }
    let after = try #require(Files.size("\(folder.path)/registry.db-wal"))
    #expect((after - before) / 10 <= 4096 + 24)
    for number in 0..<2000 { try store.setState("a", "k\(number % 50)", .int(Int64(number))) }
    #expect(try #require(Files.size("\(folder.path)/registry.db-wal")) <= 128 * 4120 + 32)
  }
}

/// The error that `body` throws, nil when it throws none.
func failure(_ body: () throws(StoreError) -> Void) -> StoreError? {
  do throws(StoreError) {
    try body()
    return nil
  } catch {
    return error
  }
}
