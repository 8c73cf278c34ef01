import Document
import Glibc
import Linux
import Model

/// `plugins/lock.json`: the version of each plugin that is in use, and how each installed version came here.
package struct PluginLock: Sendable, Hashable {
  /// An installed version.
  package struct Entry: Sendable, Hashable {
    /// The digest of its content, as hexadecimal SHA-512.
    package var digest: String
    /// The name of the trusted key that has signed it; nil if it is unsigned.
    package var signer: String?
    /// When it was installed, as an ISO 8601 time.
    package var installed: String

    /// Creates an entry.
    package init(digest: String, signer: String?, installed: String) {
      (self.digest, self.signer, self.installed) = (digest, signer, installed)
    }
  }

  /// The versions by name, the one that was installed last first.
  package var order: [String: [PluginVersion]] = [:]
  /// The installed versions, by `name@version`.
  package var installed: [String: Entry] = [:]

  /// A lock without plugins.
  package init() {}

  /// Reads a lock file.
  /// - Parameter path: of `lock.json`; a missing file is an empty lock.
  /// - Throws: why it cannot be used: I/O, or that it is not a lock file.
  package init(_ path: String) throws(PluginError) {
    let bytes: [UInt8]
    do { bytes = try Files.read(path, limit: 4 << 20) } catch {
      if error.isMissing { return }
      throw PluginError("\(path) cannot be read: \(SystemError.text(error.errno))")
    }
    guard let value = try? JSON.decode(bytes[...]), value["version"]?.string == "1", let plugins = value["plugins"]?.map
    else {
      throw PluginError(
        "\(path) is damaged, or not a lock file of version 1: take it from a backup, or remove it and install the plugins "
          + "again")
    }
    for (name, plugin) in plugins {
      let recent = (plugin["recent"]?.list ?? [plugin["version"] ?? .null]).compactMap(\.string)
      order[name] = recent.compactMap { PluginVersion($0) }
    }
    for (folder, entry) in value["installed"]?.map ?? [:] {
      guard let digest = entry["sha512"]?.string else { continue }
      installed[folder] = Entry(
        digest: digest, signer: entry["signedBy"]?.string, installed: entry["installedAt"]?.string ?? "")
    }
  }

  /// The file's content. The members of `plugins` are those of upstream's lock file.
  package var contents: [UInt8] {
    let plugins = order.sorted { $0.key < $1.key }.compactMap { name, versions -> (String, Value)? in
      guard let version = versions.first else { return nil }
      let at = installed["\(name)@\(version)"]?.installed ?? ""
      return (
        name,
        [
          "name": .string(name), "version": .string("\(version)"), "installedAt": .string(at),
          "recent": .list(versions.map { .string("\($0)") }),
        ]
      )
    }
    let entries = installed.sorted { $0.key < $1.key }.map { folder, entry -> (String, Value) in
      var fields: Fields = ["sha512": .string(entry.digest), "installedAt": .string(entry.installed)]
      fields["signedBy"] = entry.signer.map { .string($0) }
      return (folder, .map(fields))
    }
    let all: Value = ["version": "1", "plugins": .map(Fields(plugins)), "installed": .map(Fields(entries))]
    return JSON.encode(all, pretty: true) + [10]
  }
}

/// Why plugins cannot be read, installed or removed.
package struct PluginError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of error it is, for the exit code.
  package enum Kind: Sendable, Hashable {
    /// Any other.
    case failed
    /// A file or a plugin is not there.
    case notFound
    /// The permissions of files do not allow it.
    case denied
    /// It is in use.
    case inUse
  }

  /// A sentence.
  package var description: String
  /// What kind of error it is.
  package var kind: Kind

  /// - Parameter description: a sentence: what, where and what to do.
  package init(_ description: String, _ kind: Kind = .failed) {
    self.description = description
    self.kind = kind
  }

  /// A failed system call.
  package init(_ error: SystemError) {
    let isDenied = [EACCES, EPERM, EROFS].contains(error.errno)
    self.init(
      isDenied ? "\(error): run it as the folder's owner, which is root on a packaged board (sudo)" : "\(error)",
      isDenied ? .denied : .failed)
  }
}
