import Doctor
import Glibc
import Linux
import Model
import TestKit

/// A machine made of files, and what the daemon would say.
struct Patient {
  private let folder: TemporaryFolder
  var machine: Machine { Machine(root: folder.path) }
  var path: String { folder.path }
  var facts = Facts(version: "1.0.0", daemon: .success(Patient.answers()))

  /// - Parameter files: by path, without the first slash.
  init(_ files: [String: String] = [:]) throws {
    folder = try TemporaryFolder()
    facts.versions = ["/usr/bin/bwrap": "0.8.0", "/usr/bin/podman": "4.3.1", "/usr/bin/python3": "3.11.2"]
    for (name, text) in Self.healthy { try folder.write(name, text) }
    for (name, text) in files { try folder.write(name, text) }
  }

  /// A machine with bubblewrap, control groups and python3.
  private static let healthy = [
    "usr/bin/bwrap": "", "usr/bin/python3": "", "proc/self/ns/user": "",
    "proc/sys/user/max_user_namespaces": "15000\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n", "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
  ]

  func remove(_ name: String) { TemporaryFolder.remove("\(folder.path)/\(name)") }

  func link(_ name: String, to target: String) throws {
    let place = "\(folder.path)/\(name)"
    try Files.makeFolder(Files.folder(of: place))
    _ = unsafe symlink(target, place)
  }

  func setMode(_ name: String, _ mode: UInt32) { _ = unsafe chmod("\(folder.path)/\(name)", mode) }

  /// Answers of a daemon on a real board, in order.
  static func answers(
    status: Fields = [:], devices: [Value] = [], agents: [Value] = [], models: [Value] = [], unusable: Fields = [:],
    history: [Value] = [], probes: Result<Value, Facts.Failure> = .success(held)
  ) -> DaemonAnswers {
    var all: Fields = [
      "version": "1.0.0", "board": "greenhouse", "backend": "linux", "role": "admin", "guardian": "running, pid 7",
      "clock": ["synchronised": true, "trusted": true],
    ]
    for (name, value) in status { all[name] = value }
    return DaemonAnswers(
      status: .map(all), devices: devices, agents: agents, models: models, unusable: unusable, history: history,
      probes: probes)
  }

  static let held: Value = [
    "obstacle": .null, "launcher": ["uid": 990, "landlock": 5, "controllers": ["groups", "memory", "cpu", "pids"]],
    "limits": [["limit": "memory", "outcome": "held", "text": "ended at 24 MiB"]],
  ]

  static let program: Value = ["agent": "thermostat", "driver": "process", "budgets": []]

  static let container: Value = ["agent": "boxed", "driver": "docker", "budgets": []]

  /// What agents in containers need, with one image.
  static let podman = [
    "usr/bin/podman": "", "usr/bin/crun": "", "usr/bin/conmon": "",
    "var/lib/openstarry-images/store/overlay-images/images.json": "[{}]",
    "var/lib/openstarry-images/store/overlay-images/0a1b/manifest": "{}",
  ]

  static func without(_ obstacle: String) -> Result<Value, Facts.Failure> {
    .success(["obstacle": .string(obstacle), "launcher": .null, "limits": []])
  }

  var findings: [Finding] { Examination.findings(machine, facts) }

  /// The findings that are not `ok`, as lines.
  var complaints: [String] {
    findings.filter { $0.level != .ok }.map { finding in
      "\(finding.area) \(finding.level): \(finding.text)" + (finding.remedy.map { " → \($0)" } ?? "")
    }
  }

  func has(_ area: Finding.Area, _ level: Finding.Level, _ text: String, remedy: String = "") -> Bool {
    findings.contains {
      $0.area == area && $0.level == level && $0.text.contains(text) && ($0.remedy ?? "").contains(remedy)
    }
  }
}
