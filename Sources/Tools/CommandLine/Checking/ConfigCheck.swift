import Agent
import Config
import Isolations
import Linux
import Model
import Rules

/// The check behind `openstarry check`: reads files as the daemon does, and collects all diagnostics.
///
/// Settings lead to the board, the manifests and the rules that they name, which are then checked against each other.
/// Files that no settings name are checked against the board among them, if there is exactly one.
struct ConfigCheck {
  private(set) var files: [String] = []
  private(set) var found: [Diagnostic] = []
  private let environment: [String: String]
  /// Whether rules that are valid, and probably not what was meant, are reported, too.
  private let advises: Bool
  private var kinds: [String: ConfigKind] = [:]
  private var contents: [String: [UInt8]] = [:]
  private var projects: [Project] = []

  /// The files that one daemon loads together.
  private struct Project {
    var boards: [String] = []
    var manifests: [String] = []
    var rules: [String] = []
    /// Agents without a file here: they were registered or deployed, and their manifests are in the daemon's home.
    var kept: [AgentID] = []
    /// Whether a Docker engine runs its containers.
    var hasEngine = false
    /// The language models of its settings; nil without settings.
    var models: [ModelSettings]?
    /// Whether all agents are known.
    var isComplete: Bool

    var files: [String] { boards + manifests + rules }
  }

  /// The number of errors.
  var errors: Int { found.count { $0.severity == .error } }

  /// The number of warnings.
  var warnings: Int { found.count - errors }

  /// Checks files and folders.
  /// - Parameters:
  ///   - environment: the variables for `${NAME}` in manifests.
  ///   - advises: whether rules that are valid, and probably not what was meant, are reported, too.
  /// - Throws: `Failure` when a path does not exist, or a folder has no configuration files. Errors within files are in
  ///   `found`.
  init(_ paths: [String], environment: [String: String], advises: Bool = false) throws(Failure) {
    self.environment = environment
    self.advises = advises
    for path in paths {
      let inside = try ConfigFiles.under(path)
      if inside.isEmpty {
        throw Failure(.notFound, "no files to check in \(path): folders are searched for \(ConfigFiles.searchedNames)")
      }
      for file in inside { read(file) }
    }
    for file in files where kinds[file] == .settings { follow(file) }
    gatherOthers()
    for project in projects { check(project) }
    found = Diagnostics(found).all
  }

  // MARK: Collecting files

  /// Reads a file once and determines its kind. An unreadable file is an error in `found`.
  /// - Parameter kind: the kind that the settings require; nil to guess it.
  private mutating func read(_ file: String, as kind: ConfigKind? = nil) {
    if let kind { kinds[file] = kind }
    guard !files.contains(file) else { return }
    files.append(file)
    do throws(SystemError) {
      let bytes = try Files.read(file)
      contents[file] = bytes
      kinds[file] = kind ?? ConfigKind.guess(fileName: file, try? ConfigText.parse(bytes, file: file))
    } catch {
      found.append(Diagnostic(Location(file: file), "cannot be read: \(SystemError.text(error.errno))"))
    }
  }

  /// Checks settings, and reads the files that they name.
  private mutating func follow(_ file: String) {
    guard let bytes = contents[file],
      let settings = note({ [environment] () throws(Diagnostics) in
        try ConfigText.settings(bytes, file: file, environment: environment)
      })
    else { return }
    complain(ofGroupsOf: settings, file)
    add(Self.complaints(aboutKeysOf: settings.models, try? ConfigText.parse(bytes, file: file), file: file))
    var project = Project(
      boards: [settings.board], rules: settings.rules, hasEngine: settings.docker != nil,
      models: settings.models, isComplete: true)
    for path in settings.agents {
      do throws(Diagnostics) {
        let inside = try ManifestFolder.manifests(path)
        project.manifests += inside.files
        add(inside.warnings)
      } catch {
        for problem in error.all { found.append(Diagnostic(Location(file: file), "'agents': \(problem)")) }
        project.isComplete = false
      }
    }
    if let wrong = HomeFolder.obstacle(settings.home) ?? HomeFolder.doubt(settings.home) {
      let node = try? ConfigText.parse(bytes, file: file)["home"]
      add([Diagnostic(node?.location ?? Location(file: file), wrong, severity: .warning)])
    }
    let kept = Files.join(settings.home, "registered")
    do throws(SystemError) {
      project.kept = try Files.names(in: kept).map { AgentID($0) }
    } catch {
      if !error.isMissing { project.isComplete = false }
    }
    read(settings.board, as: .board)
    for manifest in project.manifests { read(manifest, as: .agent) }
    for rules in project.rules { read(rules, as: .orchestration) }
    projects.append(project)
  }

