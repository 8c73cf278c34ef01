import ArgumentParser
import CEL
import Linux
import Model
import PluginInstallation
import Plugins

struct PluginCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Installs, verifies, signs and removes plugins: read-only folders for agents.",
    subcommands: [
      Install.self, Uninstall.self, PluginList.self, Info.self, Verify.self, Trust.self, Key.self, Sign.self,
    ])

  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Installs a plugin from a folder or an archive (tar, tar.gz, tar.zst, tar.xz, zip).",
      discussion: """
        The plugin must be signed by a key that is trusted ('openstarry plugin trust'), unless the setting \
        'unsigned_plugins: allow' of this board allows others. Agents whose manifests name it get it at their next start.
        """)
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    @Argument(help: ArgumentHelp("The folder or archive.", valueName: "path"), completion: .file())
    var source: String

    func run() throws {
      let folder = try place.folder()
      let now = CELTimestamp(milliseconds: System.wallMilliseconds() / 1000 * 1000).description
      let outcome = try pluginWork { () throws(PluginError) in try folder.install(source, at: now) }
      var result: Fields = [
        "plugin": .string(outcome.manifest.name), "version": .string("\(outcome.manifest.version)"),
        "was_there": .bool(outcome.wasThere), "warnings": .list(outcome.warnings.map { .string($0) }),
      ]
      result["signed_by"] = outcome.signer.map { .string($0) } ?? .null
      try shared.show(.map(result)) { _, _ in PluginText.installed(outcome) }
    }
  }

  struct Uninstall: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes a version of a plugin that no registered agent uses.")
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    @Argument(help: "The plugin: its name, or name@version.")
    var plugin: String

    @Flag(help: "Removes it even if agents use it: they cannot start any more.")
    var force = false

    func run() throws {
      let folder = try place.folder()
      let found = try installed(plugin, in: folder)
      guard found.count == 1 else {
        let names = found.map { "\($0.name)@\($0.version)" }.joined(separator: ", ")
        throw Failure(.usage, "several versions are installed: name one of \(names)")
      }
      if !force { try refuseInUse(found[0], folder) }
      try pluginWork { () throws(PluginError) in try folder.uninstall(found[0].name, found[0].version) }
      let name = "\(found[0].name)@\(found[0].version)"
      try shared.show(["plugin": .string(found[0].name), "version": .string("\(found[0].version)")]) { _, _ in
        ["\(name.printable) removed"]
      }
    }

    /// Asks the daemon which agents need this version. Without a daemon nothing runs that could.
    private func refuseInUse(_ plugin: PluginFolder.Installed, _ folder: PluginFolder) throws {
      let agents: [Value]
      do throws(Failure) { agents = try shared.connect().call("registry.list")["agents"]?.list ?? [] } catch {
        if error.status == .noDaemon { return }
        throw error
      }
      let store = PluginStore(folder: folder.path)
      let users = agents.compactMap { agent -> String? in
        let names = (agent["plugins"]?.list ?? []).compactMap { $0.string.flatMap { PluginReference($0) } }
        return names.contains { store.place(of: $0) == plugin.place } ? agent["agent"]?.string : nil
      }
      guard users.isEmpty else {
        throw Failure(
          .wrongState,
          "\(plugin.name)@\(plugin.version) is used by \(users.joined(separator: ", ")): remove these agents first, or say "
            + "--force")
      }
    }
  }

  struct PluginList: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists the installed plugins.")
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    func run() throws {
      let folder = try place.folder()
      let all = try pluginWork { () throws(PluginError) in try folder.list() }
      try shared.show(["folder": .string(folder.path), "plugins": .list(all.map { .map(PluginText.fields($0)) })]) {
        _, _ in
        PluginText.table(all, folder: folder.path)
      }
    }
  }

  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows an installed plugin.")
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    @Argument(help: "The plugin: its name, or name@version.")
    var plugin: String

    func run() throws {
      let found = try installed(plugin, in: try place.folder())
      try shared.show(["plugins": .list(found.map { .map(PluginText.fields($0)) })]) { _, _ in
        Array(found.map(PluginText.page).joined(separator: [""]))
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compares installed plugins with what was installed, file by file.",
      discussion: "The exit code is 1 if a file has changed, is missing or is new.")
    @OptionGroup var shared: SharedOptions
    @OptionGroup var place: PluginPlace

    @Argument(help: "The plugin: its name, or name@version; by default all.")
    var plugin: String?

    func run() throws {
      let folder = try place.folder()
      let chosen =
        try plugin.map { try installed($0, in: folder) }
        ?? pluginWork { () throws(PluginError) in try folder.list() }
      let results = chosen.map { ($0, folder.verify($0)) }
      let value = Value.list(
        results.map { plugin, found in
          [
            "plugin": .string(plugin.name), "version": .string("\(plugin.version)"),
            "differences": .list(found.map { .string($0) }),
          ]
        })
      try shared.show(["plugins": value]) { _, terminal in PluginText.verified(results, colour: terminal.colour) }
      if results.contains(where: { !$0.1.isEmpty }) { throw ShellStatus.failed }
    }
  }
}

/// The options that say where plugins are.
struct PluginPlace: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The settings that name the folder of plugins; by default openstarry.yaml in this folder, or else "
        + "\(SettingsFiles.Validate.installed).", valueName: "file"), completion: .file())
  var config: String?

  func folder() throws -> PluginFolder {
    let file = try config ?? SettingsFiles.Validate.settings()
    let settings = try SettingsFiles.read(file)
    return PluginFolder(settings.pluginFolder, allowsUnsigned: settings.allowsUnsignedPlugins)
  }
}

/// The installed plugins that an argument means.
/// - Throws: `notFound` if there is none.
private func installed(_ text: String, in folder: PluginFolder) throws -> [PluginFolder.Installed] {
  guard let reference = PluginReference(text) else {
    throw Failure(.usage, "'\(text)' is not a plugin, expected a name such as tables or tables@1.2.0")
  }
  let found = try pluginWork { () throws(PluginError) in try folder.list() }
    .filter { $0.name == reference.name && (reference.range == .any || reference.range.contains($0.version)) }
  guard !found.isEmpty else {
    throw Failure(.notFound, "\(reference) is not installed in \(folder.path); 'openstarry plugin list' lists what is")
  }
  return found
}

/// Reports the error of an operation on plugins as the command's failure.
func pluginWork<Result>(_ body: () throws(PluginError) -> Result) throws(Failure) -> Result {
  // Agents of another user read plugins.
  System.restrictNewFiles(0o022)
  do throws(PluginError) { return try body() } catch {
    let lines = error.description.split(separator: "\n").map(String.init)
    throw Failure(.failed, lines.first ?? "", details: Array(lines.dropFirst()))
  }
}
