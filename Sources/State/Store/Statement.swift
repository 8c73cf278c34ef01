import CSQLite

/// A value of a row, in SQLite's storage classes (sqlite.org/datatype3.html) without floating point.
enum Cell: Hashable {
  case null
  case integer(Int64)
  case text(String)
  case blob([UInt8])

  var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
  var blob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
}

/// The only owner of a compiled statement.
///
/// SAFETY: `handle` is valid from `init` to `deinit`, and `database` keeps its connection open that long.
@safe struct Statement: ~Copyable {
  private let handle: OpaquePointer
  private let database: Database

  init(owning handle: OpaquePointer, of database: Database) {
    unsafe self.handle = handle
    self.database = database
  }

  deinit { unsafe sqlite3_finalize(handle) }

  /// Binds `values` to the statement's `?`.
  func bind(_ values: [Cell]) throws(StoreError) {
    for (index, value) in values.enumerated() {
      let result = bind(Int32(index + 1), value)
      if result != SQLITE_OK { throw database.error(result, "write") }
    }
  }

  /// Advances to the next row.
  /// - Returns: false at the end.
  func step() throws(StoreError) -> Bool {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw database.error(code, unsafe sqlite3_stmt_readonly(handle) == 0 ? "write" : "read")
    }
  }

  /// The current row; valid after `step` returned true.
  var row: [Cell] { unsafe (0..<sqlite3_column_count(handle)).map { cell($0) } }

  private func cell(_ column: Int32) -> Cell {
    switch unsafe sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(handle, column))
    case SQLITE_TEXT:
      // Read the bytes: damaged text may contain a zero byte or be invalid UTF-8.
      return .text(String(decoding: unsafe bytes(sqlite3_column_text(handle, column), column), as: UTF8.self))
    case SQLITE_BLOB:
      let start = unsafe sqlite3_column_blob(handle, column)
      return .blob(unsafe bytes(start?.assumingMemoryBound(to: UInt8.self), column))
    default: return .null
    }
  }

  /// Copies a column's bytes; SQLite's pointer is valid until the next step.
  private func bytes(_ start: UnsafePointer<UInt8>?, _ column: Int32) -> [UInt8] {
    guard let start = unsafe start else { return [] }
    // SAFETY: sqlite3_column_bytes returns the length of the column that was just fetched.
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  private func bind(_ index: Int32, _ value: Cell) -> Int32 {
    // SAFETY: SQLITE_TRANSIENT (-1) makes SQLite copy the bytes before the call returns.
    let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch value {
    case .null: return unsafe sqlite3_bind_null(handle, index)
    case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
    case .text(var text):
      return text.withUTF8 { bytes in
        // An empty buffer may have no address, and that would bind NULL.
        guard let start = bytes.baseAddress else { return unsafe sqlite3_bind_text(handle, index, "", 0, copied) }
        return unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
          unsafe sqlite3_bind_text(handle, index, $0, Int32(clamping: bytes.count), copied)
        }
      }
    case .blob(let blob):
      guard !blob.isEmpty else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
      return unsafe blob.withUnsafeBytes { bytes in
        unsafe sqlite3_bind_blob(handle, index, bytes.baseAddress, Int32(clamping: bytes.count), copied)
      }
    }
  }
}
