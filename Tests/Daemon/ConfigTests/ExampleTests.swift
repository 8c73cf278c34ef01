import Chips
import Glibc
import Isolations
import Linux
import Model
import TestKit
import Testing

@testable import Config

/// Every file in the documentation and the examples loads without a warning.
@Suite struct ExampleTests {
  @Test func thePagesExamples() throws {
    let board = try ConfigText.board(
      try Repository.example("yaml", in: "docs/board-yaml.md"), file: "docs/board-yaml.md")
    #expect(board.warnings.isEmpty)
    #expect(board.0.devices.map(\.id) == ["temperature", "humidity", "button", "fan", "heater", "cam0", "load"])

    let manifest = try ConfigText.manifest(
      try Repository.example("json", in: "docs/agent-json.md"), file: "agent.json", environment: [:],
      isolations: Isolations.known)
    #expect(manifest.warnings.isEmpty)
    #expect(manifest.0.permissions.actuators == [EventPattern("fan")])
    #expect(manifest.0.budget.memory == 4 << 20)

    let rules = try ConfigText.rules(
      try Repository.example("yaml", in: "docs/orchestration-yaml.md"), file: "orchestration.yaml",
      known: KnownNames(agents: ["climate", "code-reviewer-agent"]))
    #expect(rules.warnings.isEmpty)
    #expect(rules.0.rules.map(\.id) == ["too-hot", "review", "nightly"])
    #expect(rules.0.rules.first?.actions == [.wake("climate"), .actuate("fan", .on, lease: .seconds(60))])

    let settings = try ConfigText.settings(
      try Repository.example("yaml", in: "docs/openstarry-yaml.md"), file: "/etc/openstarry/openstarry.yaml",
      environment: [:])
    #expect(settings.warnings.isEmpty)
    #expect(settings.0.operateGroup == "gpio")
    #expect(settings.0.agents == ["/etc/openstarry/agents", "/usr/share/openstarry/examples/greenhouse/agents"])
  }

  @Test func theVirtualTestBed() throws {
    let (board, warnings) = try ConfigText.board(try Repository.read("Tests/Testbed/board.yaml"), file: "board.yaml")
    #expect(warnings.isEmpty)
    #expect(board.world["wires"]?.list?.first == ["from": "lamp", "to": "lamp_sense"])
  }

  /// The models, with the label of the header's GPIO chip, and where GPIO18 is a channel of a PWM controller.
  static let raspberries: [(model: String, label: String, pwm: String, channel: Int64)] = [
    ("raspberrypi3", "pinctrl-bcm2835", "3f20c000.pwm", 0), ("raspberrypizero2w", "pinctrl-bcm2835", "3f20c000.pwm", 0),
    ("raspberrypi4", "pinctrl-bcm2711", "fe20c000.pwm", 0), ("raspberrypi5", "pinctrl-rp1", "1f00098000.pwm", 2),
  ]

