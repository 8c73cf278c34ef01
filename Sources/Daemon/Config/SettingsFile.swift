import Document
import Linux
import Model

/// `openstarry.yaml`: the daemon's own settings. The page `docs/openstarry-yaml.md` describes it.
package enum SettingsFile {
  /// Reads settings.
  /// - Parameters:
  ///   - node: the whole file.
  ///   - file: the file's path, for messages. Relative paths in the file start in its folder, and are returned relative
  ///     to the working folder that `file` is relative to.
  ///   - environment: `HOME` replaces `~`.
  /// - Returns: the settings with defaults filled in, and warnings.
  /// - Throws: all errors and warnings.
  package static func decode(
    _ node: Node, file: String, environment: [String: String]
  ) throws(Diagnostics) -> (Settings, warnings: [Diagnostic]) {
    let findings = Findings()
    let settings = FieldReader(node, what: "the settings file", findings: findings).flatMap {
      read($0, path: path(file: file, home: environment["HOME"]))
    }
    return try findings.finish(settings)
  }

  /// The form of the file.
  static var schema: Schema { .map { _ = read($0, path: path(file: "", home: "")) } }

  private static func read(_ fields: FieldReader, path: Shape<String>) -> Settings? {
    let board = fields.required("board", path)
    var settings = Settings(board: board ?? "")
    settings.agents = fields.value("agents", .oneOrMore(of: path), settings.agents)
    settings.rules = fields.value("rules", .oneOrMore(of: path), settings.rules)
    settings.home = fields.value("home", path, settings.home)
    settings.plugins = fields.optional("plugins", path)
    settings.allowsUnsignedPlugins = fields.value(
      "unsigned_plugins", .choice([("allow", true), ("refuse", false)]), settings.allowsUnsignedPlugins)
    settings.docker = fields.optional("docker", engine(path))
    settings.models = ModelReader(path: path).read(fields)
    settings.socket = fields.value("socket", socket(path), settings.socket)
    settings.watchdog = fields.optional("watchdog", path)
    settings.socketMode = fields.value("socket_mode", mode, settings.socketMode)
    settings.guardian = fields.optional("guardian", .bool)
    if let groups = fields.map("groups") {
      settings.viewGroup = groups.optional("view", group)
      settings.operateGroup = groups.optional("operate", group)
      settings.adminGroup = groups.optional("admin", group)
      settings.approveGroup = groups.optional("approve", group)
      groups.close()
      GroupAdvice.note(settings, groups)
    }
    if settings.viewGroup == nil, settings.socketMode & 0o002 != 0 {
      fields.findings.warning(
        fields.place(of: "socket_mode"),
        "'socket_mode' lets everybody on this machine connect and read; 'groups.view' restricts reading to a group")
    }
    if let limits = fields.map("limits") {
      settings.depthLimit = limits.value("depth", .int(1...1000), settings.depthLimit)
      settings.eventRing = limits.value("event_ring", .int(16...1_000_000), settings.eventRing)
      settings.logLines = limits.value("log_lines", .int(1...100_000), settings.logLines)
      settings.transcript = limits.value("transcript", .size, settings.transcript)
      settings.activationLimit = limits.value(
        "activation", .duration(atLeast: .microseconds(1)), settings.activationLimit)
      settings.watchdogTimeout = limits.value(
        "watchdog", .duration(atLeast: .seconds(1)), settings.watchdogTimeout)
      limits.close()
    }
    if let budget = fields.map("budget") {
      settings.budget.read(budget, .board)
      settings.diskBudget = budget.optional("disk", .byteRate)
      // Unknown keys are errors: a misspelt limit would be no limit.
      budget.close { key in
        key.isSame(as: "on_exhausted")
          ? "'on_exhausted' is for an agent's own 'budget' in its manifest: whether its calls wait, also for the board's limits"
          : nil
      }
    }
    fields.close()
    return board == nil ? nil : settings
  }

  private static func path(file: String, home: String?) -> Shape<String> {
    let folder = Files.folder(of: file)
    let expected = "a path, as seen from this file's folder"
    return Shape(expected: expected, .text(least: 1, most: 4096)) { node, subject, findings in
      guard let text = Shape<String>.text(expected).read(node, subject, findings) else { return nil }
      if text.utf8.contains(0) {
        findings.error(node.location, "\(subject) contains a NUL character, expected \(expected)")
        return nil
      }
      if home == nil, text == "~" || text.hasPrefix("~/") {
        findings.error(
          node.location, "\(subject) is \(Wording.quoted(text)), but HOME is not set, expected a path without '~'")
        return nil
      }
      return Paths.join(folder, Paths.expand(text, home: home))
    }
  }

  /// A path that fits into a socket's address: `sun_path` has 108 bytes including the NUL (unix(7)).
  private static func socket(_ path: Shape<String>) -> Shape<String> {
    Shape(expected: path.expected, .text(least: 1, most: 4096)) { node, subject, findings in
      guard let socket = path.read(node, subject, findings) else { return nil }
      if socket.utf8.count > 107 {
        findings.error(
          node.location, "\(subject) is \(socket.utf8.count) bytes long, expected at most 107, the limit of sockets")
        return nil
      }
      return socket
    }
  }

  /// The socket of a Docker engine: a path, and no address as DOCKER_HOST has.
  private static func engine(_ path: Shape<String>) -> Shape<String> {
    let socket = socket(path)
    let expected = "the path of a Docker engine's socket such as /run/docker.sock"
    return Shape(expected: expected, .text("[^\\x00-\\x1f]+")) { node, subject, findings in
      guard case .string(let text) = node.content else {
        findings.error(node.location, "\(subject) is \(Wording.shown(node)), expected \(expected)")
        return nil
      }
      if text.utf8.contains(where: { $0 < 0x20 }) {
        findings.error(node.location, "\(subject) contains a control character, expected \(expected)")
        return nil
      }
      if text.holds("://") {
        let hint = text.hasPrefix("unix://") ? "; write \(Wording.quoted(String(text.dropFirst(7))))" : ""
        findings.error(
          node.location, "\(subject) is \(Wording.quoted(text)), an address, expected \(expected)\(hint)")
        return nil
      }
      return socket.read(node, subject, findings)
    }
  }

  /// An octal file mode. It must be text, because YAML reads a bare 0660 as a decimal number.
  private static var mode: Shape<UInt32> {
    Shape("an octal mode in quotes such as '0660'", .text("[0-7]{3,4}")) { node in
      guard case .string(let text) = node.content, (3...4).contains(text.utf8.count), let mode = UInt32(text, radix: 8),
        mode <= 0o777
      else { return nil }
      return mode
    }
  }

  private static var group: Shape<String> {
    Shape("the name of a group such as gpio", .text("(?!-)[^:/\\s]{1,32}")) { node in
      guard case .string(let text) = node.content, (1...32).contains(text.utf8.count), text.first != "-" else {
        return nil
      }
      return text.contains { $0 == ":" || $0.isWhitespace || $0 == "/" } ? nil : text
    }
  }
}
