import Glibc
import GuardianTestKit
import Linux
import Model
import Testing

/// The daemon is killed, and its guardian reports to the next one.
@Suite(.serialized) struct GuardianTests {
  private static let board = """
    name: guarded
    backend: simulated
    devices:
      fan: {kind: actuator, on_exit: hold, lease: 60s}
      lamp: {kind: actuator, lease: 60s}

    """

  private func station() throws -> Station {
    let station = try Station(files: ["board.yaml": Self.board])
    let settings = try Files.read("\(station.folder)/openstarry.yaml")
    try station.write("openstarry.yaml", String(decoding: settings, as: UTF8.self) + "\nguardian: true\n")
    return station
  }

  private func guardian(_ station: Station) throws -> String {
    try #require(try station.run("status", "--json").json?.map?["guardian"]?.string)
  }

  @Test func whatWasHeldIsHeldOnAfterSIGKILL() throws {
    let station = try station()
    let first = try station.daemon()
    #expect(try guardian(station).hasPrefix("running, pid "))
    for id in ["fan", "lamp"] { #expect(try station.run("set", id, "on", "--for", "60s").code == 0) }
    first.send(SIGKILL)
    #expect(first.wait() == 128 + SIGKILL)
    #expect(eventually { first.errors.contains("lamp: held by client/") })
    #expect(first.errors.contains("the daemon (process \(first.pid)) has died; 2 outputs dealt with in "))
    let second = try station.daemon()
    #expect(second.errors.contains("its guardian handled 2 outputs"))
    let change = try #require(try station.events("device:changed").first)
    #expect(change.map?["payload"]?.map?["reason"] == "taken-over")
    let devices = try station.run("devices").lines
    #expect(devices.contains { $0.hasPrefix("fan") && $0.contains("on") && $0.contains("client/") }, "\(devices)")
    #expect(devices.contains { $0.hasPrefix("lamp") && $0.contains("off") }, "\(devices)")
    second.send(SIGTERM)
    #expect(second.wait() == 0)
    #expect(!Files.exists("\(station.socket).guardian"))
  }

  @Test func aDaemonWithoutAGuardianSaysSo() throws {
    let station = try station()
    try station.copyDaemon(to: "alone")
    if Files.isFile("/usr/lib/openstarry/openstarry-guardian") { return print("skipped: a guardian is installed") }
    let daemon = try station.start("\(station.folder)/alone", ["--config", "openstarry.yaml", "--for", "5m"])
    #expect(daemon.wait() == 78)
    #expect(daemon.errors.contains("openstarry-guardian is not installed: nobody would make the outputs safe"))
    #expect(daemon.errors.contains("or say 'guardian: false' in openstarry.yaml"))
    let settings = String(decoding: try Files.read("\(station.folder)/openstarry.yaml"), as: UTF8.self)
    try station.write(
      "openstarry.yaml", settings.split(separator: "\n").dropLast().joined(separator: "\n") + "\nguardian: false\n")
    let without = try station.start("\(station.folder)/alone", ["--config", "openstarry.yaml", "--for", "5m"])
    #expect(eventually { without.errors.contains("ready in ") })
    #expect(try guardian(station) == "off")
  }

  /// Not executable; ends at once, as with a missing library; runs but does not answer.
  @Test(arguments: ["", "#!/bin/sh\nexit 3\n", "#!/bin/sh\nexec sleep 20\n"])
  func aDaemonWhoseGuardianDoesNotComeUpIsNotReady(program: String) throws {
    let station = try station()
    try station.copyDaemon(to: "alone")
    try station.write("openstarry-guardian", program)
    if !program.isEmpty { #expect(unsafe chmod("\(station.folder)/openstarry-guardian", 0o755) == 0) }
    let daemon = try station.start("\(station.folder)/alone", ["--config", "openstarry.yaml", "--for", "5m"])
    #expect(daemon.wait() == 69)
    #expect(daemon.errors.contains("its guardian cannot be started: "), "\(daemon.errors)")
    #expect(!daemon.errors.contains("ready in ") && !Files.exists(station.socket))
    #expect(!daemon.errors.contains("outputs have a guardian again"), "\(daemon.errors)")
  }

  @Test func aSimulatedBoardHasNoneUnlessAsked() throws {
    let station = try Station(files: ["board.yaml": Self.board])
    let daemon = try station.daemon()
    #expect(try guardian(station) == "off")
    #expect(daemon.exitCode == nil)
  }

  @Test func makeSafeIsHarmless() throws {
    let station = try station()
    try station.write(
      "real.yaml", "name: real\nbackend: linux\ndevices: {load: {kind: sensor, driver: procfs, quantity: load1}}\n")
    let words = ["--config", "openstarry.yaml", "--board", "real.yaml"]
    let daemon = try station.daemon(["--board", "real.yaml"])
    let beside = try station.start("openstarryd", words + ["--make-safe"])
    #expect(beside.wait() == 0)
    #expect(beside.errors.contains("a daemon is running: nothing to do"))
    #expect(daemon.exitCode == nil)
    daemon.send(SIGKILL)
    _ = daemon.wait()
    let after = try station.start("openstarryd", words + ["--make-safe"])
    #expect(after.wait() == 0)
    #expect(after.errors.contains("the guardian has made the outputs safe: nothing to do"))
    let next = try station.daemon(["--board", "real.yaml"])
    next.send(SIGTERM)
    #expect(next.wait() == 0)
    for (name, value) in ["SERVICE_RESULT": "success", "EXIT_STATUS": "78"] {
      let idle = try station.start("openstarryd", words + ["--make-safe"], [name: value])
      #expect(idle.wait() == 0 && idle.errors.isEmpty)
    }
  }

  /// A simulated board ends with the daemon, so no output can be left to a guardian.
  @Test func whatRefusesAtTheEndIsNamed() throws {
    let station = try station()
    let daemon = try station.daemon()
    for id in ["fan", "lamp"] { #expect(try station.run("set", id, "on", "--for", "60s").code == 0) }
    #expect(try station.run("simulate", "lamp", "nack").code == 0)
    #expect(try station.run("set", "lamp", "off").code != 0)
    let shown = try #require(try station.run("status", "--json").json?.map?["not_safe"]?.map)
    #expect(shown.count == 1 && shown["lamp"]?.string?.contains("no acknowledge") == true, "\(shown)")
    #expect(try station.run("status").lines.contains { $0.contains("not_safe") && $0.contains("lamp") })
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 74)
    let lines = daemon.errors.split(separator: "\n")
    #expect(lines.last?.hasSuffix("NOT SAFE: lamp") == true, "\(daemon.errors)")
    #expect(
      lines.contains { $0.contains("NOT SAFE: set 'lamp' failed: no acknowledge") && $0.contains("nobody tries") })
    #expect(!daemon.errors.contains("NOT SAFE: fan"))
    // It ended cleanly, so the next daemon has nothing to report.
    let next = try station.daemon()
    #expect(!next.errors.contains("has died") && !next.errors.contains("did not end in good order"))
  }

  @Test(arguments: [SIGKILL, SIGTERM]) func switchingCountsOverRestarts(signal: Int32) throws {
    let board = "name: cold\nbackend: simulated\ndevices: {compressor: {kind: actuator, max_rate: 4/h, lease: 60s}}\n"
    let station = try Station(files: ["board.yaml": board], in: "/dev/shm")
    for round in 1...3 {
      let daemon = try station.daemon()
      let answer = try station.run("set", "compressor", "on")
      // Switched on, and off with the daemon's end; the output moves no further.
      #expect((answer.code == 0) == (round < 3))
      if round == 3 { #expect(answer.errors.contains("max_rate"), "\(answer.errors)") }
      daemon.send(signal)
      _ = daemon.wait()
    }
  }

  @Test func makeSafeLeavesToAGuardianWhatIsItsOwn() throws {
    let station = try station()
    try station.write(
      "real.yaml", "name: real\nbackend: linux\ndevices: {load: {kind: sensor, driver: procfs, quantity: load1}}\n")
    let fixture = try PWMFixture(channels: 2)
    let ward = try WardProcess(
      try Station.executable("guardian-ward"), board: try fixture.board(["", ""]), root: fixture.root,
      socket: station.socket, guardian: try Station.executable("openstarry-guardian"), ["o0=1"])
    try ward.refuseWrites(true)
    // An output that refuses its safe level refuses it again when it is safe already.
    ward.kill()
    func makeSafe(_ environment: [String: String] = [:]) throws -> Program {
      let program = try station.start(
        "openstarryd", ["--config", "openstarry.yaml", "--board", "real.yaml", "--make-safe"], environment)
      _ = program.wait()
      return program
    }
    #expect(eventually { (try? makeSafe().exitCode) == 74 })
    for environment in [["EXIT_STATUS": "9"], ["EXIT_STATUS": "74", "SERVICE_RESULT": "exit-code"]] {
      let program = try makeSafe(environment)
      #expect(program.exitCode == 74)
      #expect(program.errors.contains("NOT SAFE: o0: File too large; its guardian tries again"), "\(program.errors)")
      #expect(program.errors.contains("NOT SAFE: o0, o1"), "\(program.errors)")
    }
    try ward.refuseWrites(false)
    #expect(eventually { (try? makeSafe().exitCode) == 0 })
    #expect(try fixture.text(0) == "0")
    ward.relieve()
    // No guardian is left. After an orderly end, a refused output is no reason to move outputs that are to be held.
    let idle = try makeSafe(["EXIT_STATUS": "74", "SERVICE_RESULT": "exit-code"])
    #expect(idle.exitCode == 0 && idle.errors.isEmpty)
  }
}
