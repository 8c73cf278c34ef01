import CSodium
import Config
import Glibc
import Linux
import Model
import Plugins

/// The folder of all plugins: installs, verifies and removes them.
///
/// At any moment a plugin is there as a whole or not at all, also after a power cut: it is assembled elsewhere, recorded in
/// the lock file, and then renamed to its place.
package struct PluginFolder {
  /// The folder's path.
  package let path: String
  private let allowsUnsigned: Bool
  private let unpacker: String?
  private var lockFile: String { "\(path)/lock.json" }
  private var store: PluginStore { PluginStore(folder: path) }

  /// - Parameters:
  ///   - path: the folder of all plugins; it is made with the first plugin.
  ///   - allowsUnsigned: the setting `unsigned_plugins`.
  ///   - unpacker: the path of `openstarry-unpack`; nil looks for it beside this program.
  package init(_ path: String, allowsUnsigned: Bool, unpacker: String? = nil) {
    self.path = path
    self.allowsUnsigned = allowsUnsigned
    self.unpacker = unpacker ?? CompanionProgram.find(ArchiveSource.program)
    // Harmless when it is repeated.
    _ = sodium_init()
  }

  // MARK: Installing

  /// What an installation has done.
  package struct Outcome: Sendable, Hashable {
    /// The plugin.
    package var manifest: PluginManifest
    /// The name of the key that has signed it; nil if it is unsigned.
    package var signer: String?
    /// The same plugin was there already.
    package var wasThere: Bool
    /// What does not work without a missing dependency, one sentence each.
    package var warnings: [String]
  }

  /// Installs a plugin, and takes it into use.
  /// - Parameters:
  ///   - source: a folder, or an archive.
  ///   - time: now, for the lock file.
  package func install(_ source: String, at time: String) throws(PluginError) -> Outcome {
    try prepare()
    let lock = try exclusively()
    defer { _ = lock }
    let staging = try StagingFolder(in: path)
    guard Files.exists(source) else { throw PluginError("\(source): no such file or folder", .notFound) }
    if Files.isFolder(source) {
      try FolderSource.copy(source, to: staging)
    } else {
      guard let unpacker else { throw PluginError("\(ArchiveSource.program) is not installed beside this program") }
      try ArchiveSource.unpack(source, to: staging, by: unpacker)
    }
    let root = try staging.root()
    let manifest = try Self.manifest(root)
    let digest = try Digest(of: root)
    let signer = try admit(manifest, digest)
    let warnings = try dependencies(of: manifest)
    let place = "\(path)/\(manifest.folder)"
    var outcome = Outcome(manifest: manifest, signer: signer, wasThere: false, warnings: warnings)
    var locked = try PluginLock(lockFile)
    let others = (locked.order[manifest.name] ?? []).filter { $0 != manifest.version }
    locked.order[manifest.name] = [manifest.version] + others
    if Files.hasEntry(place) {
      guard try Digest(of: place).listing == digest.listing else {
        throw PluginError(
          "\(manifest.folder) is installed with other content: give the new one another version, or uninstall the old one"
        )
      }
      outcome.wasThere = true
    }
    locked.installed[manifest.folder] = PluginLock.Entry(
      digest: Hex.text(digest.sha512), signer: signer, installed: time)
    try write(digest.listing, to: listing(manifest.folder))
    try write(locked.contents, to: lockFile)
    if !outcome.wasThere { try staging.keep(root, as: place) }
    return outcome
  }

  /// Checks the integrity that a plugin states.
  /// - Returns: the name of the key that has signed it; nil if it is unsigned, and that is allowed.
  private func admit(_ manifest: PluginManifest, _ digest: Digest) throws(PluginError) -> String? {
    switch manifest.integrity {
    case .ed25519(let signature, let key, let hash):
      let message = hash == .sha512 ? digest.sha512 : Digest.sha256(digest.listing)
      guard Signature.isValid(signature, of: message, by: key) else {
        throw PluginError("the signature of \(manifest.folder) is not valid: a file differs from what was signed")
      }
      guard let name = TrustedKeys(plugins: path).name(of: key) else {
        throw PluginError(
          "\(manifest.folder) is signed by a key that is not trusted, \(Base64.text(key)): if it is its author's, "
            + "'openstarry plugin trust NAME \(Base64.text(key))' trusts it")
      }
      return name
    case .sha512(let stated) where stated != digest.sha512:
      throw PluginError("the content of \(manifest.folder) does not have the SHA-512 that its manifest states")
    case .sha512, nil:
      guard allowsUnsigned else {
        throw PluginError(
          "\(manifest.folder) is not signed: 'openstarry plugin sign' signs it, or 'unsigned_plugins: allow' in "
            + "openstarry.yaml allows unsigned plugins on this board")
      }
      return nil
    }
  }

  private func dependencies(of manifest: PluginManifest) throws(PluginError) -> [String] {
    var warnings: [String] = []
    for dependency in manifest.dependencies {
      if try store.place(of: dependency) != nil { continue }
      let text = "\(manifest.folder) needs \(dependency), which is not installed"
      switch manifest.criticality {
      case .required: throw PluginError("\(text): install that first")
      case .optionalDegraded: warnings.append("\(text): it does less without it")
      case .optionalNoEffect: break
      }
    }
    return warnings
  }

  // MARK: Removing

  /// Removes a version of a plugin. Another version of it, the newest, is in use from now on.
  package func uninstall(_ name: String, _ version: PluginVersion) throws(PluginError) {
    let folder = "\(name)@\(version)"
    try judge()
    let lock = try exclusively()
    defer { _ = lock }
    let place = "\(path)/\(folder)"
    guard (try? FileStatus(ofLink: place))?.kind == .folder else {
      throw PluginError("\(folder) is not installed in \(path)", .notFound)
    }
    guard let use = PluginUse(place, exclusively: true) else {
      throw PluginError("\(folder) is used by an agent that runs: end or restart that agent first", .inUse)
    }
    defer { _ = use }
    var locked = try PluginLock(lockFile)
    let away = "\(path)/.installing-removed"
    Tree.remove(away)
    do throws(SystemError) { try Files.move(place, to: away) } catch { throw PluginError(error) }
    locked.installed[folder] = nil
    locked.order[name]?.removeAll { $0 == version }
    if locked.order[name]?.isEmpty ?? false { locked.order[name] = nil }
    try write(locked.contents, to: lockFile)
    Files.remove(listing(folder))
    Tree.remove(away)
    if name.hasPrefix("@") { Files.removeFolder(Files.folder(of: place)) }
  }

  /// The installed plugins that need this one, and that no other version would serve.
  package func dependents(of plugin: Installed) throws(PluginError) -> [String] {
    let others = try list().filter { $0.place != plugin.place }
    let rest = Set(others.filter { $0.name == plugin.name }.map(\.version))
    return others.filter { other in
      (other.manifest?.dependencies ?? []).contains { need in
        need.name == plugin.name && need.range.contains(plugin.version) && !rest.contains(where: need.range.contains)
      }
    }.map { "\($0.name)@\($0.version)" }
  }

  // MARK: Looking

  /// An installed version of a plugin.
  package struct Installed: Sendable, Hashable {
    /// The plugin's manifest; nil if it cannot be read.
    package var manifest: PluginManifest?
    /// The name.
    package var name: String
    /// The version.
    package var version: PluginVersion
    /// Whether a manifest that accepts any version gets this one.
    package var isInUse: Bool
    /// How it came here; nil if it was not installed by this program.
    package var entry: PluginLock.Entry?
    /// Its folder.
    package var place: String
  }

  /// All installed versions, by name, newest first.
  package func list() throws(PluginError) -> [Installed] {
    guard Files.exists(path) else { return [] }
    let lock = try PluginLock(lockFile)
    let top: [String]
    do throws(SystemError) { top = try Files.names(in: path) } catch { throw PluginError(error) }
    let scoped = top.filter { $0.hasPrefix("@") }.flatMap { scope in
      ((try? Files.names(in: "\(path)/\(scope)")) ?? []).map { "\(scope)/\($0)" }
    }
    let names = Set((top + scoped).compactMap { entry in PluginReference(entry)?.name })
    var all: [Installed] = []
    for name in names.sorted() {
      let used = try store.place(of: PluginReference(name: name, range: .any))
      for version in store.versions(of: name) {
        let place = "\(path)/\(name)@\(version)"
        all.append(
          Installed(
            manifest: try? Self.manifest(place), name: name, version: version, isInUse: used == place,
            entry: lock.installed["\(name)@\(version)"], place: place))
      }
    }
    return all
  }

  /// Compares an installed plugin with what was installed.
  /// - Returns: the differences, one sentence each; empty if there are none.
  package func verify(_ installed: Installed) -> [String] {
    guard let entry = installed.entry else { return ["it was not installed by 'openstarry plugin install'"] }
    do throws(PluginError) {
      let digest = try Digest(of: installed.place)
      let modes = try Self.modes(installed.place)
      if Hex.text(digest.sha512) == entry.digest { return modes }
      let old = (try? Files.read(listing("\(installed.name)@\(installed.version)"))) ?? []
      let found = Digest.differences(from: old, to: digest.listing)
      return (found.isEmpty ? ["its content has changed"] : found) + modes
    } catch {
      return ["\(error)"]
    }
  }

  /// Files and folders that agents cannot read, or that others can write.
  private static func modes(_ folder: String) throws(PluginError) -> [String] {
    var found: [String] = []
    func check(_ name: String, _ mode: UInt32, _ expected: [UInt32]) {
      if expected.contains(mode & 0o7777) { return }
      found.append("\(name) has mode \(String(mode & 0o7777, radix: 8)), expected \(String(expected[0], radix: 8))")
    }
    do throws(SystemError) { check("its folder", try FileStatus(folder).mode, [0o755]) } catch {
      throw PluginError(error)
    }
    try Tree.walk(folder, "") { (path, kind, mode) throws(PluginError) in
      check("'\(path)'", mode, kind == .folder ? [0o755] : [0o644, 0o755])
    }
    return found
  }

  // MARK: Keys and signing

  /// The trusted keys, by name, in Base64.
  /// - Throws: if the folder cannot be read.
  package func trustedKeys() throws(PluginError) -> [(name: String, key: String)] {
    do throws(SystemError) {
      if Files.exists(path) { _ = try Files.names(in: path) }
    } catch {
      throw PluginError(error)
    }
    return TrustedKeys(plugins: path).all().map { ($0.name, Base64.text($0.key)) }
  }

  /// Trusts a key from now on.
  /// - Parameter key: in Base64, or a file that contains it.
  package func trust(_ name: String, _ key: String) throws(PluginError) {
    try prepare()
    if let bytes = Base64.bytes(key), bytes.count == Signature.publicKeySize {
      return try TrustedKeys(plugins: path).add(name, bytes)
    }
    try TrustedKeys(plugins: path).add(name, try TrustedKeys.key(inFile: key))
  }

  /// Trusts a key no longer. Plugins that it has signed stay.
  /// - Returns: false if no key has this name.
  package func distrust(_ name: String) -> Bool { TrustedKeys(plugins: path).remove(name) }

  // MARK: Parts

  /// The greatest length of a manifest in bytes.
  static let longestManifest = 1 << 20

  /// Reads the manifest of the plugin in a folder.
  package static func manifest(_ folder: String) throws(PluginError) -> PluginManifest {
    let file = "\(folder)/\(PluginManifest.fileName)"
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Files.read(file, limit: longestManifest) } catch {
      throw PluginError("\(PluginManifest.fileName) cannot be read: \(SystemError.text(error.errno))")
    }
    do { return try PluginFile.decode(bytes, file: PluginManifest.fileName).manifest } catch {
      throw PluginError(error.all.map { "\($0)" }.joined(separator: "\n"))
    }
  }

  private func listing(_ folder: String) -> String { "\(path)/.listings/\(folder)" }

  private func prepare() throws(PluginError) {
    let isNew = !Files.exists(path)
    do throws(SystemError) { try Files.makeFolder(path, mode: 0o755) } catch { throw PluginError(error) }
    if isNew { Files.setMode(path, 0o755) }
    try judge()
    // What a cut-off installation has left.
    for name in (try? Files.names(in: "\(path)/.listings")) ?? [] where !Files.exists("\(path)/\(name)") {
      if !name.hasPrefix("@") { Files.remove("\(path)/.listings/\(name)") }
    }
  }

  /// Nobody else may be able to exchange what is read or removed here.
  private func judge() throws(PluginError) {
    do throws(TrustError) {
      _ = try TrustedFolder(path)
      for name in [".listings", "keys"] where Files.hasEntry("\(path)/\(name)") {
        _ = try TrustedFolder("\(path)/\(name)", mayBeLink: false)
      }
    } catch {
      throw PluginError("\(error): run this as the folder's owner, or make the folder safe", .denied)
    }
  }

  private func write(_ bytes: [UInt8], to file: String) throws(PluginError) {
    do throws(SystemError) {
      try Files.makeFolder(Files.folder(of: file), mode: 0o755)
      try Files.replace(file, with: bytes, mode: 0o644)
    } catch {
      throw PluginError(error)
    }
  }

  /// Waits for other commands that change plugins.
  /// - Returns: the lock; it ends with its owner.
  private func exclusively() throws(PluginError) -> PluginFolderLock {
    do throws(SystemError) { return try PluginFolderLock("\(path)/.lock") } catch { throw PluginError(error) }
  }
}

/// Holds flock(2) on a file.
private final class PluginFolderLock {
  private let file: Int32

  init(_ path: String) throws(SystemError) {
    let file = try System.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644)
    guard System.retry({ flock(file.number, LOCK_EX) }) == 0 else { throw SystemError("flock", path) }
    self.file = file.release()
  }

  deinit { close(file) }
}
