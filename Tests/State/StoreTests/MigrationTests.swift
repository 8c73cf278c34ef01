import Linux
import Model
import TestKit
import Testing

@testable import Store

@Suite struct MigrationTests {
  /// A later format with one more column and one more table.
  private let later = Schema(
    steps: Schema.current.steps + [
      [
        "CREATE TABLE plugins (name TEXT PRIMARY KEY, version TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO plugins VALUES ('tables', '1', 0)",
        "UPDATE agents SET file = '/moved' || file",
      ]
    ])

  private let agent = StoredAgent(id: "a", manifest: [:], file: "/f")

  @Test func anOlderRegistryIsMigrated() throws {
    let folder = try TemporaryFolder()
    let old = try folder.store()
    try old.apply([.registerAgent(agent), .setState("a", key: "k", 1)])
    old.close()
    for _ in 0..<2 {
      let new = try Store(folder: folder.path, schema: later)
      #expect(new.notices == [])
      #expect(try new.agents().map(\.file) == ["/moved/f"])
      #expect(try new.state("a") == ["k": 1])
      new.close()
    }
  }

  @Test func theLedgerOfTheFirstFormatIsKept() throws {
    let folder = try TemporaryFolder()
    let first = try Store(folder: folder.path, schema: Schema(steps: [Schema.current.steps[0]]))
    let event = try #require(ULID("01M81R7Z7JBVM54BGCAA1GZWAN"))
    try first.database?.put(
      "ledger",
      [
        .integer(1), .integer(1000), .text("climate"), .text("error"), .text("it broke"), .text(event.description),
        .text("boot"), .integer(5),
      ])
    first.close()
    let now = try folder.store()
    #expect(now.notices == [])
    let kept = LedgerEntry(
      time: 1000, agent: "climate", reason: "error", message: "it broke", event: event, boot: "boot", uptime: 5)
    #expect(try now.ledger(last: 9) == [kept])
    try now.appendLedger(kept)
    #expect(try now.ledger("climate", last: 9) == [kept, kept])
    #expect(try now.lastOfDaemon() == nil)
  }

  @Test func aNewerRegistryIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let new = try Store(folder: folder.path, schema: later)
    try new.setState("a", "k", 1)
    new.close()
    let before = try folder.bytes("registry.db")
    let path = "\(folder.path)/registry.db"
    let error = failure { () throws(StoreError) in _ = try folder.store() }
    #expect(error == .newer(path, found: later.version, known: Schema.current.version))
    let supported = "this openstarryd supports only up to \(Schema.current.version)"
    #expect(
      error?.description
        == "\(path) has format \(later.version), but \(supported): install the newer one again")
    #expect(try folder.bytes("registry.db") == before)
    #expect(folder.names == ["registry.db", "registry.db.good"])
  }

  @Test func aFailedMigrationChangesNothing() throws {
    let folder = try TemporaryFolder()
    let old = try folder.store()
    try old.registerAgent(agent)
    old.close()
    let broken = Schema(steps: later.steps + [["UPDATE agents SET file = ''", "DROP TABLE nothing"]])
    #expect(failure { () throws(StoreError) in _ = try Store(folder: folder.path, schema: broken) } != nil)
    let again = try folder.store()
    #expect(again.notices == [])
    #expect(try again.agents() == [agent])
  }
}
