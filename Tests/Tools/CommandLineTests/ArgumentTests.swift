import ArgumentParser
import Model
import TestKit
import Testing

@testable import CommandLine

/// Tests the parsing of command lines.
struct ArgumentTests {
  private func parse<Command: ParsableCommand>(_ line: String, as type: Command.Type = Command.self) throws -> Command {
    let words = line.split(separator: " ").map(String.init)
    return try #require(try OpenStarry.parse(words) as? Command)
  }

  private func refusal(_ line: String) -> ShellStatus? {
    do {
      _ = try OpenStarry.parse(line.split(separator: " ").map(String.init))
      return nil
    } catch {
      return OpenStarry.status(for: error)
    }
  }

  @Test func everyCommandParses() throws {
    _ = try parse("status", as: Status.self)
    _ = try parse("state", as: State.self)
    _ = try parse("devices", as: Devices.self)
    _ = try parse("version", as: Version.self)
    _ = try parse("rules list", as: RuleCommands.List.self)
    _ = try parse("rules reload", as: RuleCommands.Reload.self)
    _ = try parse("daemon stop", as: DaemonCommands.Stop.self)
    _ = try parse("daemon reload", as: DaemonCommands.Reload.self)
    _ = try parse("daemon leave-safe-mode", as: DaemonCommands.LeaveSafeMode.self)
    #expect(try parse("read temperature", as: Read.self).device == "temperature")
    #expect(try parse("release fan", as: GiveUp.self).device == "fan")
    #expect(try parse("approvals --all", as: Approvals.self).all)
    #expect(try parse("approve 7Q2KXM0D --for 1h", as: Approve.self).length == .seconds(3600))
    #expect(try parse("deny 7Q2KXM0D --why rain", as: Deny.self).why == "rain")
    #expect(throws: (any Error).self) { try parse("approve", as: Approve.self) }
    #expect(try parse("acknowledge fan", as: Acknowledge.self).device == "fan")
    #expect(try parse("why fan", as: Why.self).subject == "fan")
    #expect(try parse("spawn climate", as: Spawn.self).target.agent == "climate")
    #expect(try parse("restart climate", as: Restart.self).target.agent == "climate")
    #expect(try parse("register a.json", as: Register.self).file == "a.json")
    #expect(try parse("agent add a.json", as: AgentCommands.Add.self).register.file == "a.json")
    #expect(try parse("agent disable climate", as: AgentCommands.Disable.self).target.agent == "climate")
    #expect(try parse("unregister climate", as: Unregister.self).target.agent == "climate")
    #expect(try parse("check a b", as: Check.self).paths == ["a", "b"])
    #expect(try parse("config validate", as: SettingsFiles.Validate.self).paths.isEmpty)
    #expect(try parse("board check board.yaml", as: BoardFiles.CheckBoard.self).files == ["board.yaml"])
    #expect(try parse("ps --tree", as: ProcessList.self).tree)
  }

  @Test func everyLeafTakesJSONAndSocket() throws {
    let lines = [
      "doctor", "estop", "budget x", "history x -n 5", "tokens --by day", "models", "chat x hello", "transcript x",
      "status", "state", "devices", "version", "rules list", "rules reload", "rules explain x",
      "rules enable x", "rules disable x", "rules resume x", "rules set x 1", "rules vars", "rules replay",
      "rules lint", "shadow x --last 24h", "messages", "mcp --role view --devices fan,temp* --rate 5/s",
      "rules test a:b",
      "daemon stop",
      "daemon reload", "daemon leave-safe-mode", "read x", "set x on", "release x", "acknowledge x", "approvals",
      "approve x", "deny x", "why x", "events",
      "emit a:b",
      "logs x", "spawn x", "kill x",
      "restart x", "wake x", "register x", "deploy x", "unregister x", "check x", "config validate", "board check x",
      "schema rules", "init x",
      "ps",
      "snapshot x -o f", "simulate x 1", "expr 1", "console", "agent new x", "agent build", "agent run",
      "agent list", "agent inspect x", "agent add x", "agent remove x", "agent enable x", "agent disable x",
      "plugin install x", "plugin uninstall x", "plugin list", "plugin info x", "plugin verify", "plugin trust",
      "plugin key x", "plugin sign x --key k",
    ]
    for line in lines {
      #expect(refusal("\(line) --json --socket /tmp/s") == nil, "\(line)")
      #expect(refusal("\(line) --no-such-flag") == .usage, "\(line)")
    }
    // Every command must be in the list above.
    #expect(Self.leaves(OpenStarry.self) == lines.count)
  }

