import Linux
import Plugins

// Removes plugins, and knows who needs them.
extension PluginFolder {
  /// Removes a version of a plugin. The one that was installed before it is in use from now on.
  /// - Parameter isForced: removes it even while an instance uses it, whose files are gone then. Any user of this machine can
  ///   hold the lock that an instance holds.
  package func uninstall(_ name: String, _ version: PluginVersion, isForced: Bool = false) throws(PluginError) {
    let folder = "\(name)@\(version)"
    try judge()
    let lock = try exclusively()
    defer { _ = lock }
    let place = "\(path)/\(folder)"
    guard (try? FileStatus(ofLink: place))?.kind == .folder else {
      throw PluginError("\(folder) is not installed in \(path)", .notFound)
    }
    let use = PluginUse(place, exclusively: true)
    defer { _ = use }
    guard use != nil || isForced else {
      throw PluginError(
        "\(folder) is used by an agent that runs: end or restart that agent first, or say --force", .inUse)
    }
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
}
