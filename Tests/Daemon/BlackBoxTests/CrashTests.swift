import Document
import Glibc
import Linux
import Model
import Testing

/// A daemon that its own agents take down: what it reports at the next start, and its measures.
@Suite struct CrashTests {
  /// A station with the agents `bad` and `worse`, which do what an event says, and `good`.
  private func station() throws -> Station {
    try Station(
      files: [
        "board.yaml": quietBoard, "agents/bad/agent.json": manifest("bad", entry: "hostile"),
        "agents/worse/agent.json": manifest("worse", entry: "hostile"),
      ])
  }

  private func start(_ station: Station, _ environment: [String: String] = [:]) throws -> Program {
    try station.daemon(environment: environment, program: "hostile-firmware")
  }

  /// Has an agent take the daemon down.
  private func crash(_ station: Station, _ daemon: Program, _ agent: String = "bad", how: String) throws {
    let wake = try station.run("wake", agent, "x:y", "how=\(how)")
    #expect(wake.code != 0, "\(wake)")
    #expect(daemon.wait() != nil)
  }

  private func strikes(_ station: Station) throws -> [Value] { try station.events("agent:struck") }

  @Test(arguments: [
    ("trap", "crash.signal", "SIGILL|SIGTRAP"), ("overflow", "crash.signal", "SIGSEGV"),
    ("segfault", "crash.signal", "SIGSEGV"), ("exit", "killed", "ended its own process"),
  ])
  func aCrashNamesAgentEventAndPlaceAtTheNextStart(_ how: String, _ ending: String, _ words: String) throws {
    let station = try station()
    try crash(station, start(station), how: how)
    let daemon = try start(station)
    let event = try #require(try station.events("system:unclean_start").last?["payload"])
    #expect(event["agent"]?.string == "bad" && event["ending"]?.string == ending, "\(event)")
    let message = event["message"]?.string ?? ""
    #expect(words.split(separator: "|").contains { message.contains($0) }, "\(message)")
    #expect(message.contains("agent bad handled x:y ("), "\(message)")
    if ending == "crash.signal" { #expect(message.contains("+0x"), "\(message)") }
    #expect(try strikes(station).count == 1)
    #expect(daemon.errors.contains("strike 1 of 3"), "\(daemon.errors)")
    // It runs on: one strike is no reason to leave it out.
    #expect(try station.run("wake", "bad", "x:y", "how=nothing").code == 0)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    // After a clean end nothing is reported.
    let last = try start(station)
    #expect(try station.events("system:unclean_start").isEmpty && strikes(station).isEmpty)
    #expect(last.exitCode == nil)
  }

  @Test func theThirdStrikeQuarantinesUntilAPersonLetsItOut() throws {
    let station = try station()
    for _ in 0..<3 { try crash(station, start(station), how: "trap") }
    var daemon = try start(station)
    for _ in 0..<2 {
      let agents = try #require(try station.run("ps", "--json").json?["agents"]?.list)
      let bad = try #require(agents.first { $0["agent"]?.string == "bad" })
      #expect(bad["state"]?.string == "quarantined" && bad["last_exit"]?.string == "crash.signal", "\(bad)")
      #expect(bad["last_error"]?.string?.contains("ended the daemon 3 times") == true, "\(bad)")
      let refused = try station.run("wake", "bad", "x:y", "how=trap")
      #expect(refused.code == 7 && refused.errors.contains("3 times within 10m"), "\(refused)")
      #expect(try station.run("wake", "worse", "x:y").code == 0, "the others go on")
      let line = try station.run("status").lines.first { $0.hasPrefix("quarantined ") } ?? "nothing"
      #expect(line.contains("bad: ") && line.contains("ended the daemon 3 times"), "\(line)")
      #expect(line.hasSuffix("'openstarry restart bad' releases it"), "\(line)")
      // It stays quarantined after clean and unclean ends.
      daemon.send(SIGTERM)
      #expect(daemon.wait() == 0)
      daemon = try start(station)
    }
    #expect(try station.run("restart", "bad").code == 0)
    #expect(try station.run("wake", "bad", "x:y", "how=nothing").code == 0)
    let kept = "\(station.folder)/home/strikes.json"
    #expect(
      eventually { (try? Files.read(kept)).map { !String(decoding: $0, as: UTF8.self).contains("\"bad\"") } ?? false })
    daemon.send(SIGKILL)
    _ = daemon.wait()
    let last = try start(station)
    #expect(try station.run("wake", "bad", "x:y", "how=nothing").code == 0)
    #expect(last.exitCode == nil)
  }

  @Test func aKillOfADaemonAtRestIsNobodysStrike() throws {
    let station = try station()
    for _ in 0..<3 {
      let daemon = try start(station)
      #expect(try station.run("wake", "bad", "x:y", "how=nothing").code == 0)
      daemon.send(SIGKILL)
      #expect(daemon.wait() == 128 + SIGKILL)
    }
    let last = try start(station)
    let event = try station.events("system:unclean_start").last?["payload"]
    #expect(event?["ending"]?.string == "killed" && event?["agent"] == nil, "\(String(describing: event))")
    #expect(try strikes(station).isEmpty)
    #expect(last.exitCode == nil)
  }

  @Test func aDamagedRecordIsSaidAndNotUsed() throws {
    let station = try station()
    try crash(station, start(station), how: "trap")
    let record = "\(station.folder)/home/crash.record"
    try station.write("home/crash.record", "this is no record")
    try station.write("home/strikes.json", "{\"format\": 1")
    let daemon = try start(station)
    #expect(daemon.errors.contains("crash.record is damaged"), "\(daemon.errors)")
    #expect(daemon.errors.contains("strikes.json is damaged"), "\(daemon.errors)")
    #expect(try strikes(station).isEmpty)
    #expect(Files.size(record) ?? 0 > 100)
  }