  private static func leaves(_ command: any ParsableCommand.Type) -> Int {
    let children = command.configuration.subcommands
    return children.isEmpty ? 1 : children.reduce(0) { $0 + leaves($1) }
  }

  @Test func aFlagNeverSwallowsTheWordAfterIt() throws {
    let events = try parse("events --follow sensor:*", as: Events.self)
    #expect(events.follow && events.pattern == "sensor:*")
    let logs = try parse("logs --follow climate", as: Logs.self)
    #expect(logs.follow && logs.agent == "climate")
    let kill = try parse("kill --wait climate", as: Kill.self)
    #expect(kill.wait && kill.agent == "climate")
    let set = try parse("set --override fan on", as: SetActuator.self)
    #expect(set.override && set.device == "fan" && set.command == .on)
    #expect(try parse("read --json temperature", as: Read.self).device == "temperature")
    #expect(try parse("emit --json a:b k=v", as: Emit.self).payload == ["k=v"])
    #expect(refusal("ps --verbose climate") == .usage)
  }

  @Test func anMCPServerTakesItsBounds() throws {
    let bound = try parse("mcp --role view --devices fan,temp* --rate 5/s", as: MCPCommand.self)
    #expect(bound.role == .view && bound.devices == ["fan", "temp*"] && bound.rate == 5)
    let free = try parse("mcp", as: MCPCommand.self)
    #expect(free.role == .operate && free.devices == ["*"] && free.rate == 20)
    for line in [
      "mcp --role admin", "mcp --devices fan,", "mcp --devices", "mcp --rate 0", "mcp --rate 101/s", "mcp --rate 5/m",
      "mcp fan",
    ] {
      #expect(refusal(line) == .usage, "\(line)")
    }
  }

  @Test func setTakesCommandsAndTimes() throws {
    #expect(try parse("set fan on --for 5s", as: SetActuator.self).length == .seconds(5))
    #expect(try parse("set lamp 0.4", as: SetActuator.self).command == .level(0.4))
    #expect(try parse("set lamp 40%", as: SetActuator.self).command == .level(0.4))
    #expect(try parse("set fan OFF", as: SetActuator.self).command == .off)
    #expect(try parse("set bell pulse:500ms", as: SetActuator.self).command == .pulse(.milliseconds(500)))
    for line in [
      "set fan", "set fan up", "set fan 1.5", "set fan -1", "set fan nan", "set fan 101%", "set fan pulse:",
      "set fan pulse:0s", "set fan pulse:2s --for 9s", "set fan on --for 5", "set fan on --for 0s", "set fan on --for",
    ] {
      #expect(refusal(line) == .usage, "\(line)")
    }
    #expect(ActuatorCommand.level(0.4).wireValue == 0.4)
    #expect(ActuatorCommand.on.wireValue == "on")
    #expect(ActuatorCommand.pulse(.milliseconds(500)).wireValue == ["pulse_ms": 500])
    #expect(ActuatorCommand.pulse(.microseconds(10)).wireValue == ["pulse_ms": 1])
  }

  @Test func eventsAndLogsHaveBounds() throws {
    #expect(try parse("events", as: Events.self).pattern == "*")
    #expect(try parse("events -f -n 3 git:*", as: Events.self).last == 3)
    for line in [
      "events --last 1001", "events --last -1", "events --last many", "events a b", "events record",
      "events record f --ids", "logs", "logs -f -n 3",
    ] {
      #expect(refusal(line) == .usage, "\(line)")
    }
    #expect(try parse("logs --follow", as: Logs.self).agent == nil)
  }

