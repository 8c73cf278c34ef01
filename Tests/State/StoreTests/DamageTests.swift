import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import Store

/// Damage by flash memory and power cuts: opening a registry must neither fail because of it nor hide it.
@Suite struct DamageTests {
  private struct Sample {
    var file: [UInt8]
    var copy: [UInt8]
    var log: [UInt8]
    var contents: Contents
  }

  private func fill(_ store: Store) throws(StoreError) {
    try store.apply(
      (0..<6).map { number in
        .registerAgent(
          StoredAgent(id: AgentID("agent-\(number)"), manifest: ["n": .int(Int64(number))], file: "/x/\(number)"))
      })
    for number in 0..<8 {
      try store.apply([
        .setState("agent-1", key: "k\(number)", .int(Int64(number * 1000))),
        .appendLedger(LedgerEntry(time: UInt64(number), agent: "agent-2", reason: "error", message: "it broke")),
      ])
    }
    try store.apply([.setNote("x", "note"), .setState("agent-1", key: "k3", nil)])
  }

  /// The files of a registry that was closed, or that was killed with its newest changes in the log.
  private func sample(killed: Bool, restarted: Bool = false) throws -> Sample {
    let folder = try TemporaryFolder()
    let store = try folder.store()
    try fill(store)
    if restarted {
      // The log restarts and overwrites its old frames.
      try #require(store.database).execute("PRAGMA wal_checkpoint(RESTART)")
      try store.apply([.setState("agent-3", key: "late", 1), .removeAgent("agent-5")])
      try store.apply([.setState("agent-3", key: "later", 2)])
    }
    let contents = try Contents(store)
    if !killed { store.close() }
    return Sample(
      file: try folder.bytes("registry.db"), copy: try folder.bytes("registry.db.good"),
      log: killed ? try folder.bytes("registry.db-wal") : [], contents: contents)
  }

  /// Opens a registry with these files.
  /// - Returns: what went wrong; nil when nothing did.
  private func verdict(_ sample: Sample, file: [UInt8], copy: [UInt8]?, log: [UInt8]? = nil) throws -> String? {
    let folder = try TemporaryFolder()
    try folder.write("registry.db", file)
    if let copy { try folder.write("registry.db.good", copy) }
    if let log { try folder.write("registry.db-wal", log) }
    let store = try folder.store()
    let isWhole = try Contents(store) == sample.contents
    if !isWhole && store.notices.isEmpty { return "something is missing, and nothing says so" }
    // The registry must work after the repair, and be undamaged when it is opened again.
    try store.setState("after", "k", 1)
    store.close()
    let again = try folder.store()
    if again.notices != [] { return "damaged again: \(again.notices)" }
    if try again.state("after") != ["k": 1] { return "the change after the repair is missing" }
    return nil
  }

  @Test func flippedBits() throws {
    let sample = try sample(killed: false)
    var dice = SeededGenerator(11)
    // Every byte of the file's header, and the rest in strides with a random bit, so that every page is hit many times.
    let headerBits = environment("OPENSTARRY_EXHAUSTIVE") == nil ? [0, 7] : Array(0..<8)
    var flips: [(Int, Int)] = (0..<100).flatMap { offset in headerBits.map { (offset, $0) } }
    let step = environment("OPENSTARRY_EXHAUSTIVE") == nil ? 127 : 1
    for offset in Swift.stride(from: 100, to: sample.file.count, by: step) {
      flips.append((offset, Int.random(in: 0..<8, using: &dice)))
    }
    var restored = 0
    for (offset, bit) in flips {
      var file = sample.file
      file[offset] ^= 1 << UInt8(bit)
      if let wrong = try verdict(sample, file: file, copy: sample.copy) {
        Issue.record("bit \(bit) of byte \(offset): \(wrong)")
      }
      restored += 1
    }
    #expect(restored == flips.count)
  }

  @Test func truncation() throws {
    let sample = try sample(killed: false)
    for length in Swift.stride(from: 0, to: sample.file.count, by: 997) {
      if let wrong = try verdict(sample, file: Array(sample.file[..<length]), copy: sample.copy) {
        Issue.record("cut to \(length) bytes: \(wrong)")
      }
    }
  }

  @Test func zeroedBlocksAndForeignContent() throws {
    let sample = try sample(killed: false)
    for start in Swift.stride(from: 0, to: sample.file.count, by: 512) {
      var file = sample.file
      file.replaceSubrange(start..<start + 512, with: repeatElement(0, count: 512))
      if let wrong = try verdict(sample, file: file, copy: sample.copy) { Issue.record("block \(start): \(wrong)") }
    }
    for file in [[0], Array("hello".utf8), Array(repeating: 0xFF, count: 9000)] as [[UInt8]] {
      if let wrong = try verdict(sample, file: file, copy: sample.copy) { Issue.record("\(file.count): \(wrong)") }
    }
  }

  @Test func aKilledDaemonLosesNothing() throws {
    let sample = try sample(killed: true)
    #expect(sample.log.count > 4096)
    let folder = try TemporaryFolder()
    try folder.write("registry.db", sample.file)
    try folder.write("registry.db.good", sample.copy)
    try folder.write("registry.db-wal", sample.log)
    let store = try folder.store()
    #expect(store.notices == [])
    #expect(try Contents(store) == sample.contents)
  }

