import Linux

/// Opens a registry whatever state its files are in: as it is, else from its good copy, else anew.
struct Recovery {
  let place: StorePlace
  let schema: Schema

  /// What people should know.
  private(set) var notices: [String] = []
  /// Whether the good copy is missing or older than what was opened.
  private(set) var needsCopy = false
  /// Whether some of what was opened comes from a log that an earlier process has left.
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
    Files.remove(place.draft)
    place.restrict()
    if Files.exists(place.file) {
      do throws(StoreError) {
        return try openWhole()
      } catch {
        guard case .corrupt(_, let detail) = error else { throw error }
        let aside = try place.setAside(place.file)
        notices.append("\(place.file) was damaged (\(detail)); it is kept as \(aside)")
      }
    } else if Files.exists(place.copy) {
      notices.append("\(place.file) was missing")
    }
    if let restored = try restore() { return restored }
    return try create()
  }

  /// Opens the registry, looks at all of it, and brings it up to date.
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

  /// Puts the good copy in the registry's place.
  /// - Returns: nil when there is none that is whole.
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

  /// Makes an empty registry. It gets its name when it is complete, so that a power cut leaves no half of one.
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

  /// Makes a connection this process's alone, small and safe.
  private static func configure(_ database: Database) throws(StoreError) {
    // 64 pages are 256 KiB: far more than is ever in use at once. The log goes back into the file as often. Nothing is mapped: a
    // disk that is full or broken is an error then, not the end of the process (SIGBUS).
    try database.execute(
      """
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = 64; PRAGMA temp_store = MEMORY;
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 64;
      PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0;
      """)
    // Takes the lock now, so that a second process hears of it when it starts.
    try database.execute("BEGIN EXCLUSIVE; COMMIT")
    // SQLite falls back to reading only without a word; a flipped bit in the header asks for that, too.
    if database.isReadOnly {
      if Files.mayWrite(database.path) { throw .corrupt(database.path, detail: "its header forbids writing") }
      throw .readOnly(database.path)
    }
  }
}
