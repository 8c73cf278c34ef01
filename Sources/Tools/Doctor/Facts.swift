import Linux
import Model

/// What the doctor knows beside the machine's files.
package struct Facts: Sendable {
  /// The version of the command.
  package var version: String
  /// The daemon's answers, or why there are none.
  package var daemon: Result<DaemonAnswers, Failure>
  /// The file system of the daemon's home; nil when it is not known or not in sight.
  package var disk: DiskSpace?
  /// Whether the system clock is synchronised.
  package var isClockSynchronised: Bool

  /// The folder of the images of agents in containers.
  package var images = "/var/lib/openstarry-images"
  /// The versions of programs of the system, by path; those that cannot be started are missing.
  package var versions: [String: String] = [:]

  /// The programs whose versions are on the page.
  package static let programs = ["/usr/bin/bwrap", "/usr/bin/podman", "/usr/bin/python3"]

  /// Facts of a machine without a daemon.
  package init(
    version: String, daemon: Result<DaemonAnswers, Failure>, disk: DiskSpace? = nil, isClockSynchronised: Bool = true
  ) {
    self.version = version
    self.daemon = daemon
    self.disk = disk
    self.isClockSynchronised = isClockSynchronised
  }

  /// Why no daemon answers.
  package struct Failure: Error, Sendable, Hashable {
    /// A sentence that ends with what to do.
    package var message: String
    /// Whether a daemon may be there, which this user may not ask.
    package var isRefusal: Bool

    /// A failure.
    package init(_ message: String, isRefusal: Bool = false) {
      self.message = message
      self.isRefusal = isRefusal
    }
  }

  var answers: DaemonAnswers? { try? daemon.get() }
}

/// What the daemon says of itself.
package struct DaemonAnswers: Sendable {
  /// The result of `daemon.status`.
  package var status: Value
  /// The rows of `hal.devices`.
  package var devices: [Value]
  /// The rows of `agent.list`.
  package var agents: [Value]
  /// The rows of `models.list`.
  package var models: [Value]
  /// Why no model is asked, of `models.list`; nil where they are.
  package var modelsNotStored: String?
  /// Why other agents of the configuration or the registry cannot run, by id: `unusable` of `registry.list`.
  package var unusable: Fields
  /// The newest lines of the restart ledger, oldest first.
  package var history: [Value]
  /// The result of `daemon.probe`, or why it was refused.
  package var probes: Result<Value, Facts.Failure>

  /// Answers.
  package init(
    status: Value, devices: [Value] = [], agents: [Value] = [], models: [Value] = [], modelsNotStored: String? = nil,
    unusable: Fields = [:],
    history: [Value] = [], probes: Result<Value, Facts.Failure>
  ) {
    self.status = status
    self.devices = devices
    self.agents = agents
    self.models = models
    self.modelsNotStored = modelsNotStored
    self.unusable = unusable
    self.history = history
    self.probes = probes
  }

  /// Whether an agent is a program, also one in a container.
  var hasPrograms: Bool { hasContainers || agents.contains { $0["driver"]?.string == "process" } }

  /// Whether an agent is in a container.
  var hasContainers: Bool { agents.contains { $0["driver"]?.string == "docker" } }

  /// Whether the board is simulated.
  var isSimulated: Bool { status["backend"]?.string == "simulated" }
}

/// A user with the groups of one of its processes.
struct Person: Equatable {
  var uid: UInt32
  var groups: Set<UInt32>

  /// The user of a process, from its `status` (proc_pid_status(5)); nil when that is not in sight.
  init?(process: Int64, on machine: Machine) {
    guard let text = machine.text("/proc/\(process)/status") else { return nil }
    func numbers(_ name: String) -> [UInt32] {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
      return line.dropFirst(name.count).split { $0 == " " || $0 == "\t" }.compactMap { UInt32($0) }
    }
    // Real, effective, saved and file system id.
    guard let uid = numbers("Uid:").dropFirst().first else { return nil }
    self.uid = uid
    groups = Set(numbers("Groups:") + numbers("Gid:"))
  }

  /// Whether the user may read and write a file, by its mode.
  func mayUse(_ file: FileStatus) -> Bool {
    if uid == 0 { return true }
    let bits = uid == file.owner ? file.mode >> 6 : groups.contains(file.group) ? file.mode >> 3 : file.mode
    return bits & 0o6 == 0o6
  }
}
