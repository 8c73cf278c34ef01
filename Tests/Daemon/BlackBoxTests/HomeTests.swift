import Glibc
import Linux
import Model
import Testing

/// The daemon's files: who can read them, and which of them are mapped.
@Suite struct HomeTests {
  private func station() throws -> Station {
    try Station(
      files: [
        "board.yaml": quietBoard + "  pump: {kind: actuator, max_rate: 5/m}\n",
        "agents/d/agent.json": manifest("d", entry: "doorkeeper", permissions: #"{"actuators": ["lamp"]}"#),
        "other.json": manifest("other", entry: "lookout"),
        "openstarry.yaml": """
        board: board.yaml
        agents: [agents]
        rules: [orchestration.yaml]
        home: home
        socket: home/run/control.sock
        guardian: true
        """,
      ])
  }

  /// Starts the daemon as from a shell with umask 0.
  private func start(_ station: Station, _ environment: [String: String]) throws -> Program {
    let daemon = try station.start(
      "sh", ["-c", "umask 0; exec \"$0\" --config openstarry.yaml --for 5m", Station.executable("openstarryd")],
      environment)
    try #require(eventually { daemon.errors.contains("openstarryd: ready in ") }, "\(daemon.errors)")
    return daemon
  }

  private func files(in folder: String) throws -> [String] {
    try Files.names(in: folder).flatMap { name in
      let path = "\(folder)/\(name)"
      return Files.isFolder(path) ? try [path] + files(in: path) : [path]
    }
  }

  @Test func nobodyElseReadsOrWritesWhateverTheUmask() throws {
    let station = try station()
    let environment = ["OPENSTARRY_SOCKET": "\(station.folder)/home/run/control.sock"]
    let daemon = try start(station, environment)
    func run(_ words: String...) throws -> Int32? { try station.start("openstarry", words, environment).wait() }
    #expect(try run("wake", "d", "x:y", "active=true") == 0)
    #expect(try run("register", "other.json") == 0)
    #expect(try run("set", "pump", "on") == 0)
    #expect(try run("estop", "--reason", "looking") == 0)
    let home = "\(station.folder)/home"
    #expect(eventually { Files.isFile("\(home)/registry.db.good") })
    daemon.send(SIGTERM)
    _ = daemon.wait()
    let second = try start(station, environment)
    // The next start takes the rights of others from files of an earlier version.
    second.send(SIGTERM)
    _ = second.wait()
    Files.setMode("\(home)/registry.db", 0o644)
    let third = try start(station, environment)
    let all = try files(in: home)
    #expect(all.contains("\(home)/registry.db") && all.contains("\(home)/crash.record"), "\(all)")
    for path in all {
      let status = try FileStatus(path)
      // The settings give the socket's mode; the peer's credentials give its role.
      if status.kind == .other { continue }
      #expect(status.mode & 0o027 == 0, "\(path) has mode \(String(status.mode, radix: 8))")
    }
    #expect(third.exitCode == nil)
  }

  /// Access to a mapped page that a full or broken disk, or another process, has taken away ends the process (SIGBUS).
  /// So only programs and libraries are mapped, and the crash record, which has its full length from the start.
  @Test func nothingOfTheHomeIsMappedButTheCrashRecord() throws {
    let station = try station()
    let environment = ["OPENSTARRY_SOCKET": "\(station.folder)/home/run/control.sock"]
    let daemon = try start(station, environment)
    let used = try station.start("openstarry", ["wake", "d", "x:y", "active=true"], environment).wait()
    let changed = try station.start("openstarry", ["set", "pump", "on"], environment).wait()
    #expect(used == 0 && changed == 0)
    let maps = String(decoding: try Files.read("/proc/\(daemon.pid)/maps"), as: UTF8.self)
    var mapped: Set<String> = []
    for line in maps.split(separator: "\n") {
      guard let path = line.firstIndex(of: "/").map({ String(line[$0...]) }), path.hasPrefix(station.folder) else {
        continue
      }
      mapped.insert(path)
    }
    #expect(mapped == ["\(station.folder)/home/crash.record"], "\(mapped)")
    // The disk has blocks for the whole file.
    var status = stat()
    #expect(unsafe stat("\(station.folder)/home/crash.record", &status) == 0)
    #expect(status.st_blocks * 512 >= status.st_size)
  }

  @Test func aPipeInTheHomeHoldsUpNothing() throws {
    for name in ["registry.db", "registry.db.good", "registry.db-wal", "crash.record", "strikes.json"] {
      let station = try Station(files: ["board.yaml": quietBoard])
      let home = "\(station.folder)/home"
      try Files.makeFolder(home, mode: 0o700)
      #expect(unsafe mkfifo("\(home)/\(name)", 0o600) == 0)
      let daemon = try station.daemon()
      #expect(daemon.errors.contains("home/\(name)"), "\(daemon.errors)")
      #expect(try station.run("status").code == 0)
      daemon.send(SIGTERM)
      #expect(daemon.wait() == 0, "\(name): \(daemon.errors)")
    }
  }

  @Test func aHomeThatIsNoneIsNamedOnce() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    #expect(unsafe symlink("/nonexistent/x", "\(station.folder)/home") == 0)
    let daemon = try station.daemon()
    #expect(daemon.errors.contains("is a symbolic link to /nonexistent/x, which does not exist"), "\(daemon.errors)")
    // A change that has to be kept is another matter, and may be due by now.
    let start = daemon.errors.split(separator: "\n").prefix { !$0.contains(": ready in ") }
    #expect(!start.contains { $0.contains("mkdir") || $0.contains("cannot be used") }, "\(start)")
  }
}
