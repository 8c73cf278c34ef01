import Document
import Glibc
import Linux
import Model
import Testing

/// Every command of `openstarry` against a running daemon, for people and as JSON.
@Suite struct CommandTests {
  private func station() throws -> Station {
    try Station(
      files: [
        "board.yaml": quietBoard,
        "agents/climate/agent.json": manifest(
          "climate", entry: "climate", permissions: #"{"sensors": ["temperature"], "actuators": ["fan"]}"#),
        "orchestration.yaml": """
        rules:
          - id: too-hot
            on: "sensor:temperature"
            if: "value > 30.0"
            action: "wake(climate)"

        """,
      ])
  }

  @Test func everyCommandAnswersPeopleAndPrograms() throws {
    let station = try station()
    let daemon = try station.daemon()
    /// Runs it both ways; the words must be in the output, and the JSON must be one.
    func check(_ words: String..., shows parts: String..., then undo: [String] = []) throws {
      let people = try station.run(words)
      #expect(people.code == 0, "\(words): \(people.errors)")
      for part in parts { #expect(people.output.contains(part), "\(words) shows:\n\(people.output)") }
      if !undo.isEmpty { #expect(try station.run(undo).code == 0) }
      let program = try station.run(words + ["--json"])
      #expect(program.code == 0, "\(words) --json: \(program.errors)")
      #expect(program.json?.map != nil, "\(words) --json shows:\n\(program.output)")
      #expect(program.lines.count == 1)
    }
    try check("status", shows: "openstarryd 0.", "pid \(daemon.pid)", "quiet")
    try check("simulate", "temperature", "31.5", shows: "temperature")
    #expect(try station.waitFor("device:changed") { $0["source"] == "fan" })
    try check("read", "temperature", shows: "temperature 31.5 °C")
    try check("why", "fan", shows: "sensor:temperature", "too-hot", "climate", "fan on")
    try check("ps", shows: "climate", "ready", "1 agent(s) running")
    try check("ps", "--verbose", shows: "in-process")
    try check("devices", shows: "temperature", "cam0", "held by agent/climate")
    try check("logs", "climate", shows: "too warm, fan on")
    try check("events", "device:*", "-n", "5", shows: "fan on")
    try check("state", shows: "devices:", "fan:", "state:")
    // Cool again, or the rule would go on waking the agent.
    #expect(try station.run("simulate", "temperature", "auto").code == 0)
    try check("rules", "list", shows: "too-hot", "value > 30.0", "wake(climate)")
    try check("rules", "test", "sensor:temperature", "value=31", shows: "too-hot", "fires")
    try check("rules", "test", "sensor:temperature", "value=29", shows: "too-hot", "silent")
    try check("rules", "reload", shows: "1 rule(s) loaded")
    try check("set", "lamp", "on", "--for", "5s", shows: "lamp on (was off) for 5s", then: ["release", "lamp"])
    try check("release", "lamp", shows: "lamp released", then: ["set", "lamp", "on"])
    try check("snapshot", "cam0", "-o", "frame.jpg", shows: "frame.jpg: cam0")
    try check("emit", "git:commit_pushed", "branch=main", shows: "01")
    try check("wake", "climate", shows: "climate woken by event")
    try check("restart", "climate", shows: "climate is ready")
    try check("kill", "climate", "--wait", shows: "climate is idle", then: ["spawn", "climate"])
    try check("spawn", "climate", shows: "climate is ready", then: ["kill", "climate", "--signal", "KILL", "--wait"])
    try station.write("other.json", manifest("other", entry: "lookout"))
    try check("register", "other.json", shows: "other is idle, registered")
    try check("unregister", "other", shows: "other forgotten", then: ["register", "other.json"])
    try check("check", ".", shows: "0 error(s)")
    try check("board", "check", "board.yaml", shows: "1 file(s) checked: 0 error(s)")
    try check("config", "validate", shows: "0 error(s)")
    #expect(try station.run("set", "lamp", "on").output == "lamp on (was off)\n")
    #expect(try station.run("release", "lamp").output == "lamp released\n")
    #expect(try station.run("release", "lamp").output == "lamp was not held\n")
    try station.write(
      "third.yaml",
      """
      identity: {id: third, name: third, version: 1.0.0}
      runtime: {driver: in-process, entry: lookout, lifecycle: on-demand}
      """)
    try check("register", "third.yaml", shows: "third is idle, registered")
    try check("daemon", "reload", shows: "agents changed: 0", "rules: 1")
    try check("version", shows: "openstarry 0.")
    #expect(try station.run("daemon", "stop").output == "the daemon is stopping\n")
    #expect(daemon.wait() == 0)
    let nobody = try station.run("status")
    #expect(nobody.code == 3 && nobody.lines.isEmpty && nobody.errors.split(separator: "\n").count == 1)
  }

  @Test func followingEndsWithTheDaemon() throws {
    let station = try station()
    let daemon = try station.daemon()
    let events = try station.start("openstarry", ["events", "x:*", "--follow", "--json"])
    let logs = try station.start("openstarry", ["logs", "--follow"])
    #expect(
      try eventually {
        // It may take a moment until they listen.
        try station.run("emit", "x:y", "n=1")
        try station.run("wake", "climate", "x:hot", "value=35")
        try station.run("wake", "climate", "x:cool", "value=20")
        return events.output.contains("\n") && logs.output.contains("fan o")
      })
    let first = events.output.split(separator: "\n").first.map { Array($0.utf8) } ?? []
    #expect(try JSON.parse(first, file: "<output>").value["type"] == "x:y")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    #expect(events.wait() == 0)
    #expect(logs.wait() == 0)
  }

  @Test func snapshotsAreJPEGs() throws {
    let station = try station()
    let daemon = try station.daemon()
    #expect(try station.run("snapshot", "cam0", "-o", "frame.jpg").code == 0)
    let picture = try Files.read("\(station.folder)/frame.jpg")
    #expect(picture.starts(with: [0xFF, 0xD8, 0xFF]) && picture.suffix(2) == [0xFF, 0xD9])
    #expect(picture.count > 500)
    let piped = try station.start("openstarry", ["snapshot", "cam0", "-o", "-"])
    #expect(piped.wait() == 0)
    let other = try station.run("snapshot", "cam1", "-o", "none.jpg")
    #expect(other.code == 5 && other.errors.contains("did you mean 'cam0'"))
    #expect(!Files.exists("\(station.folder)/none.jpg"))
    #expect(daemon.exitCode == nil)
  }

  @Test func aHoldOutlivesItsCommandAndEndsInTime() throws {
    let station = try station()
    let daemon = try station.daemon()
    let set = try station.run("set", "lamp", "on", "--for", "2s")
    #expect(set.code == 0 && set.output == "lamp on (was off) for 2s\n")
    func lamp() throws -> [Value] { try station.events("device:changed").filter { $0["source"] == "lamp" } }
    #expect(try lamp().count == 1)
    #expect(try eventually { try lamp().count == 2 })
    let changes = try lamp()
    #expect(changes[1]["payload"]?["reason"] == "lease-expired" && changes[1]["payload"]?["state"]?.double == 0)
    let held = (changes[1]["monotonic_ns"]?.int ?? 0) - (changes[0]["monotonic_ns"]?.int ?? 0)
    // Not before its time; how long after depends on how busy the machine is.
    #expect(held >= 2_000_000_000)
    #expect(changes[1]["cause"] == changes[0]["id"])
    #expect(daemon.exitCode == nil)
  }

  @Test func theSecondInterruptDoesNotWaitAndTheFirstLeavesOutputsSafe() throws {
    let station = try station()
    let daemon = try station.daemon(["--story"])
    #expect(try station.run("set", "lamp", "on").code == 0)
    #expect(try station.run("set", "fan", "0.5").code == 0)
    daemon.send(SIGINT)
    #expect(daemon.wait() == 0)
    #expect(daemon.output.contains("lamp off") && daemon.output.contains("fan off"))
  }
}
