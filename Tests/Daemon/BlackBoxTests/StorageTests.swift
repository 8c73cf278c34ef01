import Glibc
import Linux
import Model
import Testing

/// Stored data when the disk is damaged or full.
@Suite struct StorageTests {
  private func station() throws -> Station {
    try Station(
      files: [
        "board.yaml": quietBoard,
        "agents/d/agent.json": manifest("d", entry: "doorkeeper", permissions: #"{"actuators": ["lamp"]}"#),
        "other.json": manifest("other", entry: "lookout"),
        "orchestration.yaml": """
        vars: {armed: false}
        rules: [{id: night, on: "x:night", if: vars.armed, action: "wake(d)"}]

        """,
      ])
  }

  /// Has the doorkeeper count one more, which it stores.
  private func visit(_ station: Station) throws {
    #expect(try station.run("wake", "d", "x:y", "active=true").code == 0)
  }

  private func stop(_ daemon: Program) {
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func anEmergencyStopOutlivesTheDaemon() throws {
    let station = try station()
    var daemon = try station.daemon()
    #expect(try station.run("set", "fan", "on").code == 0)
    #expect(try station.run("estop", "--reason", "smoke").output.hasPrefix("STOPPED"))
    #expect(eventually { daemon.errors.contains("alert: EMERGENCY STOP by client/") })
    #expect(daemon.errors.contains(": smoke"))
    #expect(try station.run("set", "fan", "on").code == 6)
    #expect(try station.run("ps").output.contains("paused by the emergency stop"))
    daemon.send(SIGKILL)
    _ = daemon.wait()
    daemon = try station.daemon()
    #expect(daemon.errors.contains("everything is stopped, by client/"))
    let refused = try station.run("set", "fan", "on")
    #expect(refused.code == 6 && refused.errors.contains("openstarry estop --clear"), "\(refused)")
    #expect(try station.run("wake", "d", "x:y").code == 7)
    #expect(try station.run("status").output.contains("smoke"))
    #expect(try station.run("estop", "--clear").output.hasPrefix("cleared"))
    #expect(try station.run("set", "fan", "on").code == 0)
    stop(daemon)
    daemon = try station.daemon()
    #expect(try station.run("set", "fan", "on").code == 0, "a cleared stop came back")
    stop(daemon)
    // An invalid file counts as a stop: moving wrongly is worse than standing still wrongly.
    try Files.replace("\(station.folder)/home/emergency-stop.json", with: [0xFF, 0x00])
    daemon = try station.daemon()
    #expect(try station.run("set", "fan", "on").code == 6)
    stop(daemon)
  }

  @Test func aDamagedRegistryIsRestored() throws {
    let station = try station()
    var daemon = try station.daemon()
    #expect(try station.run("register", "other.json").code == 0)
    stop(daemon)
    let file = "\(station.folder)/home/registry.db"
    for damage in [[UInt8](repeating: 0x5A, count: 8192), [], Array("SQLite format 3\0".utf8)] {
      try Files.replace(file, with: damage)
      Files.remove("\(file)-wal")
      daemon = try station.daemon()
      #expect(daemon.errors.contains("registry.db"), "nothing is said of \(damage.count) bytes of damage")
      #expect(try station.run("ps", "--json").output.contains("\"other\""))
      stop(daemon)
    }
    // Nothing is left to restore from. The daemon reports that and continues.
    for name in try Files.names(in: "\(station.folder)/home") {
      try Files.replace("\(station.folder)/home/\(name)", with: Array("not a database".utf8))
    }
    daemon = try station.daemon()
    #expect(daemon.errors.contains("registry.db"), "\(daemon.errors)")
    #expect(try !station.run("ps", "--json").output.contains("\"other\""))
    #expect(try station.run("register", "other.json").code == 0)
  }

  @Test func aHomeThatCannotBeWritten() throws {
    let station = try station()
    try station.write("home", "a file where the folder should be")
    let daemon = try station.daemon()
    #expect(daemon.errors.contains("home"), "\(daemon.errors)")
    try visit(station)
    #expect(try station.run("logs", "d").output.contains("visitor number 1"))
    #expect(try station.waitFor("system:storage_failed"))
    let refused = try station.run("register", "other.json")
    #expect(refused.code == 1 && refused.errors.contains("registry"), "\(refused)")
    Files.remove("\(station.folder)/home")
    #expect(try station.waitFor("system:storage_recovered"))
    stop(daemon)
    #expect(Files.isFile("\(station.folder)/home/registry.db"))
  }

  /// On a file system that is full.
  @Test func aFullDisk() throws {
    let station = try station()
    guard try station.mountDisk("home", kibibytes: 512) else {
      print("skipped: a small file system cannot be mounted here; aFileThatMayNotGrow covers it")
      return
    }
    var filler = 0
    try fillAndRecover(
      station,
      fill: { _ in
        while (try? Files.replace(
          "\(station.folder)/home/filler\(filler)", with: [UInt8](repeating: 1, count: 4096))) != nil
        {
          filler += 1
        }
      },
      free: { _ in for number in 0..<filler { Files.remove("\(station.folder)/home/filler\(number)") } })
  }

  /// The same with RLIMIT_FSIZE, which needs no privileges.
  @Test func aFileThatMayNotGrow() throws {
    let station = try station()
    func limit(_ daemon: Program, _ bytes: String) throws {
      let command = try station.start("prlimit", ["--pid", "\(daemon.pid)", "--fsize=\(bytes):unlimited"])
      try #require(command.wait() == 0, "\(command.errors)")
    }
    try fillAndRecover(station, fill: { try limit($0, "0") }, free: { try limit($0, "unlimited") })
  }

  private func fillAndRecover(
    _ station: Station, fill: (Program) throws -> Void, free: (Program) throws -> Void
  ) throws {
    let daemon = try station.daemon()
    try visit(station)
    // On the disk before it is full.
    #expect(try station.run("register", "other.json").code == 0)
    try fill(daemon)
    #expect(
      try eventually(pause: .milliseconds(150)) {
        try visit(station)
        return try !station.events("system:storage_failed").isEmpty
      })
    // The daemon continues: agents run, outputs move, clients get answers.
    try visit(station)
    #expect(try station.run("set", "fan", "on").code == 0)
    #expect(daemon.figure("status", "Threads") != nil)
    // A choice that a restart would undo is done, and not confirmed.
    for words in [["set", "armed", "true"], ["disable", "night"]] {
      let refused = try station.run(["rules"] + words)
      #expect(refused.code == 8 && refused.errors.contains("will not survive a restart"), "\(refused)")
    }
    try free(daemon)
    #expect(try station.waitFor("system:storage_recovered"))
    let visits = try station.run("state", "--json").json?["agents"]?["d"]?["snapshot"]?["visits"]?.int ?? 0
    #expect(visits >= 3)
    stop(daemon)
    let again = try station.daemon()
    // What could not be stored then was stored since.
    #expect(try station.run("rules", "vars").output.contains("true"))
    #expect(try station.run("rules", "list").output.contains("disabled"))
    #expect(try station.run("ps", "--json").output.contains("\"other\""))
    try visit(station)
    #expect(try station.run("logs", "d").output.contains("visitor number \(visits + 1)\n"))
    stop(again)
  }
}
