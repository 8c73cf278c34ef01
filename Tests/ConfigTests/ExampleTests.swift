import Model
import Testing

@testable import Config

/// Every file that people are shown loads, without so much as a warning.
@Suite struct ExampleTests {
  @Test func thePagesExamples() throws {
    let board = try ConfigText.board(
      try Repository.example("yaml", in: "docs/board-yaml.md"), file: "docs/board-yaml.md")
    #expect(board.warnings.isEmpty)
    #expect(board.0.devices.map(\.id) == ["temperature", "humidity", "button", "fan", "heater", "cam0", "load"])

    let manifest = try ConfigText.manifest(
      try Repository.example("json", in: "docs/agent-json.md"), file: "agent.json", environment: [:])
    #expect(manifest.warnings.isEmpty)
    #expect(manifest.0.permissions.actuators == [EventPattern("fan")])
    #expect(manifest.0.budget.memory == 4 << 20)

    let rules = try ConfigText.rules(
      try Repository.example("yaml", in: "docs/orchestration-yaml.md"), file: "orchestration.yaml",
      known: KnownNames(agents: ["climate", "code-reviewer-agent"]))
    #expect(rules.warnings.isEmpty)
    #expect(rules.0.map(\.id) == ["too-hot", "review", "nightly"])
    #expect(rules.0.first?.actions == [.wake("climate"), .actuate("fan", .on, lease: .seconds(60))])

    let settings = try ConfigText.settings(
      try Repository.example("yaml", in: "docs/openstarry-yaml.md"), file: "/etc/openstarry/openstarry.yaml",
      environment: [:])
    #expect(settings.warnings.isEmpty)
    #expect(settings.0.operateGroup == "gpio")
    #expect(settings.0.agents == ["/etc/openstarry/agents", "/usr/share/openstarry/examples/greenhouse/agents"])
  }

  @Test func theVirtualTestBed() throws {
    let (board, warnings) = try ConfigText.board(try Repository.read("Board/testbed/board.yaml"), file: "board.yaml")
    #expect(warnings.isEmpty)
    #expect(board.world["wires"]?.list?.first == ["from": "lamp", "to": "lamp_sense"])
  }

