import CSQLite

/// The only owner of an SQLite connection. Only one thread may use it at a time.
///
/// SAFETY: `handle` is valid from `init` to `deinit`; statements do not outlive the call that made them.
@safe final class Database {
  /// The path of the file.
  let path: String
  private let handle: OpaquePointer
  /// The result code of the last failure; SQLITE_OK before the first.
  private(set) var lastFailure = SQLITE_OK

  /// Configures SQLite's memory once, before the first connection.
  private static let keepsSmall: Void = openstarry_sqlite_keep_small()

  /// Opens a file for reading and writing.
  /// - Parameter create: whether to create a missing file; otherwise that is an error.
  init(_ path: String, create: Bool) throws(StoreError) {
    self.path = path
    Database.keepsSmall
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (create ? SQLITE_OPEN_CREATE : 0)
    var opened: OpaquePointer?
    let result = unsafe path.withCString { unsafe sqlite3_open_v2($0, &opened, flags, nil) }
    guard result == SQLITE_OK, let handle = unsafe opened else {
      defer { unsafe sqlite3_close_v2(opened) }
      throw unsafe Database.error(opened, result, "open", path)
    }
    unsafe self.handle = handle
  }

  /// Opens a file that nobody writes to, ignoring its log. Writes nothing, not even files beside it.
  init(reading path: String) throws(StoreError) {
    self.path = path
    Database.keepsSmall
    var address = "file:"
    for byte in path.utf8 {
      let character = Character(Unicode.Scalar(byte))
      // Unreserved characters of a URI's path (RFC 3986, 2.3), and its slashes.
      let isPlain = character.isASCII && (character.isLetter || character.isNumber || "/-._~".utf8.contains(byte))
      address += isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI
    let result = unsafe "\(address)?immutable=1".withCString { unsafe sqlite3_open_v2($0, &opened, flags, nil) }
    guard result == SQLITE_OK, let handle = unsafe opened else {
      defer { unsafe sqlite3_close_v2(opened) }
      throw unsafe Database.error(opened, result, "open", path)
    }
    unsafe self.handle = handle
  }

  deinit { unsafe sqlite3_close_v2(handle) }

  /// Frees cached pages that are not in use (sqlite3_db_release_memory).
  func releaseMemory() { unsafe sqlite3_db_release_memory(handle) }

  /// Whether SQLite opened the database read-only.
  var isReadOnly: Bool { unsafe sqlite3_db_readonly(handle, "main") == 1 }

  /// Runs statements without values; rows are ignored.
  func execute(_ sql: String) throws(StoreError) {
    let result = unsafe sql.withCString { unsafe sqlite3_exec(handle, $0, nil, nil, nil) }
    if result != SQLITE_OK { throw error(result, "write") }
  }

  /// Compiles one statement and binds `values` to its `?`.
  func prepare(_ sql: String, _ values: [Cell] = []) throws(StoreError) -> Statement {
    var compiled: OpaquePointer?
    let result = unsafe sql.withCString { unsafe sqlite3_prepare_v2(handle, $0, -1, &compiled, nil) }
    guard result == SQLITE_OK, let compiled = unsafe compiled else { throw error(result, "read") }
    let statement = unsafe Statement(owning: compiled, of: self)
    try statement.bind(values)
    return statement
  }

  /// Runs one statement; rows are ignored.
  func run(_ sql: String, _ values: [Cell] = []) throws(StoreError) {
    let statement = try prepare(sql, values)
    while try statement.step() {}
  }

  /// All rows of a query.
  func rows(_ sql: String, _ values: [Cell] = []) throws(StoreError) -> [[Cell]] {
    let statement = try prepare(sql, values)
    var rows: [[Cell]] = []
    while try statement.step() { rows.append(statement.row) }
    return rows
  }

  /// Runs `body` in a transaction, which is rolled back when it throws.
  func transaction<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    try execute("BEGIN IMMEDIATE")
    do throws(StoreError) {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // After some errors SQLite has already rolled back by itself (sqlite.org/lang_transaction.html).
      if unsafe sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
      throw error
    }
  }

  /// The error for a result code that this connection has just returned.
  func error(_ code: Int32, _ operation: String) -> StoreError {
    lastFailure = code
    return unsafe Database.error(handle, code, operation, path)
  }

  private static func error(
    _ handle: OpaquePointer?, _ code: Int32, _ operation: String, _ path: String
  ) -> StoreError {
    // SAFETY: SQLite owns the texts; they are valid until the next call on this connection.
    let detail = unsafe String(cString: unsafe handle == nil ? sqlite3_errstr(code) : sqlite3_errmsg(handle))
    let errno: Int32 = unsafe handle == nil ? 0 : sqlite3_system_errno(handle)
    return StoreError(code: code, errno: errno, operation: operation, path: path, detail: detail)
  }
}
