import Linux

/// The files of a registry, and what is done with them while SQLite does not have them open.
///
/// A file that SQLite has open must not be opened here: closing it would drop SQLite's locks (fcntl(2)).
struct StorePlace {
  let folder: String

  /// The registry itself.
  var file: String { Files.join(folder, "registry.db") }
  /// Its last good copy.
  var copy: String { "\(file).good" }
  /// Where a registry is put together before it gets its name.
  var draft: String { "\(file).draft" }
  /// What SQLite may leave beside the registry.
  var companions: [String] { ["\(file)-wal", "\(file)-journal", "\(file)-shm"] }

  /// Takes from others what an earlier version, or a person, has given them: what agents keep is nobody else's business.
  func restrict() {
    for path in [file, copy] + companions {
      guard let mode = try? FileStatus(path).mode, mode & 0o137 != 0 else { continue }
      Files.setMode(path, mode & 0o640)
    }
  }

  /// How many damaged files are kept for people to look at.
  static let keptDamaged = 3

  /// Writes what `database` holds to a new file, on the disk, and gives it the copy's name.
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

  /// Gives a complete file its name: its content first, then the name, goes to the disk.
  func rename(_ from: String, to: String) throws(StoreError) {
    do throws(SystemError) {
      try Files.synchronise(from)
      try Files.move(from, to: to)
    } catch {
      throw StoreError(error, path: to)
    }
  }

  /// Renames a damaged registry or copy, with what stands beside it, and forgets the oldest of those kept.
  /// - Returns: its new name.
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

  /// Takes away what belongs to a registry that is not there any more: SQLite would play it into the next one.
  func setCompanionsAside(_ aside: String) throws(SystemError) {
    for companion in companions where Files.isFile(companion) {
      try Files.move(companion, to: aside + companion.dropFirst(file.count))
    }
  }
}