  @Test(arguments: [false, true])
  func damageToTheLog(restarted: Bool) throws {
    let sample = try sample(killed: true, restarted: restarted)
    var dice = SeededGenerator(12)
    // After the valid frames the log may contain anything.
    let used = restarted ? 32 + 3 * 4120 : sample.log.count
    let step = environment("OPENSTARRY_EXHAUSTIVE") == nil ? 2039 : 7
    for offset in Array(stride(from: 0, to: 56, by: 3)) + Array(Swift.stride(from: 56, to: used, by: step)) {
      var log = sample.log
      log[offset] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
      if let wrong = try verdict(sample, file: sample.file, copy: sample.copy, log: log) {
        Issue.record("byte \(offset): \(wrong)")
      }
    }
  }

  @Test func aTruncatedLogGivesAnEarlierState() throws {
    let sample = try sample(killed: true)
    for length in Swift.stride(from: 0, to: sample.log.count, by: 4001) {
      let folder = try TemporaryFolder()
      try folder.write("registry.db", sample.file)
      try folder.write("registry.db.good", sample.copy)
      try folder.write("registry.db-wal", Array(sample.log[..<length]))
      let ledger = try folder.store().ledger(last: .max)
      #expect(ledger == Array(sample.contents.ledger.prefix(ledger.count)))
    }
  }

  @Test func aRestoreIsReported() throws {
    let sample = try sample(killed: false)
    let folder = try TemporaryFolder()
    let garbage = Array("this is no database, whatever it was before".utf8)
    try folder.write("registry.db", garbage)
    try folder.write("registry.db.good", sample.copy)
    let store = try folder.store()
    #expect(
      store.notices == [
        "\(folder.path)/registry.db was damaged (file is not a database); it is kept as "
          + "\(folder.path)/registry.db.corrupt-1",
        "restored the registry from \(folder.path)/registry.db.good; changes since that copy are lost",
      ])
    #expect(try folder.bytes("registry.db.corrupt-1") == garbage)
    #expect(try Contents(store) == sample.contents)
  }

  @Test func aMissingRegistryIsRestoredFromItsCopy() throws {
    let sample = try sample(killed: false)
    let folder = try TemporaryFolder()
    try folder.write("registry.db.good", sample.copy)
    // A log without its registry must not be replayed into the copy.
    try folder.write("registry.db-wal", [1, 2, 3])
    let store = try folder.store()
    #expect(store.notices.first == "\(folder.path)/registry.db was missing")
    #expect(try Contents(store) == sample.contents)
  }

  @Test func withoutACopyANewRegistryIsMadeAndReported() throws {
    for copy in [nil, [], Array(repeating: 7, count: 5000)] as [[UInt8]?] {
      let folder = try TemporaryFolder()
      try folder.write("registry.db", [1, 2, 3])
      if let copy { try folder.write("registry.db.good", copy) }
      let store = try folder.store()
      #expect(store.notices.last == "began a new, empty registry")
      #expect(try store.agents() == [])
      try store.setState("a", "k", 1)
      store.close()
      #expect(try folder.store().notices == [])
      #expect(try folder.bytes("registry.db.corrupt-1") == [1, 2, 3])
      if let copy { #expect(try folder.bytes("registry.db.corrupt-2") == copy) }
    }
  }

  @Test func onlyThreeDamagedFilesAreKept() throws {
    let folder = try TemporaryFolder()
    for number in 0..<8 {
      try folder.write("registry.db", [UInt8(number)])
      try folder.store().close()
    }
    #expect(
      folder.names.filter { $0.contains("corrupt") } == [
        "registry.db.corrupt-6", "registry.db.corrupt-7", "registry.db.corrupt-8",
      ])
  }

  /// SQLite would wait at a pipe for ever.
  @Test func aFileThatIsNoRegularOneIsSetAside() throws {
    for name in ["registry.db", "registry.db.good", "registry.db-wal"] {
      for isPipe in [true, false] {
        let folder = try TemporaryFolder()
        let first = try folder.store()
        try fill(first)
        let contents = try Contents(first)
        first.close()
        let path = "\(folder.path)/\(name)"
        Files.remove(path)
        if isPipe { #expect(unsafe mkfifo(path, 0o600) == 0) } else { try Files.makeFolder(path) }
        // Opening it for reading only must not wait either.
        if name == "registry.db" { #expect(throws: StoreError.self) { _ = try Store(reading: folder.path) } }
        let store = try folder.store()
        #expect(
          store.notices.first == "\(path) is not a regular file; it is kept as \(folder.path)/registry.db.corrupt-1")
        #expect(try Contents(store) == contents, "\(name)")
        try store.apply([.setNote("x", "after")])
        store.close()
      }
    }
  }
}

func environment(_ name: String) -> String? {
  // SAFETY: nothing in the tests changes the environment.
  guard let value = unsafe getenv(name) else { return nil }
  return unsafe String(cString: value)
}