  /// Warns of groups that do not exist: the daemon requires them at its start. Only a warning, because the board may
  /// have other groups than this machine.
  private mutating func complain(ofGroupsOf settings: Settings, _ file: String) {
    let accounts = Accounts.ofThisMachine()
    for (key, group) in [
      ("view", settings.viewGroup), ("operate", settings.operateGroup), ("admin", settings.adminGroup),
      ("approve", settings.approveGroup),
    ] {
      guard let group, accounts.group(group) == nil else { continue }
      let groups = contents[file].flatMap { try? ConfigText.parse($0, file: file) }?["groups"]
      let hint = Suggestion.phrase(for: group, in: accounts.groupNames.sorted())
      add([
        Diagnostic(
          groups?[key]?.location ?? Location(file: file),
          "this machine has no group '\(group)'\(hint): a daemon does not start where it is missing", severity: .warning
        )
      ])
    }
  }

  /// Groups the files that no settings name: the manifests, and each rule file for itself, with the only board.
  private mutating func gatherOthers() {
    let others = files.filter { file in !projects.contains { $0.files.contains(file) } }
    let boards = others.filter { kinds[$0] == .board }
    let rules = others.filter { kinds[$0] == .orchestration }
    projects.append(
      Project(boards: boards, manifests: others.filter { kinds[$0] == .agent }, isComplete: false))
    for file in rules { projects.append(Project(boards: boards, rules: [file], isComplete: false)) }
    for file in others where kinds[file] == nil {
      guard let bytes = contents[file] else { continue }
      found +=
        ConfigText.check(
          bytes, file: file, environment: environment, isolations: Isolations.known
        ).found
    }
  }

  // MARK: Checking a project

  private mutating func check(_ project: Project) {
    var boards: [Board] = []
    for file in project.boards {
      guard let bytes = contents[file] else { continue }
      let board = note { () throws(Diagnostics) in
        let read = try ConfigText.board(bytes, file: file)
        try BoardConditions.check(read.0, complaint: KnownNames(board: read.0).complaint)
        return read
      }
      if let board {
        boards.append(board)
      }
    }
    let board = project.boards.count == 1 ? boards.first : nil
    var manifests: [Manifest] = []
    for file in project.manifests {
      guard let bytes = contents[file] else { continue }
      let manifest = note { [environment] () throws(Diagnostics) in
        try ConfigText.manifest(bytes, file: file, environment: environment, isolations: Isolations.known, board: board)
      }
      if let manifest {
        if let other = manifests.first(where: { $0.id == manifest.id }) {
          let place = (try? ConfigText.parse(bytes, file: file))?["identity"]?["id"]?.location ?? Location(file: file)
          add([Diagnostic(place, "agent '\(manifest.id)' is already declared in \(other.file)")])
          continue
        }
        manifests.append(manifest)
        complain(of: manifest, bytes, hasEngine: project.hasEngine)
        add(Self.complaints(about: manifest, try? ConfigText.parse(bytes, file: file), models: project.models))
      }
    }
    // A rule or another manifest may refer to a manifest that cannot be read.
    let knowsAgents = project.isComplete && manifests.count == project.manifests.count
    add(
      Parentage.complaints(
        manifests, resolving: Files.resolveExisting, areAll: knowsAgents && project.kept.isEmpty
      ).map(\.complaint))
    let rules = check(
      project.rules, KnownNames(board: board, agents: knowsAgents ? manifests.map(\.id) + project.kept : nil),
      reports: Dictionary(
        manifests.compactMap { manifest in manifest.report.map { (manifest.id, $0) } },
        uniquingKeysWith: { first, _ in first }))
    // The timer may be in another file.
    let areAllRules = !project.isComplete && files.count { kinds[$0] == .orchestration } == project.rules.count
    if let rules, project.isComplete || areAllRules { add(KnownNames.timerWarnings(rules)) }
  }

