import Document
import Glibc
import Linux
import Model
import Testing

/// Every command of `openstarry` against a running daemon, as text and as JSON.
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

  @Test func whatGoesWrongIsSaidToProgramsAndInTheWordsOfPeople() throws {
    let station = try station()
    let daemon = try station.daemon()
    func error(_ words: String...) throws -> Value {
      let outcome = try station.run(words + ["--json"])
      #expect(outcome.output.isEmpty && outcome.errors.split(separator: "\n").count == 1, "\(words): \(outcome)")
      let error = try JSON.parse(Array(outcome.errors.utf8), file: "<errors>").value["error"] ?? .null
      #expect(error["code"]?.int == outcome.code.map { Int64($0) } && error["message"]?.string?.isEmpty == false)
      return error
    }
    #expect(try error("read", "nothing")["kind"] == "notFound")
    #expect(try error("set", "fan")["kind"] == "usage")
    #expect(try error("status", "--socket", "/nobody/here")["kind"] == "noDaemon")
    #expect(try error("nope")["kind"] == "usage")
    #expect(try error("register", "nosuch")["message"] == "nosuch: no such file")
    #expect(try error("register", "agents")["message"]?.string?.hasPrefix("agents has no agent.json: ") == true)
    try station.write("list.json", "[1]")
    for words in [["register"], ["deploy"], ["agent", "add"]] {
      let refused = try station.run(words + ["list.json"])
      let expected = "openstarry: list.json: this is no agent.json: expected a map"
      #expect(refused.code == 1 && refused.errors.hasPrefix(expected), "\(words): \(refused)")
    }

    #expect(try station.run("spawn", "climate").code == 0)
    let unregister = try station.run("unregister", "climate")
    #expect(unregister.errors == "openstarry: agent 'climate' is running: 'openstarry kill climate --wait' ends it\n")
    // The output shows the arguments of `why`.
    let event = try #require(try station.run("events", "agent:started", "--ids").lines.last)
    #expect(ULID(String(event.prefix { $0 != " " })) != nil && event.contains("agent climate started"))
    #expect(try station.run("why", String(event.prefix { $0 != " " })).output.contains("agent climate started"))
    #expect(try station.run("why", "agent:started").output.contains("agent climate started"))
    #expect(try station.run("why", "x:never").code == 5)
    #expect(daemon.exitCode == nil)
    // Without a configuration none is searched for.
    Files.remove("\(station.folder)/openstarry.yaml")
    let validate = try station.run("config", "validate")
    #expect(validate.code == (Files.isFile("/etc/openstarry/openstarry.yaml") ? validate.code : 5), "\(validate)")
  }

  @Test func aMistypedNameIsNoAgentWithoutTrouble() throws {
    let station = try station()
    let daemon = try station.daemon()
    let known = try station.run("history", "climate")
    #expect(known.code == 0 && known.errors.isEmpty && !known.output.isEmpty, "\(known)")
    let words =
      "openstarry: the ledger has no entries of 'climat', and no agent is registered under that name "
      + "(did you mean 'climate'?)\n"
    let mistyped = try station.run("history", "climat")
    #expect(mistyped.code == 0 && mistyped.output.isEmpty && mistyped.errors == words, "\(mistyped)")
    let json = try station.run("history", "climat", "--json")
    #expect(json.code == 0 && json.json?["entries"] == .list([]) && json.errors == words, "\(json)")
    #expect(daemon.exitCode == nil)
  }

  @Test func everyCommandAnswersPeopleAndPrograms() throws {
    let station = try station()
    let daemon = try station.daemon()
    /// Runs it both ways. The words must be in the output, and the JSON must be valid.
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
    // Cool again, or the rule would continue to wake the agent.
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
    try check("unregister", "other", shows: "other unregistered", then: ["register", "other.json"])
    try check("agent", "list", shows: "climate", "1.0.0", "in-process", "yes", "agent.json")
    try check("agent", "inspect", "climate", shows: "named by rules", "too-hot", "may: actuators")
    try check("agent", "add", "other.json", shows: "other is idle, registered")
    try check("agent", "disable", "other", shows: "other is disabled")
    try check("agent", "enable", "other", shows: "other is idle, enabled")
    try check("agent", "remove", "other", shows: "other removed", then: ["agent", "add", "other.json"])
    try check("check", ".", shows: "0 error(s)")
    try check("board", "check", "board.yaml", shows: "1 file(s) checked: 0 error(s)")
    try check("config", "validate", shows: "0 error(s)")
    // A command that moves hardware names its board.
    let board = "board 'quiet' (socket \(station.socket))\n"
    #expect(try station.run("set", "lamp", "on").output == "lamp on (was off)\n\(board)")
    #expect(try station.run("release", "lamp").output == "lamp released\n\(board)")
    #expect(try station.run("release", "lamp").output == "lamp was not held; commanded to be safe\n\(board)")
    #expect(
      try station.run("simulate", "door", "on", "off", "--every", "10ms").output == "door: on\ndoor: off\n\(board)")
    for words in [["set", "lamp", "on"], ["release", "lamp"], ["estop"], ["estop", "--clear"]] {
      let answer = try station.run(words + ["--json"]).json
      #expect(answer?["board"] == "quiet" && answer?["socket"] == .string(station.socket), "\(words)")
    }
    try station.write(
      "third.yaml",
      """
      identity: {id: third, name: third, version: 1.0.0}
      runtime: {driver: in-process, entry: lookout, lifecycle: on-demand}
      """)
    try check("register", "third.yaml", shows: "third is idle, registered")
    try check("daemon", "reload", shows: "agents changed: 0", "rules: 1")
    try check("version", shows: "openstarry 0.")
    #expect(try station.run("daemon", "stop").output == "the daemon is stopping\n\(board)")
    #expect(daemon.wait() == 0)
    let nobody = try station.run("status")
    #expect(nobody.code == 3 && nobody.lines.isEmpty && nobody.errors.split(separator: "\n").count == 1)
  }

  @Test func aDisabledAgentStaysSoOverRestarts() throws {
    let station = try station()
    var daemon = try station.daemon()
    #expect(try station.run("agent", "disable", "climate").code == 0)
    let refused = try station.run("spawn", "climate")
    #expect(
      refused.code == 7
        && refused.errors
          == "openstarry: agent 'climate' is disabled; 'openstarry agent enable climate' lets it run again\n"
    )
    daemon.send(SIGKILL)
    #expect(daemon.wait() == 128 + SIGKILL)
    daemon = try station.daemon()
    let listed = try station.run("agent", "list", "--json").json?["agents"]?.list ?? []
    #expect(listed.first { $0["agent"] == "climate" }?["enabled"] == false)
    #expect(try station.run("simulate", "temperature", "31.5").code == 0)
    #expect(try station.run("rules", "list").output.contains("it waits for agent 'climate', which is disabled"))
    #expect(try station.run("ps").output.contains("disabled"))
    #expect(try station.run("agent", "enable", "climate").code == 0)
    #expect(try station.run("simulate", "temperature", "33").code == 0)
    #expect(try station.waitFor("device:changed") { $0["source"] == "fan" })
    #expect(try station.run("agent", "enable", "nobody").code == 5)
    // A refused command has no effect.
    #expect(try station.run("agent", "disable", "climate").code == 0)
    #expect(try station.run("wake", "climate", "x:refused").code == 7)
    #expect(try !station.run("events", "x:*").output.contains("x:refused"))
    // Whoever ended the daemon can be disabled in safe mode.
    #expect(try station.run("agent", "enable", "climate").code == 0)
    #expect(try station.run("daemon", "stop").code == 0 && daemon.wait() == 0)
    daemon = try station.daemon(["--safe-mode"])
    #expect(try station.run("agent", "list").output.contains("in safe mode none are loaded"))
    #expect(try station.run("agent", "disable", "climate").output == "climate is not registered, disabled\n")
    // What safe mode registers is held to the same marks, and what it removes stays away.
    try station.write("other.json", manifest("other", entry: "lookout"))
    #expect(try station.run("agent", "disable", "other").code == 0)
    #expect(try station.run("agent", "add", "other.json").output == "other is disabled, registered\n")
    #expect(try station.run("spawn", "other").code == 7)
    #expect(try station.run("agent", "remove", "other").code == 0)
    #expect(try station.run("daemon", "leave-safe-mode").code == 0)
    #expect(try station.run("ps").output.contains("disabled"))
    #expect(try !station.run("agent", "list").output.contains("other"))
  }

  @Test func expressionsAreEvaluatedWithoutADaemon() throws {
    let station = try station()
    let rule = "value > 30.0 && sensor('tank') > 20 && state('climate').mode == 'auto'"
    let given = #"{"value": 31.5, "sensor": {"tank": 40}, "state": {"climate": {"mode": "auto"}}}"#
    let people = try station.run("expr", rule, "--with", given)
    #expect(people.code == 0 && people.output == "true\n", "\(people.errors)")
    let program = try station.run("expr", "[1, 2.5, 'a', 3u]", "--json")
    #expect(program.json == ["type": "list", "value": [1, 2.5, "a", 3]])
    #expect(try station.run("expr", "3u + 2u").output == "5u\n")
    let late = try station.run("expr", "'é' == 'é' &&\n  1 / (n - n) > 0", "--with", #"{"n": 1}"#)
    #expect(late.code == 1 && late.errors == "openstarry: line 2, column 5: division by zero\n")
    let wrong = try station.run("expr", "valeu >", "--json")
    #expect(wrong.code == 1 && wrong.json?["error"]?["kind"] == "syntax" && wrong.json?["error"]?["column"] == 8)
    let missing = try station.run("expr", "sensor('tank') > 1")
    #expect(missing.code == 1 && missing.errors.contains("column 1: --with has no \"tank\" in a map \"sensor\""))
    #expect(try station.run("expr", "1", "--with", "[1]").code == 2)
  }

  @Test func followingEndsWithTheDaemon() throws {
    let station = try station()
    let daemon = try station.daemon()
    let events = try station.start("openstarry", ["events", "x:*", "--follow", "--json"])
    let logs = try station.start("openstarry", ["logs", "--follow"])
    #expect(
      try eventually {
        // The follower may need a moment to subscribe.
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
    let asked = Int64(System.monotonicNanoseconds())
    let set = try station.run("set", "lamp", "on", "--for", "2s")
    #expect(set.code == 0 && set.output.hasPrefix("lamp on (was off) for 2s\n"))
    func lamp() throws -> [Value] { try station.events("device:changed").filter { $0["source"] == "lamp" } }
    #expect(try lamp().count == 1)
    #expect(try eventually { try lamp().count == 2 })
    let changes = try lamp()
    #expect(changes[1]["payload"]?["reason"] == "lease-expired" && changes[1]["payload"]?["state"]?.double == 0)
    // Not before the time, counted from the request. The delay after it depends on the load of the machine.
    #expect((changes[1]["monotonic_ns"]?.int ?? 0) - asked >= 2_000_000_000)
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
