import Agent
import Linux
import Model

/// A plugin that an agent's manifest names, and the folder where it is installed.
package struct InstalledPlugin: Sendable, Hashable {
  /// The name without a version: the agent finds the plugin in `$OPENSTARRY_HOME/plugins/<name>`.
  package var name: String
  /// Its folder on this machine, absolute and without links.
  package var path: String
  /// Keeps it from being removed: an instance holds it as long as it lives.
  package var use: PluginUse
}

/// Finds installed plugins, for every isolation.
///
/// A version is the folder `name@version`. A folder without a version, `name`, or with what a manifest writes, `name@1`, is a
/// plugin that nobody installed, such as one that is being written; it is used when no installed version fits.
package struct PluginStore: Sendable {
  /// The folder of all plugins.
  package let folder: String

  /// - Parameter folder: of all plugins; it may be missing.
  package init(folder: String) { self.folder = folder }

  /// - Parameter home: `$OPENSTARRY_HOME`, with the folder `plugins`.
  package init(home: String) { self.init(folder: "\(home)/plugins") }

  /// The installed versions of a plugin, newest first.
  package func versions(of name: String) -> [PluginVersion] {
    let place = Files.folder(of: "\(folder)/\(name)")
    let last = name.split(separator: "/").last.map(String.init) ?? name
    let names = (try? Files.names(in: place)) ?? []
    return names.compactMap { entry in
      guard entry.hasPrefix("\(last)@") else { return nil }
      return PluginVersion(entry.dropFirst(last.count + 1))
    }.sorted(by: >)
  }

  /// The folder that a reference means: of the versions within the range the one that was installed last, or else the newest.
  /// - Returns: nil if none is installed.
  /// - Throws: if several are within the range, and the lock file, which decides, cannot be read.
  package func place(of reference: PluginReference) throws(PluginError) -> String? {
    let fitting = versions(of: reference.name).filter { reference.range.contains($0) }
    let order = fitting.count > 1 ? try PluginLock("\(folder)/lock.json").order[reference.name] ?? [] : []
    if let version = order.first(where: fitting.contains) ?? fitting.first {
      return "\(folder)/\(reference.name)@\(version)"
    }
    return unversioned(reference).first(where: Files.isFolder)
  }

  private func unversioned(_ reference: PluginReference) -> [String] {
    Set(["\(folder)/\(reference)", "\(folder)/\(reference.name)"]).sorted(by: >)
  }

  /// The plugins that a manifest names.
  /// - Throws: `startFailed` for the first plugin that is not installed.
  package func plugins(of manifest: Manifest) throws(AgentFailure) -> [InstalledPlugin] {
    var found: [InstalledPlugin] = []
    for text in manifest.plugins {
      guard let reference = PluginReference(text) else {
        throw AgentFailure(.startFailed, "'\(text)' of agent '\(manifest.id)' is not the name of a plugin")
      }
      let place: String?
      do throws(PluginError) { place = try self.place(of: reference) } catch {
        throw AgentFailure(.startFailed, "plugin '\(text)' of agent '\(manifest.id)': \(error)")
      }
      guard let place else {
        let others = versions(of: reference.name).map { "\($0)" }.joined(separator: ", ")
        let instead = others.isEmpty ? "" : ", only version \(others)"
        throw AgentFailure(
          .startFailed,
          "plugin '\(text)' of agent '\(manifest.id)' is not installed: there is no folder "
            + "\(unversioned(reference).joined(separator: " or "))\(instead); 'openstarry plugin install' installs one")
      }
      guard let use = PluginUse(place) else {
        throw AgentFailure(
          .startFailed, "plugin '\(text)' of agent '\(manifest.id)' is being removed, or cannot be read: \(place)")
      }
      // The home may be relative, and what mounts a plugin works in another folder.
      let path = (try? Files.resolve(place)) ?? place
      found.append(InstalledPlugin(name: reference.name, path: path, use: use))
    }
    return found
  }
}