  @Test func whereTheRuntimeFolderIsTheRecordIsThere() throws {
    let station = try station()
    try Files.makeFolder("\(station.folder)/run")
    let environment = ["RUNTIME_DIRECTORY": "\(station.folder)/run"]
    try crash(station, start(station, environment), how: "trap")
    #expect(Files.isFile("\(station.folder)/run/crash.record"))
    #expect(!Files.exists("\(station.folder)/home/crash.record"))
    let last = try start(station, environment)
    #expect(try strikes(station).count == 1)
    #expect(Files.isFile("\(station.folder)/run/strikes.json") && Files.isFile("\(station.folder)/home/strikes.json"))
    #expect(last.exitCode == nil)
  }

  /// A store into a mapped page without room on the disk would end the daemon (SIGBUS) at every start.
  @Test func aRuntimeFolderWithoutRoomCostsTheRecordAndNothingElse() throws {
    let station = try station()
    guard try station.mountDisk("run", kibibytes: 16) else {
      print("skipped: a small file system cannot be mounted here")
      return
    }
    do {
      // Whole pages, so that none is left.
      let filler = try System.open("\(station.folder)/run/filler", O_WRONLY | O_CREAT, mode: 0o600)
      while (try? System.writeAll(filler.number, [UInt8](repeating: 1, count: 4096))) != nil {}
    }
    let environment = ["RUNTIME_DIRECTORY": "\(station.folder)/run"]
    let daemon = try start(station, environment)
    #expect(daemon.errors.contains("no crash record: "), "\(daemon.errors)")
    #expect(try station.run("wake", "bad", "x:y", "how=nothing").code == 0)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    Files.remove("\(station.folder)/run/filler")
    try crash(station, start(station, environment), how: "trap")
    let last = try start(station, environment)
    #expect(try strikes(station).count == 1, "\(last.errors)")
    #expect(last.exitCode == nil)
  }

  // MARK: Safe mode

  @Test func aBootLoopEndsInSafeModeWithTheControlPlaneUp() throws {
    let always = { (id: String) in
      manifest(id, entry: "stillborn").split(separator: "on-demand").joined(separator: "always")
    }
    let station = try Station(
      files: [
        "board.yaml": quietBoard, "agents/a/agent.json": always("a"), "agents/b/agent.json": always("b"),
        "orchestration.yaml": "rules: [{on: \"x:y\", action: \"actuate(fan, on)\"}]\n",
      ])
    // Three strikes of one agent, two of the other: five ends.
    for _ in 0..<5 {
      let failed = try station.failingDaemon(program: "hostile-firmware")
      #expect((failed.code ?? 0) > 128, "\(failed)")
    }
    let daemon = try start(station)
    #expect(
      daemon.errors.contains("safe mode: no agents, no rules, outputs safe: it has ended 5 times"), "\(daemon.errors)")
    let status = try #require(try station.run("status", "--json").json)
    #expect(status["safe_mode"]?.string?.contains("agent b was starting") == true, "\(status)")
    #expect(try station.run("status").output.contains("safe_mode"))
    #expect(try station.events("system:safe_mode").count == 1)
    #expect(try station.run("ps", "--json").json?["agents"]?.list?.isEmpty == true)
    // Outputs are open and safe; sensors are not measured, and rules do nothing.
    #expect(try station.run("devices", "--json").output.contains("fan"))
    #expect(try station.run("emit", "x:y").code == 0)
    #expect(try station.events("device:changed").isEmpty)
    let refused = try station.run("daemon", "reload")
    #expect(refused.code == 7 && refused.errors.contains("leave-safe-mode"), "\(refused)")
    #expect(try station.run("rules", "reload").code == 7)

    // After safe mode the first agent is quarantined, and the second one's third strike follows.
    _ = try station.run("daemon", "leave-safe-mode")
    #expect((daemon.wait() ?? 0) > 128)
    let last = try start(station)
    let agents = try #require(try station.run("ps", "--json").json?["agents"]?.list)
    #expect(agents.map { $0["state"]?.string } == ["quarantined", "quarantined"])
    #expect(try station.run("status", "--json").json?["safe_mode"] == nil)
    #expect(last.exitCode == nil)
  }

  @Test func safeModeCanBeAskedForAndLeft() throws {
    let station = try Station(
      settings: "guardian: true",
      files: [
        "board.yaml": quietBoard,
        "agents/d/agent.json": manifest("d", entry: "doorkeeper", permissions: #"{"actuators": ["lamp"]}"#),
        "orchestration.yaml": "rules: [{on: \"x:y\", action: \"wake(d)\"}]\n",
      ])
    let daemon = try station.daemon(["--safe-mode"])
    #expect(try station.run("ps", "--json").json?["agents"]?.list?.isEmpty == true)
    #expect(try station.run("status", "--json").json?["safe_mode"]?.string == "it was started with --safe-mode")
    let left = try station.run("daemon", "leave-safe-mode")
    #expect(left.code == 0 && left.output == "rules and agents run again\n", "\(left)")
    #expect(try station.run("emit", "x:y", "active=true").code == 0)
    #expect(try station.waitFor("device:changed") { $0["payload"]?["device"]?.string == "lamp" })
    #expect(try station.run("read", "temperature").code == 0)
    #expect(try station.run("daemon", "leave-safe-mode").output == "the daemon is not in safe mode\n")
    // It is still the guardian of the start, and nothing was stuck meanwhile.
    for type in ["system:guardian_lost", "system:stuck"] {
      let events = try station.events(type)
      #expect(events.isEmpty)
    }
    #expect(try station.run("status", "--json").json?["guardian"]?.string?.hasPrefix("running, pid ") == true)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