  /// Reports an agent that the daemon could not run. Cannot check in-process agents, which are linked into the daemon.
  private mutating func complain(of manifest: Manifest, _ bytes: [UInt8], hasEngine: Bool) {
    let document = try? ConfigText.parse(bytes, file: manifest.file)
    let runtime = document?["runtime"]
    func place(_ key: String) -> Location { runtime?[key]?.location ?? Location(file: manifest.file) }
    guard let isolation = Isolations.of(manifest.runtime.driver) else {
      return add([Diagnostic(place("driver"), manifest.runtime.driver.isMissing)])
    }
    guard manifest.mind != nil || !manifest.runtime.entry.isEmpty else {
      return add([
        Diagnostic(
          document?.location ?? Location(file: manifest.file),
          "agent '\(manifest.id)' cannot run: its manifest has neither 'runtime' nor 'cognition'")
      ])
    }
    do throws(AgentFailure) { try isolation.check(manifest) } catch {
      add([Diagnostic(place("entry"), error.message)])
    }
    let permissions = document?["capabilities"]?["permissions"]
    if hasEngine, let obstacle = Isolations.engineObstacle(to: manifest) {
      add([Diagnostic(permissions?["network_allow_hosts"]?.location ?? Location(file: manifest.file), obstacle)])
    }
    for key in isolation.ineffective {
      guard let node = permissions?[key] else { continue }
      let driver = manifest.runtime.driver.rawValue
      add([
        Diagnostic(
          node.location, "'\(key)' has no effect for agents with the driver '\(driver)'", severity: .warning)
      ])
    }
  }

  /// Reads rule files, and compiles their rules together as the daemon does.
  /// - Returns: all rules; nil if a file has an error.
  private mutating func check(
    _ files: [String], _ known: KnownNames, reports: [AgentID: [String: String]]
  ) -> [RuleDeclaration]? {
    var declarations = RuleDeclarations()
    var isWhole = true
    for file in files {
      guard let bytes = contents[file] else { continue }
      let (read, found) = ConfigText.readRules(bytes, file: file, known: known)
      add(found)
      add(declarations.add(read))
      if found.contains(where: { $0.severity == .error }) { isWhole = false }
    }
    guard isWhole else {
      add(
        RuleSet.problems(
          in: declarations.rules, variables: declarations.firstValues, complaint: known.complaint))
      return nil
    }
    note { [advises] () throws(Diagnostics) in
      let compiled = try RuleSet(
        compiling: declarations.rules, variables: declarations.firstValues, reports: reports,
        complaint: known.complaint)
      let advice = advises ? compiled.advice(about: declarations.variables) : []
      let warnings = compiled.payloadWarnings + compiled.feedbackWarnings + compiled.unitWarnings(known.unit)
      return (compiled, warnings: warnings + advice)
    }
    return declarations.rules
  }

  /// Runs a reader and collects its diagnostics.
  /// - Returns: the reader's result; nil if it failed.
  @discardableResult
  private mutating func note<Read>(_ read: () throws(Diagnostics) -> (Read, warnings: [Diagnostic])) -> Read? {
    do throws(Diagnostics) {
      let (read, warnings) = try read()
      add(warnings)
      return read
    } catch {
      add(error.all)
      return nil
    }
  }

  /// Adds diagnostics once: a board that belongs to several projects is read for each of them.
  private mutating func add(_ diagnostics: [Diagnostic]) {
    for diagnostic in diagnostics where !found.contains(diagnostic) { found.append(diagnostic) }
  }
}
