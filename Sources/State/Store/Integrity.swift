import CSQLite

/// Checks a registry for damage: its pages, its table definitions, and every row.
enum Integrity {
  /// Runs `body` and reports SQLITE_ERROR as damage: a flipped bit in a table definition shows as a syntax error or a
  /// missing table, and one in the header as an unsupported format.
  static func tellingDamage(of database: Database, _ body: () throws(StoreError) -> Void) throws(StoreError) {
    do throws(StoreError) {
      try body()
    } catch {
      if database.lastFailure & 0xFF == SQLITE_ERROR { throw .corrupt(database.path, detail: error.detail) }
      throw error
    }
  }

  /// Reads and checks everything once.
  /// - Throws: `corrupt` with the first damage found.
  static func check(_ database: Database) throws(StoreError) {
    let report = try database.rows("PRAGMA quick_check(1)").first?.first?.text ?? "no answer"
    guard report == "ok" else { throw .corrupt(database.path, detail: report) }
    let noted = try database.rows("SELECT value FROM meta WHERE key = 'schema'").first?.first?.text
    guard try noted == Schema.fingerprint(of: database) else {
      throw .corrupt(database.path, detail: "its table definitions have changed")
    }
    for table in try Schema.tables(of: database) {
      let statement = try database.prepare("SELECT * FROM \(table)")
      while try statement.step() {
        let row = statement.row
        guard row.last == Checksum.of(row.dropLast()) else {
          throw .corrupt(database.path, detail: "a row of \(table) does not match its checksum")
        }
      }
    }
  }
}
