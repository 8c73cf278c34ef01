import Document
import Linux
import Model

/// The durable registry, `registry.db`: agents, their state and the restart ledger.
///
/// All calls block, so use it on one worker thread. A batch survives a power cut once `apply` has returned. A copy,
/// `registry.db.good`, replaces the file when that is found damaged.
///
/// The file is opened exclusively, in write-ahead mode: a commit costs one fsync and half the bytes of a rollback
/// journal, which needs four. Exclusive access makes a shared-memory file unnecessary.
package final class Store {
  private let place: StorePlace
  private(set) var database: Database?
  private var batchesSinceCopy = 0
  private var hasOldLog: Bool

  /// Messages for the operator about damage, repairs and losses found on opening; normally empty.
  package let notices: [String]

  /// Why the last attempt to make a good copy failed; nil when it succeeded. Applied changes are stored in either case.
  package private(set) var copyProblem: StoreError?

  /// The number of batches after which a good copy is made; changes of registrations make one at once.
  static let batchesPerCopy = 256

  /// Opens the registry in `folder`, which is created if missing; repairs a damaged registry.
  /// - Throws: `locked` by another process, `newer`, `full`, `readOnly` or `failed`; never for damage alone.
  package convenience init(folder: String) throws(StoreError) { try self.init(folder: folder, schema: .current) }

  init(folder: String, schema: Schema) throws(StoreError) {
    place = StorePlace(folder: folder)
    var recovery = Recovery(place: place, schema: schema)
    let opened = try recovery.open()
    database = opened
    notices = recovery.notices
    hasOldLog = recovery.hasOldLog
    // Reading works without it, and `apply` tries again.
    try? takeOverOldLog(opened)
    if recovery.needsCopy { keepCopy() }
  }

  /// Opens a cleanly closed registry for reading only, which needs no writable disk, not even for a log. `apply` always
  /// throws then.
  /// - Throws: `failed` when there is a log, whose content cannot be read this way; `corrupt`; errors of reading.
  package init(reading folder: String) throws(StoreError) {
    place = StorePlace(folder: folder)
    guard Files.size("\(place.file)-wal") ?? 0 == 0 else {
      throw .failed(operation: "read", path: place.file, detail: "it was not closed")
    }
    // SQLite would wait at a pipe for ever.
    guard !Files.exists(place.file) || Files.isFile(place.file) else {
      throw .failed(operation: "read", path: place.file, detail: SystemError.text(SystemError.notRegular))
    }
    let database = try Database(reading: place.file)
    try Integrity.tellingDamage(of: database) { () throws(StoreError) in try Integrity.check(database) }
    self.database = database
    notices = ["\(place.file) can only be read"]
    hasOldLog = false
  }

  /// Makes a good copy if anything has changed, and closes the file. Later calls throw `failed`.
  package func close() {
    guard database != nil else { return }
    if batchesSinceCopy > 0 { keepCopy() }
    database = nil
  }

  // MARK: Writing

  /// Applies all changes or none; returns when they are on the disk.
  /// - Throws: any `StoreError`; the batch is rolled back, and earlier batches remain stored.
  package func apply(_ changes: [StoreChange]) throws(StoreError) {
    guard !changes.isEmpty else { return }
    let database = try opened()
    for change in changes { try change.check() }
    try takeOverOldLog(database)
    try database.transaction { () throws(StoreError) in
      for change in changes { try apply(change, to: database) }
    }
    batchesSinceCopy += 1
    let registers = changes.contains {
      switch $0 {
      case .registerAgent, .removeAgent: true
      default: false
      }
    }
    if registers || batchesSinceCopy >= Self.batchesPerCopy { keepCopy() }
  }

  /// Registers an agent or replaces its registration.
  package func registerAgent(_ agent: StoredAgent) throws(StoreError) { try apply([.registerAgent(agent)]) }

  /// Removes an agent and its state; its ledger lines stay.
  package func removeAgent(_ id: AgentID) throws(StoreError) { try apply([.removeAgent(id)]) }

  /// Stores a value of an agent's state; nil removes it.
  package func setState(_ agent: AgentID, _ key: String, _ value: Value?) throws(StoreError) {
    try apply([.setState(agent, key: key, value)])
  }

  /// Removes all of an agent's state.
  package func removeState(_ agent: AgentID) throws(StoreError) { try apply([.removeState(agent)]) }

  /// Appends to the restart ledger.
  package func appendLedger(_ entry: LedgerEntry) throws(StoreError) { try apply([.appendLedger(entry)]) }

  /// Replaces the good copy with a copy of the present registry. After a failure, `copyProblem` has the error and the
  /// old copy stays.
  package func keepCopy() {
    guard let database else { return }
    do throws(StoreError) {
      try place.makeCopy(of: database)
      copyProblem = nil
      batchesSinceCopy = 0
    } catch {
      copyProblem = error
    }
  }

  /// Frees SQLite's page cache; the kernel caches the same pages.
  package func releaseMemory() { database?.releaseMemory() }

  // MARK: Reading

  /// All registered agents, sorted by id.
  package func agents() throws(StoreError) -> [StoredAgent] {
    let rows = try opened().rows("SELECT id, manifest, file FROM agents ORDER BY id")
    return try rows.map { row throws(StoreError) in
      StoredAgent(
        id: AgentID(row[0].text ?? ""), manifest: try decode(row[1]), file: row[2].text ?? "")
    }
  }

  /// The state of one agent, sorted by key; empty when it has none.
  package func state(_ agent: AgentID) throws(StoreError) -> Fields {
    let rows = try opened().rows(
      "SELECT key, value FROM agent_state WHERE agent = ? ORDER BY key", [.text(agent.rawValue)])
    return Fields(
      uniquePairs: try rows.map { row throws(StoreError) in (row[0].text ?? "", try decode(row[1])) })
  }

  /// The state of all agents that have any.
  package func states() throws(StoreError) -> [AgentID: Fields] {
    var states: [AgentID: Fields] = [:]
    for row in try opened().rows("SELECT agent, key, value FROM agent_state ORDER BY agent, key") {
      states[AgentID(row[0].text ?? ""), default: [:]][row[1].text ?? ""] = try decode(row[2])
    }
    return states
  }

  /// The newest lines of the restart ledger, oldest first.
  /// - Parameters:
  ///   - agent: only lines about this agent; nil for all lines, including those about the daemon and the board.
  ///   - last: the most lines.
  package func ledger(_ agent: AgentID? = nil, last: Int) throws(StoreError) -> [LedgerEntry] {
    let columns =
      "SELECT scope, time, agent, reason, message, signal, budget, event, event_type, boot, uptime FROM ledger"
    let limit = Cell.integer(Int64(max(0, last)))
    let rows =
      if let agent {
        try opened().rows(
          "\(columns) WHERE agent = ? ORDER BY number DESC LIMIT ?", [.text(agent.rawValue), limit])
      } else {
        try opened().rows("\(columns) ORDER BY number DESC LIMIT ?", [limit])
      }
    return try rows.reversed().map { row throws(StoreError) in try entry(row) }
  }

  /// The newest line about the daemon itself; nil before its first start.
  package func lastOfDaemon() throws(StoreError) -> LedgerEntry? {
    let row = try opened().rows(
      """
      SELECT scope, time, agent, reason, message, signal, budget, event, event_type, boot, uptime FROM ledger
      WHERE scope = 'daemon' ORDER BY number DESC LIMIT 1
      """
    ).first
    guard let row else { return nil }
    return try entry(row)
  }

  private func entry(_ row: [Cell]) throws(StoreError) -> LedgerEntry {
    LedgerEntry(
      LedgerEntry.Scope(rawValue: row[0].text ?? "") ?? .agent, time: UInt64(clamping: row[1].integer ?? 0),
      agent: AgentID(row[2].text ?? ""), reason: row[3].text ?? "", message: row[4].text ?? "",
      signal: row[5].integer.flatMap { Int32(exactly: $0) },
      budget: row[6].text == nil ? nil : try decode(row[6]).map,
      event: row[7].text.flatMap { ULID($0) }, eventType: row[8].text, boot: row[9].text ?? "",
      uptime: UInt64(clamping: row[10].integer ?? 0))
  }

  /// A setting of the daemon itself; nil when it is not stored.
  package func note(_ key: String) throws(StoreError) -> String? {
    try opened().rows("SELECT value FROM meta WHERE key = ?", [.text("note.\(key)")]).first?.first?.text
  }

  /// All settings whose keys begin with `prefix`.
  /// - Returns: the rest of each key after the prefix, and the text.
  package func notes(beginning prefix: String) throws(StoreError) -> [(key: String, text: String)] {
    let whole = "note.\(prefix)"
    return try opened().rows(
      "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?",
      [.integer(Int64(whole.unicodeScalars.count)), .text(whole)]
    ).compactMap { row in
      guard row.count == 2, let key = row[0].text, let text = row[1].text else { return nil }
      return (String(key.dropFirst(whole.count)), text)
    }
  }

  // MARK: Inside

  /// Writes an earlier process's log to the file (checkpoint) and starts a new log.
  ///
  /// After a failed fsync(2) the kernel still returns the unwritten pages from its cache and marks them clean. So the
  /// old log could have a hole on the disk, and SQLite would ignore everything after the hole after a power cut.
  private func takeOverOldLog(_ database: Database) throws(StoreError) {
    guard hasOldLog else { return }
    let answer = try database.rows("PRAGMA wal_checkpoint(TRUNCATE)").first?.first
    guard answer?.integer == 0 else {
      throw .failed(operation: "write", path: place.file, detail: "the previous log cannot be written to it now")
    }
    hasOldLog = false
  }

  private func opened() throws(StoreError) -> Database {
    guard let database else { throw .failed(operation: "use", path: place.file, detail: "it has been closed") }
    return database
  }

  private func decode(_ cell: Cell) throws(StoreError) -> Value {
    do {
      return try JSON.decode((cell.text ?? "").utf8.map { $0 }[...], limits: .defaultValue)
    } catch {
      throw .corrupt(place.file, detail: error.message)
    }
  }
}
