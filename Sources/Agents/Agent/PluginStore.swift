import Linux
import Model

/// A plugin that an agent's manifest names, and the folder where it is installed.
package struct InstalledPlugin: Sendable, Hashable {
  /// The name without a version: the agent finds the plugin in `$OPENSTARRY_HOME/plugins/<name>`.
  package var name: String
  /// Its folder on this machine.
  package var path: String
}

/// Finds installed plugins, for every isolation.
package struct PluginStore: Sendable {
  private let folder: String

  /// - Parameter home: `$OPENSTARRY_HOME`, with the folder `plugins`.
  package init(home: String) { folder = "\(home)/plugins" }

  /// The plugins that a manifest names. `name@version` refers to the folder `name@version`, or else to `name`.
  /// - Throws: `startFailed` for the first plugin that is not installed.
  package func plugins(of manifest: Manifest) throws(AgentFailure) -> [InstalledPlugin] {
    var found: [InstalledPlugin] = []
    for plugin in manifest.plugins {
      // The @ of a scope (`@scope/name`) does not begin a version.
      let mark = plugin.dropFirst().lastIndex(of: "@")
      let name = mark.map { String(plugin[..<$0]) } ?? plugin
      let places = [plugin, name].map { "\(folder)/\($0)" }
      guard let place = places.first(where: { Files.isFolder($0) }) else {
        throw AgentFailure(
          .startFailed,
          "plugin '\(plugin)' of agent '\(manifest.id)' is not installed: there is no folder "
            + places.joined(separator: " or "))
      }
      found.append(InstalledPlugin(name: name, path: place))
    }
    return found
  }
}
