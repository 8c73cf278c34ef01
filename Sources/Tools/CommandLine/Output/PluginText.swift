import Model
import PluginInstallation
import Plugins

/// The output of `openstarry plugin`.
enum PluginText {
  /// The output of `plugin install`.
  static func installed(_ outcome: PluginFolder.Outcome) -> [String] {
    let how = outcome.signer.map { "signed by \($0)" } ?? "unsigned"
    return ["\(outcome.manifest.folder) \(outcome.wasThere ? "was installed already" : "installed"), \(how)".printable]
      + outcome.warnings.map(\.printable)
  }

  /// The output of `plugin list`.
  static func table(_ plugins: [PluginFolder.Installed], folder: String) -> [String] {
    if plugins.isEmpty { return ["no plugins in \(folder.printable)"] }
    var table = Table(["PLUGIN", "VERSION", "IN USE", "SIGNED BY", "INSTALLED", "DESCRIPTION"])
    for plugin in plugins {
      table.add([
        plugin.name, "\(plugin.version)", plugin.isInUse ? "yes" : "no", signer(plugin), plugin.entry?.installed ?? "",
        plugin.manifest?.summary ?? "",
      ])
    }
    return table.lines
  }

  /// The output of `plugin info`: one fact on a line.
  static func page(_ plugin: PluginFolder.Installed) -> [String] {
    let manifest = plugin.manifest
    let facts: [(String, String)] = [
      ("plugin", "\(plugin.name), version \(plugin.version)\(plugin.isInUse ? ", in use" : "")"),
      ("description", manifest?.summary ?? ""), ("signed by", signer(plugin)),
      ("installed", plugin.entry?.installed ?? ""), ("services", (manifest?.services ?? []).joined(separator: ", ")),
      ("needs", (manifest?.dependencies ?? []).map { "\($0)" }.joined(separator: ", ")),
      ("SHA-512", plugin.entry?.digest ?? ""), ("folder", plugin.place),
    ]
    return facts.filter { !$0.1.isEmpty }.map { name, value in
      name + String(repeating: " ", count: 13 - name.count) + value.printable
    }
  }

  /// The output of `plugin verify`.
  static func verified(_ results: [(PluginFolder.Installed, [String])], colour: Bool) -> [String] {
    if results.isEmpty { return ["no plugins"] }
    return results.flatMap { plugin, found in
      let name = "\(plugin.name)@\(plugin.version)".printable
      return found.isEmpty
        ? ["\(name): as it was installed"] : found.map { Paint.red("\(name): \($0.printable)", colour) }
    }
  }

  /// A plugin as JSON.
  static func fields(_ plugin: PluginFolder.Installed) -> Fields {
    [
      "plugin": .string(plugin.name), "version": .string("\(plugin.version)"), "in_use": .bool(plugin.isInUse),
      "signed_by": plugin.entry?.signer.map { .string($0) } ?? .null,
      "sha512": plugin.entry.map { .string($0.digest) } ?? .null,
      "installed_at": plugin.entry.map { .string($0.installed) } ?? .null,
      "description": plugin.manifest?.summary.map { .string($0) } ?? .null, "folder": .string(plugin.place),
    ]
  }

  private static func signer(_ plugin: PluginFolder.Installed) -> String {
    guard let entry = plugin.entry else { return "not installed by 'plugin install'" }
    return entry.signer ?? "unsigned"
  }
}
