import Linux

/// The files of a registry, and operations on them while SQLite does not have them open.
///
/// A file that SQLite has open must not be opened here: closing it would drop SQLite's locks (fcntl(2)).
struct StorePlace {
  let folder: String

  /// The registry itself.
  var file: String { Files.join(folder, "registry.db") }
  /// Its good copy.
  var copy: String { "\(file).good" }
  /// The temporary file for a registry under construction.
  var draft: String { "\(file).draft" }
  /// Files that SQLite may leave beside the registry.
  var companions: [String] { ["\(file)-wal", "\(file)-journal", "\(file)-shm"] }

  /// Removes permissions for other users that an earlier version or a person has given: the state of agents is private.
  func restrict() {
    for path in [file, copy] + companions {
      guard let mode = try? FileStatus(path).mode, mode & 0o137 != 0 else { continue }
      Files.setMode(path, mode & 0o640)
    }
  }

  /// The number of damaged registries that are kept for examination.
  static let keptDamaged = 3

  /// Writes the content of `database` to a new file, syncs it, and renames it to the copy's name.
  func makeCopy(of database: Database) throws(StoreError) {
    let fresh = "\(copy).new"
    Files.remove(fresh)
    do throws(StoreError) {
      try database.run("VACUUM INTO ?", [.text(fresh)])
      try rename(fresh, to: copy)
    } catch {
      Files.remove(fresh)
      throw error
    }
  }

  /// Syncs a complete file, then renames it, so that the new name never has partial content.
  func rename(_ from: String, to: String) throws(StoreError) {
    do throws(SystemError) {
      try Files.synchronise(from)
      try Files.move(from, to: to)
    } catch {
      throw StoreError(error, path: to)
    }
  }

  /// Renames a damaged registry with its companions, or a damaged copy, and removes the oldest damaged ones.
  /// - Returns: the new path.
  func setAside(_ damaged: String) throws(StoreError) -> String {
    do throws(SystemError) {
      let prefix = "registry.db.corrupt-"
      let numbers = try Files.names(in: folder).compactMap { name in
        name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
      }
      let number = (numbers.max() ?? 0) + 1
      let aside = Files.join(folder, "\(prefix)\(number)")
      try Files.move(damaged, to: aside)
      if damaged == file { try setCompanionsAside(aside) }
      for old in numbers where old <= number - Self.keptDamaged {
        let name = Files.join(folder, "\(prefix)\(old)")
        for path in [name, "\(name)-wal", "\(name)-journal"] { Files.remove(path) }
      }
      return aside
    } catch {
      throw StoreError(error, path: damaged)
    }
  }

  /// Renames whatever is not a regular file at the name of one: SQLite would wait at a pipe for ever.
  /// - Returns: a notice for each.
  func setIrregularAside() throws(StoreError) -> [String] {
    var notices: [String] = []
    for path in [file, copy] + companions where Files.exists(path) && !Files.isFile(path) {
      notices.append("\(path) is not a regular file; it is kept as \(try setAside(path))")
    }
    return notices
  }

  /// Moves the companions of a registry that no longer exists, since SQLite would replay its log into the next one.
  func setCompanionsAside(_ aside: String) throws(SystemError) {
    for companion in companions where Files.isFile(companion) {
      try Files.move(companion, to: aside + companion.dropFirst(file.count))
    }
  }
}
