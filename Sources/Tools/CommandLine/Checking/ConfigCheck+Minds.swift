import Config
import Document
import Linux
import Model

// Agents that think: the model that they ask, and the files that they need.
extension ConfigCheck {
  /// What is wrong with an agent's mind, for its manifest.
  /// - Parameters:
  ///   - document: the manifest's file.
  ///   - models: the models of the settings; nil where no settings are checked.
  static func complaints(about manifest: Manifest, _ document: Node?, models: [ModelSettings]?) -> [Diagnostic] {
    guard let mind = manifest.mind else { return [] }
    let whole = Location(file: manifest.file)
    var found: [Diagnostic] = []
    if let file = mind.guideFile {
      let path = Files.join(Files.folder(of: manifest.file), file)
      let place = document?["guide"]?.location ?? whole
      if !Files.isFile(path) {
        found.append(Diagnostic(place, "'guide' names a file, and there is no \(path.printable)"))
      } else if let size = Files.size(path), size > Mind.longestGuide {
        found.append(
          Diagnostic(
            place, "'guide' names \(path.printable), which has \(size) bytes, expected at most \(Mind.longestGuide)"))
      }
    }
    if !manifest.permissions.model {
      let place = document?["capabilities"]?["permissions"]?["model"]?.location ?? whole
      found.append(
        Diagnostic(place, "'model' is false, and so the agent cannot think: 'cognition' needs it", severity: .warning))
    }
    if manifest.runtime.driver == .process { found += missingPrograms(mind.servers, document, whole) }
    guard let models else { return found }
    let place = document?["cognition"]?["model"]?.location ?? document?["cognition"]?.location ?? whole
    if let own = mind.endpoint {
      // A model of the settings that the manifest names is asked in the place of its own server.
      let elsewhere = models.filter { !$0.isOnThisMachine }.map { "'\($0.name.printable)'" }
      guard !elsewhere.isEmpty, !models.contains(where: { $0.name.isSame(as: mind.model) }) else { return found }
      found.append(
        Diagnostic(
          document?["cognition"]?["provider"]?.location ?? place,
          "the agent's own server, \(own.printable), is asked first, and after it 'models' of the settings, of which "
            + "\(elsewhere.joined(separator: ", ")) leads to another machine: what the agent is told may leave this one, "
            + "unless 'models' lists none elsewhere", severity: .warning))
    } else if models.isEmpty {
      found.append(
        Diagnostic(
          place, "the agent thinks with a language model, and 'models' in the settings lists none (docs/models.md)",
          severity: .warning))
    } else if !mind.model.isEmpty, !models.contains(where: { $0.name.isSame(as: mind.model) }) {
      let hint = Suggestion.phrase(for: mind.model, in: models.map(\.name))
      found.append(
        Diagnostic(
          place,
          "'model' is none of the settings' models, so the first that answers is asked: "
            + "\(models.map { "'\($0.name)'" }.joined(separator: ", "))\(hint)", severity: .warning))
    }
    return found
  }

  /// Where a program in the sandbox of an agent is looked for by its name.
  private static let programFolders = ["/usr/local/bin", "/usr/bin", "/bin"]

  /// The MCP servers whose programs this machine does not have. Where a relative path leads is only known when it runs.
  private static func missingPrograms(
    _ servers: [Mind.Server], _ document: Node?, _ whole: Location
  ) -> [Diagnostic] {
    servers.compactMap { server in
      guard case .program(let words) = server.place, let program = words.first else { return nil }
      let isPath = program.utf8.contains(UInt8(ascii: "/"))
      let mayRun =
        isPath
        ? !Files.isAbsolute(program) || Files.isFile(program)
        : programFolders.contains { Files.isFile("\($0)/\(program)") }
      if mayRun { return nil }
      let why =
        isPath
        ? "there is no such file: correct the path, or install it"
        : "\(programFolders.joined(separator: ", ")) have no such program: install it, or write its path"
      return Diagnostic(
        place(of: server.name, document) ?? whole,
        "the MCP server '\(server.name.printable)' runs '\(program.printable)', and \(why)", severity: .warning)
    }
  }

  /// Where a manifest names the program of an MCP server.
  private static func place(of server: String, _ document: Node?) -> Location? {
    guard case .list(let plugins)? = document?["plugins"]?.content else { return nil }
    for plugin in plugins {
      guard let servers = plugin["config"]?["servers"] else { continue }
      var found = servers[server]
      if case .list(let nodes) = servers.content {
        found = nodes.first { $0["name"]?.value.string?.isSame(as: server) == true }
      }
      if let found { return found["command"]?.location ?? found.location }
    }
    return nil
  }
}
