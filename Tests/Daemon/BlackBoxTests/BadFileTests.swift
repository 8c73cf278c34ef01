import Glibc
import Linux
import Model
import Testing

/// Invalid files: the messages, and what continues to run.
@Suite struct BadFileTests {
  private let agent = manifest(
    "climate", entry: "climate", permissions: #"{"sensors": ["temperature"], "actuators": ["fan"]}"#)

  private func expect(
    _ failed: (code: Int32?, errors: String), _ code: Int32, _ parts: String...,
    at place: SourceLocation = #_sourceLocation
  ) {
    #expect(failed.code == code, sourceLocation: place)
    for part in parts { #expect(failed.errors.contains(part), "\(failed.errors)", sourceLocation: place) }
  }

  @Test func settingsThatCannotBeUsed() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    expect(try station.failingDaemon(["--config", "none.yaml"]), 78, "none.yaml", "No such file")
    expect(try station.failingDaemon(["--colour"]), 64, "unknown option '--colour'", "usage: openstarryd")
    try station.write("openstarry.yaml", "board: board.yaml\nsokcet: x\nlimits: {depth: many}\n")
    expect(
      try station.failingDaemon(), 78, "openstarry.yaml:2:1:", "did you mean 'socket'", "openstarry.yaml:3:17:",
      "openstarry check")
  }

  @Test func aBoardThatCannotBeUsed() throws {
    let station = try Station()
    expect(try station.failingDaemon(), 78, "board.yaml: cannot be read: No such file")
    try station.write("board.yaml", "name: x\nbackend: simulated\ndevices:\n  fan: {kind: actuatr}\n\t\n")
    expect(try station.failingDaemon(), 78, "board.yaml:5:")
    let misspelt = "devices:\n  fan: {kind: actuatr}\n  t: {kind: sensor, evry: 1s}\n"
    try station.write("board.yaml", "name: x\nbackend: simulated\n\(misspelt)")
    expect(
      try station.failingDaemon(), 78, "board.yaml:4:15:", "did you mean 'actuator'", "board.yaml:5:21:",
      "did you mean 'every'")
    try Files.makeFolder("\(station.folder)/folder")
    try station.write("openstarry.yaml", "board: folder\nsocket: control.sock\nhome: home\n")
    expect(try station.failingDaemon(), 78, "folder: cannot be read: Is a directory")
    #expect(!Files.exists(station.socket))
  }

  @Test func agentsThatCannotBeUsedAreLeftOut() throws {
    let station = try Station(
      files: [
        "board.yaml": quietBoard, "agents/climate/agent.json": agent,
        "agents/broken/agent.json": "{\"identity\": {\n",
        "agents/greedy/agent.json": manifest(
          "greedy", entry: "climate", permissions: #"{"actuators": ["fan"], "emit": ["sensor:*"]}"#),
        "agents/typo/agent.json": manifest("typo", entry: "climate", permissions: #"{"actuators": ["fna"]}"#),
        "agents/nobody/agent.json": manifest("nobody", entry: "climte"),
        "agents/twin/agent.json": agent,
      ])
    let daemon = try station.daemon()
    let listed = try station.run("ps", "--json").json?["agents"]?.list
    let ids = listed?.compactMap { $0["agent"]?.string ?? $0["id"]?.string }
    // A permission for a missing device is harmless: it only causes a warning.
    #expect(ids == ["climate", "typo"])
    for part in [
      "agents/broken/agent.json:2", "agents/greedy/agent.json:4:", "did you mean 'fan'", "'climte'",
      "did you mean 'climate'", "agents/twin/agent.json: agent 'climate' is already declared",
      "this agent is left out; the others go on",
    ] {
      #expect(daemon.errors.contains(part), "not said: \(part)\n\(daemon.errors)")
    }
    #expect(daemon.errors.contains("sensor:*"), "\(daemon.errors)")
  }

  /// `openstarry check` says the same: see `CheckTests`.
  @Test func whatIsNoManifestIsNamed() throws {
    let station = try Station(files: ["board.yaml": quietBoard, "agents/climate/agent.json": agent])
    for name in ["empty", "folder/agent.json", "link", "pipe"] {
      try Files.makeFolder("\(station.folder)/agents/\(name)")
    }
    #expect(unsafe symlink("nowhere", "\(station.folder)/agents/link/agent.json") == 0)
    #expect(unsafe mkfifo("\(station.folder)/agents/pipe/agent.json", 0o600) == 0)
    let settings = String(decoding: try Files.read("\(station.folder)/openstarry.yaml"), as: UTF8.self)
    try station.write("openstarry.yaml", settings.replacing("[agents]", with: "[agents, none]"))
    let daemon = try station.daemon()
    for part in [
      "agents/empty: this folder has no 'agent.json'", "agents/folder/agent.json: cannot be read: Is a directory",
      "agents/link/agent.json: cannot be read: No such file",
      "agents/pipe/agent.json: cannot be read: it is not a regular file",
      "agents/pipe/agent.json: this agent is left out", "'agents': none: there is no such folder",
      "1 agent, 0 rules",
    ] {
      #expect(daemon.errors.contains(part), "not said: \(part)\n\(daemon.errors)")
    }
    #expect(!daemon.errors.contains("none: this agent"), "\(daemon.errors)")
  }

  /// A missing module, an unset variable, an impossible image: rules that need them wait, everything else runs.
  @Test func rulesOfAnAgentThatCannotRunWaitAndAllOthersRun() throws {
    let rules = ["module", "variable", "driver", "climate"].map {
      "  - {id: wakes-\($0), on: \"x:\($0)\", action: [\"wake(\($0))\", \"emit(y:\($0))\"]}\n"
    }
    let variable = manifest("variable", entry: "climate").replacing("\"1.0.0\"", with: "\"${NO_SUCH_VARIABLE}\"")
    let station = try Station(
      files: [
        "board.yaml": quietBoard, "agents/climate/agent.json": agent,
        "agents/module/agent.json": manifest("module", entry: "gone.wasm").replacing("in-process", with: "wasm"),
        "agents/variable/agent.json": variable,
        "agents/driver/agent.json": manifest("driver", entry: "an image").replacing("in-process", with: "docker"),
        "orchestration.yaml": "rules:\n" + rules.joined(),
      ])
    #expect(variable.contains("NO_SUCH_VARIABLE"))
    let daemon = try station.daemon()
    #expect(!daemon.errors.contains("no rules are in force"), "\(daemon.errors)")
    let whys = ["module": "gone.wasm", "variable": "NO_SUCH_VARIABLE", "driver": "is not the name of an image"]
    let listed = try station.run("rules", "list").lines
    let check = try station.run("check", ".")
    #expect(check.code == 1)
    for (agent, why) in whys {
      let waits = "waits for agent '\(agent)', which cannot run: "
      #expect(daemon.errors.contains("rule wakes-\(agent): it \(waits)"), "\(daemon.errors)")
      #expect(listed.contains { $0.contains(waits) && $0.contains(why) }, "\(listed)")
      #expect(check.output.contains(why) || check.errors.contains(why), "\(check)")
      let refused = try station.run("spawn", agent)
      #expect(refused.code != 0 && refused.errors.contains("agent '\(agent)' cannot run: "), "\(refused)")
      #expect(try station.run("emit", "x:\(agent)").code == 0)
    }
    #expect(try station.run("emit", "x:climate").code == 0)
    #expect(try station.waitFor("y:climate"))
    // When the agent can run, its rule works.
    try station.write("agents/driver/agent.json", manifest("driver", entry: "climate"))
    #expect(try station.run("register", "agents/driver/agent.json").code == 0)
    #expect(try !station.run("rules", "list").output.contains("waits for agent 'driver'"))
    #expect(daemon.exitCode == nil)
  }

  @Test func rulesThatCannotBeUsed() throws {
    let station = try Station(
      files: [
        "board.yaml": quietBoard, "agents/climate/agent.json": agent,
        "orchestration.yaml": """
        rules:
          - on: "x:y"
            if: "1 + 'a' > 2"
            action: "wake(climate)"
          - on: "x:z"
            action: "actuate(lamb, on)"

        """,
      ])
    let daemon = try station.daemon()
    #expect(daemon.errors.contains("orchestration.yaml:6:"), "\(daemon.errors)")
    #expect(daemon.errors.contains("did you mean 'lamp'"), "\(daemon.errors)")
    #expect(daemon.errors.contains("no rules are in force"))
    #expect(try station.run("rules", "list", "--json").json?["rules"]?.list?.count == 0)
    let listed = try station.run("rules", "list").output
    #expect(listed.contains("orchestration.yaml:6:") && listed.contains("no rules are in force"), "\(listed)")
    // Corrected step by step: a type error points into the expression.
    let typeError = "rules:\n  - on: \"x:y\"\n    if: \"1 + 'a' > 2\"\n    action: \"wake(climate)\"\n"
    try station.write("orchestration.yaml", typeError)
    let reload = try station.run("rules", "reload")
    #expect(reload.code == 1)
    #expect(reload.errors.contains("orchestration.yaml:3:12:"), "\(reload.errors)")
    #expect(reload.errors.split(separator: "\n").count == 1, "\(reload.errors)")
    try station.write("orchestration.yaml", "rules:\n  - {id: good, on: \"x:y\", action: \"emit(y:z)\"}\n")
    #expect(try station.run("rules", "reload").output == "1 rule(s) loaded\n")
    // Another bad file: the good rules stay in force.
    try station.write("orchestration.yaml", typeError)
    for words in [["rules", "reload"], ["daemon", "reload"]] {
      let refused = try station.run(words)
      #expect(refused.code == 1 && refused.errors.contains("orchestration.yaml:3:12:"), "\(refused.errors)")
    }
    daemon.send(SIGHUP)
    #expect(eventually { daemon.errors.contains("the agents and rules in force stay") })
    #expect(try station.run("emit", "x:y").code == 0)
    #expect(try station.waitFor("y:z"))
    #expect(try station.run("rules", "list").output.contains("good"))
  }

  @Test func aReloadIsAllOrNothing() throws {
    let station = try Station(files: ["board.yaml": quietBoard, "agents/climate/agent.json": agent])
    let daemon = try station.daemon()
    try station.write("agents/new/agent.json", manifest("new", entry: "lookout"))
    try station.write("orchestration.yaml", "rules:\n  - {on: \"x:y\", if: \"1 +\", action: \"wake(new)\"}\n")
    func count() throws -> Int? { try station.run("ps", "--json").json?["agents"]?.list?.count }
    #expect(try station.run("daemon", "reload").code == 1)
    #expect(try count() == 1)
    try station.write("orchestration.yaml", "rules:\n  - {id: r, on: \"x:y\", action: \"wake(new)\"}\n")
    try station.write("agents/bad/agent.json", "{}")
    let bad = try station.run("daemon", "reload")
    #expect(bad.code == 1 && bad.errors.contains("agents/bad/agent.json"), "\(bad.errors)")
    #expect(try count() == 1)
    try station.write("agents/bad/agent.json", manifest("bad-no-more", entry: "lookout"))
    #expect(try station.run("daemon", "reload").code == 0)
    #expect(try count() == 3)
    #expect(try station.run("emit", "x:y").code == 0)
    #expect(try station.waitFor("agent:activated"))
    #expect(daemon.exitCode == nil)
  }

  @Test func whatIsNotThereIsNamed() throws {
    let station = try Station(files: ["board.yaml": quietBoard, "agents/climate/agent.json": agent])
    let daemon = try station.daemon()
    func expect(
      _ words: [String], _ code: Int32, _ part: String, at place: SourceLocation = #_sourceLocation
    ) throws {
      let outcome = try station.run(words)
      #expect(outcome.code == code && outcome.output.isEmpty, "\(words): \(outcome)", sourceLocation: place)
      #expect(outcome.errors.contains(part), "\(words): \(outcome.errors)", sourceLocation: place)
    }
    try expect(["read", "temprature"], 5, "did you mean 'temperature'")
    try expect(["set", "fna", "on"], 5, "did you mean 'fan'")
    try expect(["why", "nothing"], 5, "nothing")
    try expect(["spawn", "climat"], 5, "did you mean 'climate'")
    try expect(["logs", "climat"], 5, "did you mean 'climate'")
    try expect(["read", "fan"], 5, "fan")
    try expect(["emit", "sensor:temperature", "value=99"], 2, "only the daemon publishes 'sensor:'")
    try expect(["emit", "no-name"], 2, "no-name")
    try expect(["set", "fan", "2"], 2, "2")
    try expect(["kill", "climate"], 7, "not running")
    try expect(["register", "none.json"], 5, "none.json")
    try station.write(
      "greedy.json", manifest("greedy", entry: "climate", permissions: #"{"emit": ["sensor:*"]}"#))
    try expect(["register", "greedy.json"], 1, "greedy.json:4:")
    try expect(["events", "--socket", "\(station.folder)/none.sock"], 3, "none.sock")
    try expect(["events", "--socket", "\(station.folder)/board.yaml"], 3, "board.yaml")
    #expect(daemon.exitCode == nil)
  }
}