  @Test func theRaspberryPiBoard() throws {
    let (board, warnings) = try ConfigText.board(
      try Repository.read("Board/raspberry-pi/board.yaml"), file: "board.yaml")
    #expect(warnings.isEmpty)
    #expect(board.backend == .linux)
    #expect(
      board.devices.map(\.id.rawValue) == [
        "temperature", "humidity", "light", "soil", "door", "fan", "pump", "vent", "lamp", "cam0", "load", "memory",
        "processor",
      ])
    #expect(board.device("fan")?.options["line"] == "GPIO17")
    guard case .actuator(let pump)? = board.device("pump")?.kind, case .actuator(let vent)? = board.device("vent")?.kind
    else {
      Issue.record("the pump and the vent are no actuators")
      return
    }
    #expect(pump.exclusiveWith == ["vent"])
    #expect(vent.exclusiveWith == ["pump"])
  }

  /// The board of `make run`, which the rules and agents of the greenhouse are for.
  private static func greenhouse() throws -> Board {
    let (board, warnings) = try ConfigText.board(
      try Repository.read("Board/greenhouse-sim/board.yaml"), file: "board.yaml")
    #expect(warnings.isEmpty, "\(warnings)")
    return board
  }

  @Test func theSimulatedGreenhouseHasWhatTheRealOneHas() throws {
    let simulated = try Self.greenhouse()
    let real = try ConfigText.board(try Repository.read("Board/raspberry-pi/board.yaml"), file: "board.yaml").0
    #expect(simulated.backend == .simulated)
    for device in simulated.devices {
      #expect(real.device(device.id)?.kind.name == device.kind.name, "\(device.id)")
    }
  }

  @Test func theGitReview() throws {
    let manifest = try ConfigText.manifest(
      try Repository.read("Examples/git-review/agents/code-reviewer-agent/agent.json"), file: "agent.json",
      environment: ["OPENSTARRY_REPOSITORIES": "/srv/git"])
    #expect(manifest.warnings.isEmpty)
    #expect(manifest.0.permissions.paths == ["/srv/git"])
    let (rules, warnings) = try ConfigText.rules(
      try Repository.read("Examples/git-review/orchestration.yaml"), file: "orchestration.yaml",
      known: KnownNames(agents: [manifest.0.id]))
    #expect(warnings.isEmpty)
    #expect(rules.map(\.actions) == [[.spawn("code-reviewer-agent")]])
    let settings = try ConfigText.settings(
      try Repository.read("Examples/git-review/openstarry.yaml"), file: "Examples/git-review/openstarry.yaml",
      environment: [:])
    #expect(settings.0.agents == ["Examples/git-review/agents"])
  }

  @Test(arguments: ["climate", "doorkeeper", "lookout"])
  func theGreenhouseAgents(_ name: String) throws {
    let board = try Self.greenhouse()
    let (manifest, warnings) = try ConfigText.manifest(
      try Repository.read("Examples/greenhouse/agents/\(name)/agent.json"), file: "agent.json", environment: [:],
      board: board)
    #expect(warnings.isEmpty, "\(warnings)")
    #expect(manifest.id.rawValue == name)
    #expect(manifest.runtime == .init(driver: .inProcess, entry: name))
  }

  @Test func theGreenhouseRulesAndSettings() throws {
    let (settings, none) = try ConfigText.settings(
      try Repository.read("Examples/greenhouse/openstarry.yaml"), file: "Examples/greenhouse/openstarry.yaml",
      environment: [:])
    #expect(none.isEmpty)
    #expect(settings.board == "Board/greenhouse-sim/board.yaml")
    let board = try ConfigText.board(try Repository.read(settings.board), file: settings.board).0
    let (rules, warnings) = try ConfigText.rules(
      try Repository.read(try #require(settings.rules.first)), file: "orchestration.yaml",
      known: KnownNames(board: board, agents: ["climate", "doorkeeper", "lookout"]))
    #expect(warnings.isEmpty)
    #expect(rules.map(\.id) == ["too-hot", "cool-again", "visitor", "movement"])
    #expect(
      rules.map(\.actions) == [[.wake("climate")], [.wake("climate")], [.wake("doorkeeper")], [.wake("lookout")]])
  }

  @Test func theBoardPageNamesEveryDriver() throws {
    let page = String(decoding: try Repository.read("docs/board-yaml.md"), as: UTF8.self)
    for entry in DriverCatalogue.all {
      let row = Self.row(entry)
      let isThere = page.contains(row)
      #expect(isThere, "docs/board-yaml.md lacks the row: \(row)")
    }
  }

  @Test func thePagesNameEveryKey() throws {
    let page = String(decoding: try Repository.read("docs/board-yaml.md"), as: UTF8.self)
    for key in ["sensor", "input", "actuator", "camera"].flatMap(DeviceSettings.keys(of:)) {
      let isThere = page.contains("| `\(key)` |")
      #expect(isThere, "docs/board-yaml.md does not describe '\(key)'")
    }
  }

  private static func row(_ entry: DriverCatalogue.Entry) -> String {
    let options = entry.options.map { option in
      let standard = option.standard.map { value in
        switch value {
        case .string(let text): " (`\(text)`)"
        case .int(let number) where option.name == "address": " (`0x\(String(number, radix: 16))`)"
        case .int(let number): " (`\(number)`)"
        case .double(let number): " (`\(number)`)"
        case .bool(let flag): " (`\(flag)`)"
        default: ""
        }
      }
      return "`\(option.name)`\(option.required ? "*" : standard ?? "")"
    }
    let backends = entry.backends.map(\.rawValue).joined(separator: ", ")
    return "| \(entry.kind) | `\(entry.name)`: \(entry.summary) | \(backends) | \(options.joined(separator: ", ")) |"
  }
}
