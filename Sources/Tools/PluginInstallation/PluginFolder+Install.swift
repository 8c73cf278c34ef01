import Config
import Linux
import Model
import Plugins

// Installs plugins.
extension PluginFolder {
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
    removeLeftListings()
    let staging = try StagingFolder(in: path)
    guard Files.exists(source) else { throw PluginError("\(source): no such file or folder", .notFound) }
    if Files.isFolder(source) {
      try FolderSource.copy(source, to: staging)
    } else {
      guard let unpacker else { throw PluginError("\(ArchiveSource.program) is not installed beside this program") }
      try ArchiveSource.unpack(source, to: staging, by: unpacker)
    }
    let root = try staging.root()
    let manifest = try Self.manifest(root, from: source)
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

  /// Removes what installations have left that were cut off.
  private func removeLeftListings() {
    let names = (try? Files.names(in: "\(path)/.listings")) ?? []
    for name in names where !name.hasPrefix("@") && !Files.exists("\(path)/\(name)") {
      Files.remove("\(path)/.listings/\(name)")
    }
  }
}
