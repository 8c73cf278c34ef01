import Linux

/// Opens a registry in any state: the file itself if it is undamaged, else its good copy, else a new, empty one.
struct Recovery {
  let place: StorePlace
  let schema: Schema

  /// Messages for the operator about damage, repairs and losses.
  private(set) var notices: [String] = []
  /// Whether the good copy is missing or older than the opened registry.
  private(set) var needsCopy = false
  /// Whether the opened registry depends on a log that an earlier process left.
  private(set) var hasOldLog = false

  init(place: StorePlace, schema: Schema) {
    self.place = place
    self.schema = schema
  }

  mutating func open() throws(StoreError) -> Database {
    do throws(SystemError) {
      try Files.makeFolder(place.folder)
    } catch {
      throw StoreError(error, path: place.folder)
    }
    // Otherwise the first write fails, with an error that names another cause.
    guard Files.mayWrite(place.folder) else { throw .readOnly(place.file) }
    Files.remove(place.draft)
    notices += try place.setIrregularAside()
    place.restrict()
    if Files.exists(place.file) {
      do throws(StoreError) {
        return try openWhole()
      } catch {
        guard case .corrupt(_, let detail) = error else { throw error }
        let aside = try place.setAside(place.file)
        notices.append("\(place.file) was damaged (\(detail)); it is kept as \(aside)")
      }
    } else if notices.isEmpty, Files.exists(place.copy) {
      notices.append("\(place.file) was missing")
    }
    if let restored = try restore() { return restored }
    return try create()
  }

  /// Opens the registry, checks all of it, and migrates it to the current format.
  private mutating func openWhole() throws(StoreError) -> Database {
    let log = WriteAheadLog(reading: "\(place.file)-wal")
    hasOldLog = Files.size("\(place.file)-wal") ?? 0 > 0
    guard Files.size(place.file) != 0 else { throw .corrupt(place.file, detail: "it is empty") }
    let database = try Database(place.file, create: false)
    try Integrity.tellingDamage(of: database) { () throws(StoreError) in
      try Recovery.configure(database)
      try Integrity.check(database)
    }
    if log?.hasLoss == true {
      notices.append(
        "\(place.file): the last changes before it was last closed were damaged, and are lost")
    }
    needsCopy = try schema.migrate(database) || !Files.exists(place.copy)
    return database
  }

  /// Replaces the registry by its good copy.
  /// - Returns: nil when the copy is missing or damaged.
  private mutating func restore() throws(StoreError) -> Database? {
    guard Files.exists(place.copy) else { return nil }
    do throws(SystemError) {
      try place.setCompanionsAside(Files.join(place.folder, "registry.db.corrupt-0"))
      try Files.copy(place.copy, to: place.draft)
    } catch {
      throw StoreError(error, path: place.draft)
    }
    try place.rename(place.draft, to: place.file)
    do throws(StoreError) {
      let database = try openWhole()
      notices.append("restored the registry from \(place.copy); changes since that copy are lost")
      return database
    } catch {
      guard case .corrupt(_, let detail) = error else { throw error }
      Files.remove(place.file)
      let aside = try place.setAside(place.copy)
      notices.append("\(place.copy) was damaged too (\(detail)); it is kept as \(aside)")
      return nil
    }
  }

  /// Makes an empty registry. It is renamed into place when it is complete, so that a power cut cannot leave a partial
  /// one.
  private mutating func create() throws(StoreError) -> Database {
    do throws(SystemError) {
      try place.setCompanionsAside(Files.join(place.folder, "registry.db.corrupt-0"))
    } catch {
      throw StoreError(error, path: place.file)
    }
    do throws(StoreError) {
      let draft = try Database(place.draft, create: true)
      try schema.create(in: draft)
    } catch {
      Files.remove(place.draft)
      throw error
    }
    try place.rename(place.draft, to: place.file)
    if !notices.isEmpty { notices.append("began a new, empty registry") }
    let database = try Database(place.file, create: false)
    try Recovery.configure(database)
    needsCopy = true
    return database
  }

  /// Configures a connection: exclusive to this process, little memory, durable commits.
  private static func configure(_ database: Database) throws(StoreError) {
    // A cache of 64 pages is 256 KiB, far more than is ever in use. The log is checkpointed after as many pages. No
    // mmap: a full or broken disk must be an error and not a SIGBUS.
    try database.execute(
      """
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = 64; PRAGMA temp_store = MEMORY;
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 64;
      PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;
      """)
    // Take the lock now, so that a second process fails at its start.
    try database.execute("BEGIN EXCLUSIVE; COMMIT")
    // SQLite silently falls back to read-only. A flipped bit in the header can also cause that.
    if database.isReadOnly {
      if Files.mayWrite(database.path) { throw .corrupt(database.path, detail: "its header forbids writing") }
      throw .readOnly(database.path)
    }
  }
}