  @Test(arguments: raspberries)
  func theRaspberryPiBoards(_ model: String, _ label: String, _ pwm: String, _ channel: Int64) throws {
    let (board, warnings) = try ConfigText.board(
      try Repository.read("Board/\(model)/board.yaml"), file: "board.yaml")
    #expect(warnings.isEmpty)
    #expect(board.backend == .linux && board.name == model)
    #expect(board.chips["header"] == Board.Chip(label: label))
    #expect(board.device("vent")?.options["pwmchip"]?.string == pwm)
    #expect(board.device("vent")?.options["channel"]?.int == channel)
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

  @Test(arguments: raspberries.map(\.model))
  func theSimulatedGreenhouseHasWhatTheRealOneHas(_ model: String) throws {
    let simulated = try Self.greenhouse()
    let real = try ConfigText.board(try Repository.read("Board/\(model)/board.yaml"), file: "board.yaml").0
    #expect(simulated.backend == .simulated)
    for device in simulated.devices {
      #expect(real.device(device.id)?.kind.name == device.kind.name, "\(device.id)")
    }
  }

  @Test func theGitReview() throws {
    let manifest = try ConfigText.manifest(
      try Repository.read("Examples/git-review/agents/code-reviewer-agent/agent.json"), file: "agent.json",
      environment: ["OPENSTARRY_REPOSITORIES": "/srv/git"], isolations: Isolations.known)
    #expect(manifest.warnings.isEmpty)
    #expect(manifest.0.permissions.paths == ["/srv/git"])
    let (rules, warnings) = try ConfigText.rules(
      try Repository.read("Examples/git-review/orchestration.yaml"), file: "orchestration.yaml",
      known: KnownNames(agents: [manifest.0.id]))
    #expect(warnings.isEmpty)
    #expect(rules.rules.map(\.actions) == [[.spawn("code-reviewer-agent")]])
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
      isolations: Isolations.known, board: board)
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
    #expect(rules.rules.map(\.id) == ["too-hot", "cool-again", "visitor", "movement"])
    #expect(
      rules.rules.map(\.actions) == [[.wake("climate")], [.wake("climate")], [.wake("doorkeeper")], [.wake("lookout")]])
  }

  @Test func theMinds() throws {
    let board = try Self.greenhouse()
    let names = ["keeper", "doorkeeper", "maintenance"]
    for name in names {
      let (manifest, warnings) = try ConfigText.manifest(
        try Repository.read("Examples/minds/agents/\(name)/agent.json"), file: "agent.json", environment: [:],
        isolations: Isolations.known, board: board)
      #expect(warnings.isEmpty, "\(warnings)")
      #expect(manifest.id.rawValue == name && manifest.permissions.model && manifest.budget.tokens.isEmpty == false)
      #expect(manifest.runtime == .init(driver: .process, entry: Mind.program))
      #expect(manifest.mind?.guide.isEmpty == false)
    }
    let (settings, none) = try ConfigText.settings(
      try Repository.read("Examples/minds/openstarry.yaml"), file: "Examples/minds/openstarry.yaml", environment: [:])
    #expect(none.isEmpty && settings.models.map(\.name) == ["local"])
    let (rules, warnings) = try ConfigText.rules(
      try Repository.read(try #require(settings.rules.first)), file: "orchestration.yaml",
      known: KnownNames(board: board, agents: ["keeper", "doorkeeper", "maintenance"]))
    #expect(warnings.isEmpty, "\(warnings)")
    let woken = ["keeper", "keeper", "doorkeeper", "maintenance"].map { [RuleDeclaration.Action.wake(AgentID($0))] }
    #expect(rules.rules.map(\.actions) == woken)

    let page = try ConfigText.manifest(
      try Repository.example("json", in: "docs/minds.md"), file: "agent.json", environment: [:],
      isolations: Isolations.known)
    #expect(page.warnings.isEmpty && page.0.mind != nil, "\(page.warnings)")
    let pageRules = try ConfigText.rules(
      try Repository.example("yaml", in: "docs/minds.md"), file: "orchestration.yaml",
      known: KnownNames(agents: ["keeper"]))
    #expect(pageRules.warnings.isEmpty)
  }

  /// `make chips` writes the table; this test checks that it is up to date.
  @Test func theBoardPageNamesEveryDriver() throws {
    let page = String(decoding: try Repository.read("docs/board-yaml.md"), as: UTF8.self)
    var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let header = try #require(lines.firstIndex(of: "| kind | driver | backend | options |"))
    let first = header + 2
    let end = try #require(lines[first...].firstIndex { !$0.hasPrefix("|") })
    let rows = DriverCatalogue.all.map(Self.row)
    if Array(lines[first..<end]) == rows { return }
    if unsafe getenv("OPENSTARRY_WRITE_DOCS") != nil {
      lines.replaceSubrange(first..<end, with: rows)
      return try Files.replace(
        "\(Repository.root)/docs/board-yaml.md", with: Array(lines.joined(separator: "\n").utf8), mode: 0o644)
    }
    for row in rows where !lines[first..<end].contains(row) {
      Issue.record("docs/board-yaml.md lacks the row (make chips writes it): \(row)")
    }
    for line in lines[first..<end] where !rows.contains(line) {
      Issue.record("docs/board-yaml.md has a row that no driver stands for (make chips mends it): \(line)")
    }
    Issue.record("the table of drivers in docs/board-yaml.md is not the catalogue's (make chips writes it)")
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
      let defaultValue = option.defaultValue.map { value in
        switch value {
        case .string(let text): " (`\(text)`)"
        case .int(let number) where option.name == "address": " (`0x\(String(number, radix: 16))`)"
        case .int(let number): " (`\(number)`)"
        case .double(let number): " (`\(number)`)"
        case .bool(let flag): " (`\(flag)`)"
        default: ""
        }
      }
      return "`\(option.name)`\(option.required ? "*" : defaultValue ?? "")"
    }
    let backends = entry.backends.map(\.rawValue).joined(separator: ", ")
    return "| \(entry.kind) | `\(entry.name)`: \(entry.summary) | \(backends) | \(options.joined(separator: ", ")) |"
  }
}
