import Config
import Linux
import Model
import Rules

/// The files the daemon is configured by: found, read and checked. Reading never changes what runs.
struct Configuration {
  let settings: Settings
  let board: Board
  private let environment: [String: String]

  /// Reads the settings and the board.
  /// - Throws: all that is wrong in the first file that cannot be used.
  init(_ arguments: Arguments, environment: [String: String], journal: Journal) throws(StartFailure) {
    self.environment = environment
    let file = arguments.config ?? "/etc/openstarry/openstarry.yaml"
    do {
      var settings = try Self.read(file, journal) { bytes throws(Diagnostics) in
        try ConfigText.settings(bytes, file: file, environment: environment)
      }
      settings.board = arguments.board ?? settings.board
      settings.home = arguments.home ?? settings.home
      settings.socket = arguments.socket ?? settings.socket
      self.settings = settings
      board = try Self.read(settings.board, journal) { bytes throws(Diagnostics) in
        try ConfigText.board(bytes, file: settings.board)
      }
    } catch {
      throw .configuration("\(error)\nthe daemon was not started: mend the file, then check it with 'openstarry check'")
    }
  }

  /// Reads the manifests that the settings name.
  /// - Returns: those that can be used, by id, and what is wrong with the others.
  func manifests(_ journal: Journal) -> (usable: [Manifest], problems: [Diagnostic]) {
    var manifests: [AgentID: Manifest] = [:]
    var problems: [Diagnostic] = []
    for path in settings.agents {
      let files: [String]
      do { files = try Self.manifestFiles(path) } catch {
        problems.append(Diagnostic(Location(file: path), "cannot be read: \(SystemError.text(error.errno))"))
        continue
      }
      for file in files {
        do {
          let manifest = try manifest(file, journal)
          if let other = manifests[manifest.id] {
            problems.append(
              Diagnostic(Location(file: file), "agent '\(manifest.id)' is already declared in \(other.file)"))
          } else {
            manifests[manifest.id] = manifest
          }
        } catch { problems += error.all.filter { $0.severity == .error } }
      }
    }
    return (manifests.values.sorted { $0.id < $1.id }, problems)
  }

  /// Reads one manifest.
  func manifest(_ file: String, _ journal: Journal) throws(Diagnostics) -> Manifest {
    try Self.read(file, journal) { bytes throws(Diagnostics) in
      try ConfigText.manifest(bytes, file: file, environment: environment, board: board)
    }
  }

  /// Checks a manifest that came as text over the control socket.
  func manifest(text: [UInt8], file: String) throws(Diagnostics) -> Manifest {
    try ConfigText.manifest(text, file: file, environment: environment, board: board).0
  }

  /// Reads and compiles all rule files.
  /// - Throws: everything that is wrong in any of them.
  func rules(agents: [AgentID], _ journal: Journal) throws(Diagnostics) -> RuleSet {
    var declarations: [RuleDeclaration] = []
    var problems: [Diagnostic] = []
    let known = KnownNames(board: board, agents: agents)
    for file in settings.rules {
      do {
        declarations += try Self.read(file, journal) { bytes throws(Diagnostics) in
          try ConfigText.rules(bytes, file: file, known: known)
        }
      } catch { problems += error.all }
    }
    if !problems.isEmpty { throw Diagnostics(problems) }
    return try RuleSet(compiling: declarations)
  }

  private static func read<Checked>(
    _ file: String, _ journal: Journal,
    _ check: ([UInt8]) throws(Diagnostics) -> (Checked, warnings: [Diagnostic])
  ) throws(Diagnostics) -> Checked {
    let bytes: [UInt8]
    do { bytes = try Files.read(file) } catch {
      throw Diagnostics([Diagnostic(Location(file: file), "cannot be read: \(SystemError.text(error.errno))")])
    }
    let (value, warnings) = try check(bytes)
    for warning in warnings { journal.log(.warning, "\(warning)") }
    return value
  }

  /// A manifest itself, or in a folder every `*.agent.json` and every `*/agent.json`.
  private static func manifestFiles(_ path: String) throws(SystemError) -> [String] {
    guard Files.isFolder(path) else { return [path] }
    return try Files.names(in: path).compactMap { name in
      let inside = "\(path)/\(name)/agent.json"
      if Files.isFile(inside) { return inside }
      return name.hasSuffix(".agent.json") ? "\(path)/\(name)" : nil
    }
  }
}
