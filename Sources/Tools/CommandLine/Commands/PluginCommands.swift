import ArgumentParser
import CEL
import Glibc
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
      try pluginWork { () throws(PluginError) in
        try folder.uninstall(found[0].name, found[0].version, isForced: force)
      }
      let name = "\(found[0].name)@\(found[0].version)"
      try shared.show(["plugin": .string(found[0].name), "version": .string("\(found[0].version)")]) { _, _ in
        ["\(name.printable) removed"]
      }
    }

    /// Refuses what other plugins or registered agents need. Agents that run hold their plugins themselves.
    private func refuseInUse(_ plugin: PluginFolder.Installed, _ folder: PluginFolder) throws {
      let dependents = try pluginWork { () throws(PluginError) in try folder.dependents(of: plugin) }
      let users = try agents().compactMap { agent -> String? in
        let names = (agent["plugins"]?.list ?? []).compactMap { $0.string.flatMap { PluginReference($0) } }
        let store = PluginStore(folder: folder.path)
        return names.contains { (try? store.place(of: $0)) == plugin.place } ? agent["agent"]?.string : nil
      }
      guard (dependents + users).isEmpty else {
        throw Failure(
          .wrongState,
          "\(plugin.name)@\(plugin.version) is used by \((dependents + users).joined(separator: ", ")): remove these first, "
            + "or say --force")
      }
    }

    /// The registered agents of the daemon whose plugins these are.
    private func agents() throws -> [Value] {
      let socket = try shared.socket ?? place.settings().socket
      do throws(Failure) {
        return try DaemonSearch(SocketPath(given: socket), onlyFirst: true, timeout: .seconds(60)).first()
          .call("registry.list")["agents"]?.list ?? []
      } catch {
        guard error.status == .noDaemon, shared.socket == nil else { throw error }
        Terminal.complain("no daemon answers at \(socket.printable): whether registered agents need it is not known")
        return []
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
    let settings = try settings()
    return PluginFolder(settings.pluginFolder, allowsUnsigned: settings.allowsUnsignedPlugins)
  }

  func settings() throws -> Settings {
    if let config { return try SettingsFiles.read(config) }
    guard let file = SettingsFiles.Validate.found else {
      throw Failure(
        .notFound,
        "there is no openstarry.yaml in this folder and no \(SettingsFiles.Validate.installed): --config names the settings "
          + "of the daemon that is meant")
    }
    return try SettingsFiles.read(file)
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
  umask(0o022)
  do throws(PluginError) { return try body() } catch {
    let status: ShellStatus =
      switch error.kind {
      case .failed: .failed
      case .notFound: .notFound
      case .denied: .denied
      case .inUse: .wrongState
      }
    let lines = error.description.split(separator: "\n").map(String.init)
    throw Failure(status, lines.first ?? "", details: Array(lines.dropFirst()))
  }
}
