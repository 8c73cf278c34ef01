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
    return Self.facts(answers)
  }

  /// What this machine says beside the daemon's answers.
  static func facts(_ answers: Result<DaemonAnswers, Facts.Failure>) -> Facts {
    var facts = Facts(
      version: Release.version, daemon: answers, disk: home((try? answers.get())?.status).flatMap { DiskSpace(of: $0) },
      isClockSynchronised: System.wallIsSynchronised())
    // As the daemon sees it, if both have the same environment.
    if let images = Environment.current()["OPENSTARRY_IMAGES"] { facts.images = images }
    for program in Facts.programs { facts.versions[program] = ProgramOutput.version(of: program) }
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
    let status = try remote.call("daemon.status")
    let devices = try remote.call("hal.devices")["devices"]?.list ?? []
    let agents = try remote.call("agent.list")["agents"]?.list ?? []
    // A daemon of before has none.
    let models = try? remote.call("models.list")
    let unusable = try remote.call("registry.list")["unusable"]?.map ?? [:]
    // The home may be unreadable, which the status says.
    let history = (try? remote.call("daemon.history", ["limit": 100]))?["entries"]?.list ?? []
    if !shared.json, System.isTerminal(2) { Terminal.complain("the limits are being proved, for some seconds") }
    var probes: Result<Value, Facts.Failure>
    do throws(Failure) {
      probes = .success(try remote.call("daemon.probe"))
    } catch {
      probes = .failure(Facts.Failure(error.message, isRefusal: error.status == .denied))
    }
    return DaemonAnswers(
      status: status, devices: devices, agents: agents, models: models?["models"]?.list ?? [],
      modelsNotStored: models?["not_stored"]?.string, unusable: unusable, history: history, probes: probes)
  }
}
