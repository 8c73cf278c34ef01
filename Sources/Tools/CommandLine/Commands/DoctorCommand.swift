import ArgumentParser
import Doctor
import Linux
import Model

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Examines daemon, limits, devices and board, and says what to do.",
    discussion: """
      The daemon proves the limits of agents: small programs in their sandbox try to exceed them, which takes some \
      seconds. Exit code 1 if there is a problem.
      """)
  @OptionGroup var shared: SharedOptions

  @Option(
    help: ArgumentHelp(
      "Writes a new archive (tar) with this page, the daemon's state and journal and its files, without secrets.",
      valueName: "file"), completion: .file())
  var bundle: String?

  @Option(
    help: ArgumentHelp(
      "The settings whose files are in the archive; by default openstarry.yaml in this folder, or else "
        + "/etc/openstarry/openstarry.yaml.", valueName: "file"), completion: .file())
  var config: String?

  func run() throws {
    let facts = facts()
    let findings = Examination.findings(Machine(), facts)
    // The page first, and both: neither is lost when the other cannot be written.
    let page = Result {
      try shared.show(DoctorText.document(findings)) { DoctorText.lines(findings, colour: $1.colour) }
    }
    if let bundle {
      try SupportBundle(findings, facts, settings: config ?? SettingsFiles.Validate.found).write(bundle)
      Terminal.complain("\(bundle.printable): look through it before you send it")
    }
    try page.get()
    if findings.contains(where: { $0.level == .problem }) { throw ShellStatus.failed }
  }

  private func facts() -> Facts {
    let answers: Result<DaemonAnswers, Facts.Failure>
    do throws(Failure) {
      // A daemon that hangs is what a doctor is called for.
      _ = try shared.connect(timeout: .seconds(5)).call("daemon.health")
      answers = .success(try ask(try shared.connect()))
    } catch {
      answers = .failure(Facts.Failure(error.message, isRefusal: error.status == .denied))
    }
    return Self.facts(answers, Self.versions())
  }

  /// The versions of programs of the system, by path. Starts them, which takes a while.
  static func versions() -> [String: String] {
    var versions: [String: String] = [:]
    for program in Facts.programs { versions[program] = ProgramOutput.version(of: program) }
    return versions
  }

  /// What this machine says beside the daemon's answers.
  static func facts(_ answers: Result<DaemonAnswers, Facts.Failure>, _ versions: [String: String]) -> Facts {
    var facts = Facts(
      version: Release.version, daemon: answers, disk: home((try? answers.get())?.status).flatMap { DiskSpace(of: $0) },
      isClockSynchronised: System.wallIsSynchronised())
    // As the daemon sees it, if both have the same environment.
    if let images = Environment.current()["OPENSTARRY_IMAGES"] { facts.images = images }
    facts.versions = versions
    return facts
  }

  /// The daemon's home. A relative one is relative to the folder that the daemon runs in.
  /// - Returns: nil when that folder is not in sight.
  private static func home(_ status: Value?) -> String? {
    guard let home = status?["home"]?.string else { return "/var/lib/openstarry" }
    if home.hasPrefix("/") { return home }
    return status?["pid"]?.int.flatMap { Files.target(ofLink: "/proc/\($0)/cwd") }.map { Files.join($0, home) }
  }

  private func ask(_ remote: Remote) throws(Failure) -> DaemonAnswers {
    var results: [String: Value] = [:]
    for question in DaemonAnswers.questions {
      do throws(Failure) { results[question.method] = try remote.call(question.method, question.params) } catch {
        guard question.isOptional else { throw error }
      }
    }
    if !shared.json, System.isTerminal(2) { Terminal.complain("the limits are being proved, for some seconds") }
    var probes: Result<Value, Facts.Failure>
    do throws(Failure) {
      probes = .success(try remote.call("daemon.probe"))
    } catch {
      probes = .failure(Facts.Failure(error.message, isRefusal: error.status == .denied))
    }
    return DaemonAnswers(results, probes: probes)
  }
}

/// What is asked for an examination.
extension DaemonAnswers {
  /// A call of the control protocol.
  struct Question: Sendable {
    var method: String
    var params: Fields = [:]
    /// Whether there is an examination without an answer, too.
    var isOptional = false
  }

  /// The questions, in order.
  static let questions = [
    Question(method: "daemon.status"), Question(method: "hal.devices"), Question(method: "agent.list"),
    // A daemon of before has none.
    Question(method: "models.list", isOptional: true), Question(method: "registry.list"),
    // The home may be unreadable, which the status says.
    Question(method: "daemon.history", params: ["limit": 100], isOptional: true),
  ]

  /// - Parameter results: of the questions, by method.
  init(_ results: [String: Value], probes: Result<Value, Facts.Failure>) {
    self.init(
      status: results["daemon.status"] ?? [:], devices: results["hal.devices"]?["devices"]?.list ?? [],
      agents: results["agent.list"]?["agents"]?.list ?? [], models: results["models.list"]?["models"]?.list ?? [],
      modelsNotStored: results["models.list"]?["not_stored"]?.string,
      unusable: results["registry.list"]?["unusable"]?.map ?? [:],
      history: results["daemon.history"]?["entries"]?.list ?? [], probes: probes)
  }
}
