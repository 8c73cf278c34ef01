/// The tables of the registry, and the migrations between its formats.
///
/// The last column of every table is `sum`, the checksum of the row's other columns. `meta` never changes its columns:
/// it has the format's number and the checksum of all table definitions.
struct Schema {
  /// Step `n` migrates from format `n` to `n + 1`; format 0 has only `meta`.
  let steps: [[String]]

  /// The format that this program writes.
  var version: Int { steps.count }

  /// The schema of this release.
  static let current = Schema(steps: [
    [
      """
      CREATE TABLE agents (
        id TEXT PRIMARY KEY, manifest TEXT NOT NULL, file TEXT NOT NULL, enabled INTEGER NOT NULL, sum INTEGER NOT NULL
      ) WITHOUT ROWID
      """,
      """
      CREATE TABLE agent_state (
        agent TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (agent, key)
      ) WITHOUT ROWID
      """,
      """
      CREATE TABLE ledger (
        number INTEGER PRIMARY KEY, time INTEGER NOT NULL, agent TEXT NOT NULL, reason TEXT NOT NULL,
        message TEXT NOT NULL, event TEXT, boot TEXT NOT NULL, uptime INTEGER NOT NULL, sum INTEGER NOT NULL
      )
      """,
    ],
    // The ledger also covers the daemon and the board, and has columns for signal, budget and event type.
    [
      "ALTER TABLE ledger RENAME TO ledger_of_agents",
      """
      CREATE TABLE ledger (
        number INTEGER PRIMARY KEY, scope TEXT NOT NULL, time INTEGER NOT NULL, agent TEXT NOT NULL,
        reason TEXT NOT NULL, message TEXT NOT NULL, signal INTEGER, budget TEXT, event TEXT, event_type TEXT,
        boot TEXT NOT NULL, uptime INTEGER NOT NULL, sum INTEGER NOT NULL
      )
      """,
      """
      INSERT INTO ledger
        SELECT number, 'agent', time, agent, reason, message, NULL, NULL, event, NULL, boot, uptime, 0
        FROM ledger_of_agents
      """,
      "DROP TABLE ledger_of_agents",
    ],
  ])

  /// Makes an empty registry out of an empty file.
  func create(in database: Database) throws(StoreError) {
    try database.transaction { () throws(StoreError) in
      // "OSAR", for file(1) only.
      try database.execute("PRAGMA application_id = 0x4F534152")
      try database.execute(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID")
      try upgrade(from: 0, in: database)
    }
  }

  /// Migrates an older registry to the current format, in one transaction.
  /// - Returns: whether it was older.
  /// - Throws: `newer` for a format beyond the current one.
  func migrate(_ database: Database) throws(StoreError) -> Bool {
    let found = try Schema.version(of: database)
    if found > version { throw .newer(database.path, found: found, known: version) }
    guard found < version else { return false }
    try database.transaction { () throws(StoreError) in try upgrade(from: found, in: database) }
    return true
  }

  private func upgrade(from found: Int, in database: Database) throws(StoreError) {
    for step in steps[found...] {
      for statement in step { try database.execute(statement) }
    }
    for table in try Schema.tables(of: database) { try Schema.seal(table, in: database) }
    try database.put("meta", [.text("format"), .text(String(version))])
    try database.put("meta", [.text("schema"), .text(try Schema.fingerprint(of: database))])
  }

  /// Computes the checksums of all rows of a table, since rows that a step has moved or changed have none yet.
  private static func seal(_ table: String, in database: Database) throws(StoreError) {
    let key = try database.rows("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", [.text(table)])
      .compactMap { $0.first?.text }
    let condition = key.map { "\($0) = ?" }.joined(separator: " AND ")
    let keys = try database.rows("SELECT \(key.joined(separator: ", ")), * FROM \(table)")
    for row in keys {
      let sum = Checksum.of(row.dropFirst(key.count).dropLast())
      try database.run("UPDATE \(table) SET sum = ? WHERE \(condition)", [sum] + row.prefix(key.count))
    }
  }

  static func version(of database: Database) throws(StoreError) -> Int {
    let rows = try database.rows("SELECT value FROM meta WHERE key = 'format'")
    guard let version = rows.first?.first?.text.flatMap({ Int($0) }), version >= 1 else {
      throw .corrupt(database.path, detail: "it does not say which format it has")
    }
    return version
  }

  static func tables(of database: Database) throws(StoreError) -> [String] {
    try database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").compactMap { $0.first?.text }
  }

  /// The checksum of all table definitions.
  static func fingerprint(of database: Database) throws(StoreError) -> String {
    var checksum = Checksum()
    for row in try database.rows("SELECT type, name, sql FROM sqlite_master ORDER BY name") {
      for cell in row { checksum.add(cell) }
    }
    return String(checksum.value, radix: 16)
  }
}

extension Database {
  /// Inserts a row with its checksum, replacing the row with the same key.
  func put(_ table: String, _ cells: [Cell]) throws(StoreError) {
    let places = Array(repeating: "?", count: cells.count + 1).joined(separator: ", ")
    try run("INSERT OR REPLACE INTO \(table) VALUES (\(places))", cells + [Checksum.of(cells)])
  }
}
