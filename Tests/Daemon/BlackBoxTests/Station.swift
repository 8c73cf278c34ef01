import Document
import Glibc
import Linux
import Model
import TestKit
import Testing

/// A folder with a configuration, and the daemon and commands that run in it.
final class Station {
  private let place: TemporaryFolder
  var folder: String { place.path }
  private var runs = 0
  private var disks: [String] = []

  /// Makes the folder, with settings that name a board of this repository or one of the station's files.
  /// - Parameters:
  ///   - settings: further lines of the settings.
  ///   - files: by name; agents are `agents/<id>/agent.json`.
  ///   - parent: the folder to make it in; `/dev/shm` for a socket in memory, as in `/run`.
  init(
    board: String? = nil, settings: String = "", files: [String: String] = [:], in parent: String = "/tmp"
  ) throws {
    place = try TemporaryFolder(in: parent)
    try write("orchestration.yaml", "rules: []\n")
    try Files.makeFolder("\(folder)/agents")
    try write(
      "openstarry.yaml",
      """
      board: \(board.map { "\(Self.repository)/Board/\($0)/board.yaml" } ?? "board.yaml")
      agents: [agents]
      rules: [orchestration.yaml]
      home: home
      socket: control.sock
      \(settings)
      """)
    for (name, text) in files { try write(name, text) }
  }

  deinit {
    for disk in disks { _ = unsafe umount2(disk, Int32(MNT_DETACH)) }
  }

  static let repository = Repository.root

  var socket: String { "\(folder)/control.sock" }

  func write(_ name: String, _ text: String) throws { try place.write(name, text) }

  /// Mounts a file system of a size in KiB at `name`.
  /// - Returns: false when it cannot be mounted.
  func mountDisk(_ name: String, kibibytes: Int) throws -> Bool {
    try Files.makeFolder("\(folder)/\(name)")
    guard unsafe mount("none", "\(folder)/\(name)", "tmpfs", 0, "size=\(kibibytes)k") == 0 else { return false }
    disks.append("\(folder)/\(name)")
    return true
  }

  /// A copy of the daemon without its guardian beside it, as in a firmware build. Another process copies it: a program
  /// that this process has open for writing while another test forks cannot be started (ETXTBSY).
  func copyDaemon(to name: String) throws {
    let copy = try start("install", ["-m", "755", try Self.executable("openstarryd"), "\(folder)/\(name)"])
    try #require(copy.wait() == 0, "\(copy.errors)")
  }

  // MARK: Programs

  /// Starts the daemon and waits until it is ready.
  func daemon(
    _ arguments: [String] = [], config: String? = nil, environment: [String: String] = [:],
    program: String = "openstarryd"
  ) throws -> Program {
    // Ends soon if the tests die. A `--for` in the arguments comes later and wins.
    let words = ["--config", config ?? "openstarry.yaml", "--for", "5m"] + arguments
    let daemon = try start(program, words, environment)
    let isUp = eventually { daemon.exitCode != nil || daemon.errors.contains("openstarryd: ready in ") }
    try #require(isUp && daemon.exitCode == nil, "the daemon did not start: \(daemon.errors)")
    return daemon
  }

  /// Starts a daemon that must fail, and waits for its end.
  func failingDaemon(
    _ arguments: [String] = [], program: String = "openstarryd"
  ) throws -> (code: Int32?, errors: String) {
    let daemon = try start(program, ["--config", "openstarry.yaml"] + arguments)
    let code = daemon.wait()
    return (code, daemon.errors)
  }

  /// The result of a command.
  struct Outcome {
    var code: Int32?
    var output: String
    var errors: String

    var lines: [Substring] { output.split(separator: "\n") }

    /// The output as JSON.
    var json: Value? { try? JSON.parse(Array(output.utf8), file: "<output>").value }
  }

  /// Runs `openstarry` with these words.
  @discardableResult
  func run(_ words: String...) throws -> Outcome { try run(words) }

  func run(_ words: [String]) throws -> Outcome {
    let command = try start("openstarry", words)
    let code = command.wait()
    return Outcome(code: code, output: command.output, errors: command.errors)
  }

  /// Starts a program in the folder: one of ours or of the system's.
  func start(
    _ program: String, _ arguments: [String], _ environment: [String: String] = [:]
  ) throws -> Program {
    runs += 1
    var variables = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": folder, "NO_COLOR": "1", "TZ": "UTC"]
    variables["OPENSTARRY_SOCKET"] = socket
    for (name, value) in environment { variables[name] = value }
    let isOurs = program.hasPrefix("openstarry") || program == "hostile-firmware"
    let path = isOurs ? try Self.executable(program) : program
    return try Program(path, arguments, environment: variables, folder: folder, name: "\(runs)")
  }

  /// The folder of the programs: `OPENSTARRY_BIN`, or the folder of the tests.
  static func executable(_ name: String) throws -> String {
    let folder = try Environment.current()["OPENSTARRY_BIN"] ?? Files.folder(of: Files.resolve("/proc/self/exe"))
    let path = "\(folder)/\(name)"
    try #require(Files.isFile(path), "\(path) is not there: build it, or set OPENSTARRY_BIN")
    return try Files.resolve(path)
  }

  // MARK: Asking

  /// The daemon's events, oldest first.
  func events(_ pattern: String) throws -> [Value] {
    try run("events", pattern, "-n", "200", "--json").json?["events"]?.list ?? []
  }

  /// Waits for an event that fits.
  func waitFor(
    _ pattern: String, within limit: Duration = .seconds(30), _ isRight: (Value) -> Bool = { _ in true }
  ) throws -> Bool {
    try eventually(within: limit, pause: .milliseconds(150)) { try events(pattern).contains(where: isRight) }
  }
}

/// A board on which nothing happens by itself.
let quietBoard = """
  name: quiet
  backend: simulated
  devices:
    temperature: {kind: sensor, every: 100ms, on_demand: true, model: {model: constant, unit: °C, value: 21}}
    door: {kind: input}
    fan: {kind: actuator, lease: 30s}
    lamp: {kind: actuator, lease: 30s}
    cam0: {kind: camera, size: 160x120, rate: 5}

  """

/// A manifest of an agent of the examples.
func manifest(_ id: String, entry: String, permissions: String = "{}", more: String = "") -> String {
  """
  {
    "identity": {"id": "\(id)", "name": "\(id)", "version": "1.0.0"},
    "runtime": {"driver": "in-process", "entry": "\(entry)", "lifecycle": "on-demand"},
    "capabilities": {"permissions": \(permissions)}\(more)
  }
  """
}
