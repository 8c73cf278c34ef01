import Config
import HALLinux
import Isolations
import Journal
import Linux
import Model
import Rules

/// The configuration files: finds, reads and checks them. Reading does not change what runs.
struct Configuration {
  let settings: Settings
  let board: Board
  private let environment: [String: String]

  /// Reads the settings and the board.
  /// - Throws: all errors of the first file that has any.
  init(_ arguments: Arguments, environment: [String: String], journal: Journal) throws(StartFailure) {
    self.environment = environment
    let settings = try Self.settings(arguments, environment, journal)
    self.settings = settings
    do {
      let board = try Self.read(settings.board, journal) { bytes throws(Diagnostics) in
        let read = try ConfigText.board(bytes, file: settings.board)
        try BoardConditions.check(read.0, complaint: KnownNames(board: read.0).complaint)
        return read
      }
      self.board = arguments.simulates ? SimulatedBoard.replacing(board) : board
    } catch {
      throw .invalid(error)
    }
  }

  /// The settings: of the file, overridden by the command line.
  private static func settings(
    _ arguments: Arguments, _ environment: [String: String], _ journal: Journal
  ) throws(StartFailure) -> Settings {
    var settings: Settings
    if let file = try SimulatedRun.settingsFile(arguments) {
      do throws(Diagnostics) {
        settings = try read(file, journal) { bytes throws(Diagnostics) in
          try ConfigText.settings(bytes, file: file, environment: environment)
        }
      } catch {
        throw .invalid(error)
      }
    } else {
      settings = Settings(board: "")
    }
    if arguments.simulates { SimulatedRun.confine(&settings) }
    settings.board = arguments.board ?? settings.board
    settings.home = arguments.home ?? settings.home
    settings.socket = arguments.socket ?? settings.socket
    return settings
  }

  /// What the entries of `agents:` name.
  struct Agents {
    /// The valid manifests, in order of their ids.
    var usable: [Manifest] = []
    /// The errors of the others.
    var problems: [Diagnostic] = []
    /// Why a manifest with a readable id is invalid.
    var unusable: [(agent: AgentID, why: String)] = []
    /// The errors of folders that cannot be searched.
    var folders: [Diagnostic] = []
  }

  /// Reads the manifests that the settings name.
  func agents(_ journal: Journal) -> Agents {
    var manifests: [AgentID: Manifest] = [:]
    var agents = Agents()
    for path in settings.agents {
      let files: [String]
      do {
        let found = try ManifestFolder.manifests(path)
        files = found.files
        for warning in found.warnings { journal.log(.warning, "\(warning.location): \(warning.message)") }
      } catch {
        agents.folders += error.all
        continue
      }
      for file in files {
        do {
          let manifest = try manifest(file, journal)
          if let other = manifests[manifest.id] {
            agents.problems.append(
              Diagnostic(Location(file: file), "agent '\(manifest.id)' is already declared in \(other.file)"))
          } else {
            manifests[manifest.id] = manifest
          }
        } catch {
          let wrong = error.all.filter { $0.severity == .error }
          agents.problems += wrong
          if let agent = Self.agent(of: file) {
            agents.unusable.append((agent, wrong.first.map { "\($0)" } ?? "\(error)"))
          }
        }
      }
    }
    agents.usable = manifests.values.sorted { $0.id < $1.id }
    return agents
  }

  /// The agent of an invalid manifest; nil when the id cannot be read.
  private static func agent(of file: String) -> AgentID? {
    let id = (try? Files.read(file)).flatMap { try? ConfigText.parse($0, file: file) }?["identity"]?["id"]?.value.string
    return id.map { AgentID($0) }
  }

  /// Reads one manifest.
  func manifest(_ file: String, _ journal: Journal) throws(Diagnostics) -> Manifest {
    try Self.read(file, journal) { bytes throws(Diagnostics) in
      try ConfigText.manifest(bytes, file: file, environment: environment, isolations: Isolations.known, board: board)
    }
  }

  /// Checks a manifest that came over the control socket.
  func manifest(text: [UInt8], file: String) throws(Diagnostics) -> Manifest {
    try ConfigText.manifest(text, file: file, environment: environment, isolations: Isolations.known, board: board).0
  }

  /// Reads and compiles all rule files. A rule may name an agent that does not exist yet; it waits for it.
  /// - Throws: all errors of all files.
  func rules(_ journal: Journal) throws(Diagnostics) -> RuleSet {
    var declarations = RuleDeclarations()
    var problems: [Diagnostic] = []
    let known = KnownNames(board: board)
    for file in settings.rules {
      do {
        let read = try Self.read(file, journal) { bytes throws(Diagnostics) in
          let (rules, found) = ConfigText.readRules(bytes, file: file, known: known)
          problems += found.filter { $0.severity == .error }
          return (rules, warnings: found.filter { $0.severity == .warning })
        }
        problems += declarations.add(read)
      } catch { problems += error.all }
    }
    // Report errors of every kind together.
    if !problems.isEmpty {
      throw Diagnostics(
        problems
          + RuleSet.problems(
            in: declarations.rules, variables: declarations.firstValues, complaint: known.complaint))
    }
    let rules = try RuleSet(
      compiling: declarations.rules, variables: declarations.firstValues, complaint: known.complaint)
    for warning in KnownNames.timerWarnings(declarations.rules) + rules.payloadWarnings {
      journal.log(.warning, "\(warning.location): \(warning.message)")
    }
    return rules
  }

  /// Everything that is wrong with the text of a rule file, errors and warnings.
  /// - Parameter agents: the registered agents.
  func problems(inRules text: String, agents: [AgentID]) -> [Diagnostic] {
    let known = KnownNames(board: board, agents: agents)
    var declarations = RuleDeclarations()
    let (read, found) = ConfigText.readRules(Array(text.utf8), file: "rules.yaml", known: known)
    var problems = found + declarations.add(read)
    if problems.contains(where: { $0.severity == .error }) {
      problems += RuleSet.problems(
        in: declarations.rules, variables: declarations.firstValues, complaint: known.complaint)
    } else {
      do throws(Diagnostics) {
        let rules = try RuleSet(
          compiling: declarations.rules, variables: declarations.firstValues, complaint: known.complaint)
        problems += rules.payloadWarnings + rules.feedbackWarnings + rules.unitWarnings(known.unit)
      } catch { problems += error.all }
    }
    return problems.sorted { $0.location < $1.location }
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
    // Without the word "warning": the level says it.
    for warning in warnings { journal.log(.warning, "\(warning.location): \(warning.message)") }
    return value
  }
}
