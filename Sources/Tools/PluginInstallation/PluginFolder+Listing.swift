import Linux
import Plugins

// Lists and verifies what is installed.
extension PluginFolder {
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
}