  @Test func killTakesSignalsByName() throws {
    #expect(try parse("kill a", as: Kill.self).signal == .term)
    #expect(try parse("kill a --signal KILL", as: Kill.self).signal == .kill)
    #expect(try parse("kill a --signal sigterm", as: Kill.self).signal == .term)
    #expect(refusal("kill a --signal HUP") == .usage)
  }

  @Test func emitTakesPriorities() throws {
    #expect(try parse("emit a:b", as: Emit.self).priority == nil)
    #expect(try parse("emit a:b x=1 --priority high", as: Emit.self).priority == .high)
    #expect(try parse("emit a:b --priority 5", as: Emit.self).priority == .background)
    for line in ["emit", "emit a:b --priority 6", "emit a:b --priority urgent", "emit a:b --priority"] {
      #expect(refusal(line) == .usage, "\(line)")
    }
  }

  @Test func simulateTakesValuesPressesAndFaults() throws {
    let played = try parse("simulate temperature 20 31.5 auto --every 2s", as: Simulate.self)
    #expect(played.values == [.value(20), .value(31.5), .auto] && played.every == .seconds(2))
    #expect(try parse("simulate door press", as: Simulate.self).values == [.press(.milliseconds(300))])
    #expect(try parse("simulate t nack --count 3", as: Simulate.self).count == 3)
    for line in [
      "simulate door", "simulate door pres", "simulate t inf", "simulate t 1 --count 2", "simulate t nack --count 0",
    ] {
      #expect(refusal(line) == .usage, "\(line)")
    }
    #expect(SimulatedValue.press(.seconds(2)).change(isInput: true, count: nil, length: nil) == ["press": "2s"])
    #expect(SimulatedValue.value(1).change(isInput: true, count: nil, length: nil) == ["active": true])
    #expect(SimulatedValue.value(1).change(isInput: false, count: nil, length: nil) == ["value": 1.0])
    #expect(SimulatedValue.auto.change(isInput: false, count: nil, length: nil) == ["value": nil])
    #expect(
      SimulatedValue.fault("nack").change(isInput: false, count: 3, length: .seconds(5))
        == ["fault": "nack", "count": 3, "for": "5s"])
    #expect(SimulatedValue.fault("none").change(isInput: false, count: 3, length: nil) == ["fault": "none"])
  }

  @Test func negativeNumbersAreNotOptions() throws {
    #expect(
      try parse("simulate temperature -5 20 -.5 --every 2s", as: Simulate.self).values == [
        .value(-5), .value(20), .value(-0.5),
      ])
    let expression = try #require(try OpenStarry.parse(["expr", "-7 % 3", "--json"]) as? Expression)
    #expect(expression.text == "-7 % 3" && expression.shared.json)
    for text in ["-x", "-(1)", "-height < 3", "--5", "!-x", "-1"] {
      let words = ["expr", "--with", "{\"x\": -1}", text]
      #expect((try OpenStarry.parse(words) as? Expression)?.text == text, "\(text)")
    }
    #expect(OpenStarry.run(["expr", "-7 % 3"]) == .done)
    #expect((try OpenStarry.parse(["expr", "--", "-x"]) as? Expression)?.text == "-x")
    func complaint(_ line: String) -> String {
      do {
        _ = try OpenStarry.parse(line.split(separator: " ").map(String.init))
        return ""
      } catch {
        return OpenStarry.message(for: error)
      }
    }
    #expect(complaint("set fan -1").contains("'-1' is not on, off"))
    #expect(complaint("set fan -10%").contains("'-10%' is not on, off"))
    #expect(complaint("set fan on --for -5s").contains("'-5s' is not a duration"))
    #expect(MinusSign.restoreAll("the value '\u{2212}5s' is invalid: '-5s'") == "the value '-5s' is invalid: '-5s'")
    for line in ["expr --nope", "simulate t -x", "events --last -1"] {
      #expect(refusal(line) != nil, "\(line)")
    }
  }

  @Test func outOfRangeOptionsAreNamedAsTyped() {
    #expect(refusal("set lamp on --for 99999h") == .usage && refusal("set lamp pulse:99999h") == .usage)
    #expect(refusal("set lamp on --for 8760h") == nil)
  }

  @Test func simulateNamesTheValuesOfADevice() {
    func misfit(_ value: SimulatedValue, _ kind: String) -> String? { value.misfit("x", kind: kind) }
    #expect(
      misfit(.value(5), "input") == "'x' is an input: give on, off, press, press:TIME, auto, a fault or none, not 5")
    #expect(misfit(.active(true), "sensor") == "'x' is a sensor: give a number, auto, a fault or none, not on")
    #expect(
      misfit(.active(true), "actuator")
        == "'x' is an actuator: give a fault or none here; 'openstarry set' commands it")
    #expect(misfit(.auto, "camera") == "'x' is a camera: give a fault or none")
    for (value, kind) in [
      (SimulatedValue.value(1), "input"), (.press(.seconds(1)), "input"), (.value(-5), "sensor"),
      (.fault("unplug"), "camera"), (.auto, "input"),
    ] {
      #expect(misfit(value, kind) == nil, "\(value) \(kind)")
    }
  }

  @Test func rulesTestTakesAnEventOrItsID() {
    #expect(refusal("rules test git:commit_pushed branch=main") == nil)
    #expect(refusal("rules test 01ARZ3NDEKTSV4RRFFQ69G5FAV") == nil)
    #expect(refusal("rules test 01ARZ3NDEKTSV4RRFFQ69G5FAV a=1") == .usage)
  }

  @Test func helpAndCompletionsAreNotErrors() {
    for line in ["--help", "help", "set --help", "help rules test", "--version", "--generate-completion-script bash"] {
      let status = #expect(throws: (any Error).self) {
        // The parser turns a request for help into a command that throws it.
        var command = try OpenStarry.parseAsRoot(line.split(separator: " ").map(String.init))
        try command.run()
      }
      #expect(status.map(OpenStarry.status(for:)) == .done, "\(line)")
    }
    #expect(refusal("--generate-completion-script tcsh") == .usage)
    #expect(refusal("sett fan on") == .usage)
  }

  @Test func aMisspeltCommandGetsASuggestion() {
    func message(_ line: String) -> String? {
      OpenStarry.unknownCommand(line.split(separator: " ").map(String.init))?.message
    }
    #expect(message("stats") == "unknown command 'stats' (did you mean 'status'?)")
    #expect(message("help stats") == message("stats"))
    #expect(message("rules lst") == "unknown command 'rules lst' (did you mean 'list'?)")
    #expect(message("helpp") == "unknown command 'helpp' (did you mean 'help'?)")
    #expect(message("help nope") == "unknown command 'nope': 'openstarry help' lists them")
    #expect(message("rules nope --json") == "unknown command 'rules nope': 'openstarry help rules' lists them")
    #expect(message("agent --json") == "a sub-command is missing before '--json': 'openstarry help agent' lists them")
    for line in ["agent --json --help", "agent", "rules -h"] { #expect(message(line) == nil, "\(line)") }
    for line in ["", "help", "help rules list", "--help", "status x", "rules --help", "set stats on", "--json stats"] {
      #expect(message(line) == nil, "\(line)")
    }
    #expect(OpenStarry.run(["stats"]) == .usage)
    #expect(OpenStarry.run(["help", "nope"]) == .usage)
  }

  @Test func aSnapshotNeedsAWritablePath() throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "")
    func status(_ output: String) -> ShellStatus {
      OpenStarry.run(["snapshot", "cam0", "-o", output, "--socket", "\(folder.path)/none.sock"])
    }
    #expect(status(folder.path) == .usage)
    #expect(status("\(folder.path)/nope/x.jpg") == .notFound)
    #expect(status("\(folder.path)/file/x.jpg") == .failed)
    #expect(status("\(folder.path)/x.jpg") == .noDaemon)
  }
}
