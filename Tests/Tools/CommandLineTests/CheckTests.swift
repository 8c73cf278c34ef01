import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import CommandLine

/// Tests `openstarry check` on files in a temporary folder.
struct CheckTests {
  private let home: TemporaryFolder
  private var folder: String { home.path }

  init() throws {
    home = try TemporaryFolder()
    try write(
      "board.yaml",
      """
      name: bench
      backend: simulated
      devices:
        temperature: {kind: sensor, driver: simulated}
      """)
  }

  private func write(_ name: String, _ text: String) throws { try home.write(name, text) }

  private func check(_ paths: String...) throws(Failure) -> ConfigCheck {
    try ConfigCheck(paths.map { $0.isEmpty ? folder : "\(folder)/\($0)" }, environment: [:])
  }

  @Test func foldersAreSearchedByName() throws {
    try write("deep/er/orchestration.yaml", "rules: []\n")
    try write("deep/notes.yaml", "a: [\n")
    try write("deep/x.board.yaml.bak", "a: [\n")
    try write(".hidden/board.yaml", "a: [\n")
    let check = try check("")
    #expect(check.files == ["\(folder)/board.yaml", "\(folder)/deep/er/orchestration.yaml"])
  }

  @Test func mindsWithoutAModelOrAGuide() throws {
    func mind(_ model: String, _ rest: String = "") throws {
      try write(
        "agents/a/agent.json",
        "{\"identity\": {\"id\": \"a\"}, \"cognition\": {\"model\": \"\(model)\"}\(rest)}")
    }
    func found() throws -> String {
      let all = try check("openstarry.yaml").found.map { "\($0)" }
      return all.filter { !$0.contains("openstarry-mind") }.joined(separator: "\n")
    }
    try write("openstarry.yaml", "board: board.yaml\nagents: agents\n")
    try mind("")
    #expect(try found().contains("'models' in the settings lists none"))
    try write(
      "openstarry.yaml",
      "board: board.yaml\nagents: agents\nmodels: [{name: cloud, url: \"http://127.0.0.1:1/v1\"}]\n")
    #expect(try !found().contains("model"))
    try mind("cluod")
    #expect(try found().contains("the first that answers is asked: 'cloud' (did you mean 'cloud'?)"))
    try mind("cloud", ", \"guide\": \"rules.md\"")
    #expect(try found().contains("'guide' names a file, and there is no \(folder)/agents/a/rules.md"))
    try write("agents/a/rules.md", "Be careful.")
    #expect(try !found().contains("guide"))
    try write("agents/a/rules.md", String(repeating: "a", count: Mind.longestGuide + 1))
    #expect(try found().contains("agents/a/rules.md, which has 32769 bytes, expected at most 32768"))
    try write("agents/a/rules.md", "Be careful.")
    try mind("cloud", ", \"capabilities\": {\"permissions\": {\"model\": false}}")
    #expect(try found().contains("the agent cannot think"))
  }

  /// With a model of its own on this machine, and others elsewhere in the settings.
  @Test func whatAMindIsToldMayLeaveTheMachine() throws {
    func found(_ url: String, _ model: String = "") throws -> [String] {
      try write("openstarry.yaml", "board: board.yaml\nagents: agents\nmodels: [{name: cloud, url: \"\(url)\"}]\n")
      try write(
        "agents/a/agent.json",
        "{\"identity\": {\"id\": \"a\"}, \"cognition\": {\"provider\": \"lmstudio\", \"model\": \"\(model)\"}}")
      return try check("openstarry.yaml").found.map(\.description).filter { $0.contains("may leave") }
    }
    let all = try found("https://api.example.org/v1", "mine")
    #expect(
      all == [
        "\(folder)/agents/a/agent.json:1:53: warning: the agent's own server, http://127.0.0.1:1234/v1, is asked first, "
          + "and after it 'models' of the settings, of which 'cloud' leads to another machine: what the agent is told "
          + "may leave this one, unless 'models' lists none elsewhere"
      ])
    #expect(try found("http://127.0.0.1:8080/v1") == [])
    #expect(try found("https://api.example.org/v1", "cloud") == [], "it was asked for")
  }

  @Test func programsOfServersThatAreMissing() throws {
    try write(
      "agent.json",
      """
      {"identity": {"id": "a"}, "cognition": {}, "plugins": [{"name": "@openstarry-plugin/mcp-client",
       "config": {"servers": {
        "a": {"command": "sh"}, "b": {"command": "./later"},
        "c": {"command": "no-such-program"},
        "d": {"command": "/no/such/program"}}}}]}
      """)
    let found = try check("agent.json").found.map(\.description).filter { $0.contains("MCP server") }
    #expect(
      found == [
        "\(folder)/agent.json:4:20: warning: the MCP server 'c' runs 'no-such-program', and /usr/local/bin, /usr/bin, "
          + "/bin have no such program: install it, or write its path",
        "\(folder)/agent.json:5:20: warning: the MCP server 'd' runs '/no/such/program', and there is no such file: "
          + "correct the path, or install it",
      ])
  }

  @Test func keysThatCannotBeRead() throws {
    func found(_ key: String) throws -> [String] {
      try write(
        "openstarry.yaml",
        "board: board.yaml\nmodels:\n  - {name: cloud, url: \"https://api.example.org/v1\", key: \(key)}\n")
      return try check("openstarry.yaml").found.map(\.description).filter { $0.contains("'key'") }
    }
    let place = "\(folder)/openstarry.yaml:3:59: warning: 'key':"
    #expect(
      try found("./own.key") == [
        "\(place) there is no \(folder)/own.key, and without the key no call is made: put the key there"
      ])
    try write("own.key", "sk-1\n")
    Files.setMode("\(folder)/own.key", 0o640)
    #expect(try found("./own.key").first?.hasPrefix("\(place) others than its owner may use \(folder)/own.key") == true)
    Files.setMode("\(folder)/own.key", 0o600)
    #expect(try found("./own.key") == [])
    #expect(unsafe symlink("own.key", "\(folder)/link") == 0)
    #expect(try found("./link").first?.hasPrefix("\(place) \(folder)/link is no regular file") == true)
    try write("own.key", "")
    #expect(try found("./own.key") == ["\(place) \(folder)/own.key is empty: write the key into it"])
    #expect(try found("/etc/passwd").first?.hasPrefix("\(place) others than its owner may use /etc/passwd") == true)
  }

  /// systemd reads them as root, whatever their modes are.
  @Test func keysOfTheService() throws {
    func found() -> [String] {
      let models = [ModelSettings("cloud", url: "https://api.example.org/v1", key: "cloud")]
      return ConfigCheck.complaints(aboutKeysOf: models, nil, file: "f", folder: folder).map(\.message)
    }
    #expect(found() == ["'key': there is no \(folder)/cloud, and without the key no call is made: put the key there"])
    try write("cloud", "sk-1")
    #expect(found() == [])
  }

  @Test func aManifestWithNothingToRun() throws {
    try write("agent.json", #"{"identity": {"id": "a"}}"#)
    let check = try check("agent.json")
    #expect(check.errors == 1 && check.warnings == 1, "\(check.found)")
    #expect(
      check.found.map(\.description).contains(
        "\(folder)/agent.json:1:1: agent 'a' cannot run: its manifest has neither 'runtime' nor 'cognition'"))
  }

  @Test func hostsThatNoDockerEngineReaches() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: agents\ndocker: /run/docker.sock\n")
    for (id, driver) in [("boxed", "docker"), ("free", "process")] {
      try write(
        "agents/\(id)/agent.json",
        """
        {"identity": {"id": "\(id)"}, "runtime": {"driver": "\(driver)", "entry": "a"},
         "capabilities": {"permissions": {"network_allow_hosts": ["example.org"]}}}
        """)
    }
    func complaints() throws -> [String] {
      try check("openstarry.yaml").found.filter { $0.message.contains("network_allow_hosts") }.map(\.description)
    }
    let found = try complaints()
    #expect(found.count == 1 && found[0].hasPrefix("\(folder)/agents/boxed/agent.json:2:58: "), "\(found)")
    #expect(found.first?.contains("use podman (no 'docker' in the settings), or the driver 'process'") == true)
    try write("openstarry.yaml", "board: board.yaml\nagents: agents\n")
    #expect(try complaints() == [])
  }

  @Test func everyErrorHasItsPlace() throws {
    try write("one/board.yaml", "name: a\ndevises: {}\n")
    try write("two/orchestration.yaml", "rules:\n  - on: 'a:b'\n    action: 'wakee(x)'\n")
    try write("three/agent.json", "{\"identity\": }")
    let check = try check("one", "two", "three")
    #expect(check.errors >= 3)
    for name in ["one/board.yaml:", "two/orchestration.yaml:3:", "three/agent.json:1:"] {
      #expect(check.found.contains { $0.description.hasPrefix("\(folder)/\(name)") }, "\(name): \(check.found)")
    }
    let document = CheckReport.document(check)
    #expect(document["errors"]?.int == Int64(check.errors))
    #expect(document["diagnostics"]?.list?.count == check.found.count)
    #expect(CheckReport.lines(check, colour: false).last?.hasPrefix("3 file(s) checked: ") == true)
  }

  /// Errors in keys, actions and triggers hide no errors in expressions, names and calendars.
  @Test func allErrorsInRulesAreReportedAtOnce() throws {
    try write(
      "orchestration.yaml",
      """
      rules:
        - on: 'a:b'
          iff: 'true'
          if: 'value >'
          action: 'emit(x:y)'
        - on: 'a:b'
          action: 'wakee(x)'
        - on: 'a:b'
          if: "sensor('temprature') > 1.0"
          action: 'emit(x:y)'
        - cron: '99 * * * *'
          action: 'emit(x:y)'
        - if: '1 + 1'
          action: 'emit(x:y)'
      """)
    let check = try check("")
    for part in [
      "orchestration.yaml:3:", "orchestration.yaml:4:", "orchestration.yaml:7:", "did you mean 'temperature'",
      "cron '99 * * * *'", "the condition has type int", "the rule has no trigger",
    ] {
      #expect(check.found.contains { $0.description.contains(part) }, "\(part): \(check.found)")
    }
    #expect(check.errors == 7, "\(check.found)")
  }

  @Test func anAgentThatTheDaemonRefusesIsAnError() throws {
    func manifest(_ id: String, _ driver: String) -> String {
      """
      {"identity": {"id": "\(id)", "name": "x", "version": "1.0.0"},
       "runtime": {"driver": "\(driver)", "entry": "\(driver == "docker" ? "an image" : "x.wasm")"}}
      """
    }
    for (id, driver) in [("gone", "wasm"), ("bad", "wasm"), ("own", "docker"), ("linked", "in-process")] {
      try write("\(id)/agent.json", manifest(id, driver))
    }
    try write("bad/x.wasm", "no module")
    let found = try check("").found.filter { $0.severity == .error }.map(\.description)
    #expect(found.count == 3, "\(found)")
    func isFound(_ place: String, _ part: String) -> Bool {
      found.contains { $0.hasPrefix("\(folder)/\(place)") && $0.contains(part) }
    }
    #expect(isFound("gone/agent.json:2:41:", "x.wasm: No such file or directory"), "\(found)")
    #expect(isFound("bad/agent.json:2:41:", "bad/x.wasm: "), "\(found)")
    #expect(isFound("own/agent.json:2:43:", "'an image' of agent 'own' is not the name of an image"), "\(found)")
  }

  @Test func permissionsWithoutEffectAreWarnings() throws {
    try write(
      "a/agent.json",
      """
      {"identity": {"id": "a"}, "runtime": {"driver": "in-process", "entry": "a"},
       "capabilities": {"permissions": {"fs_allow_paths": ["x"], "network_allow_hosts": ["example.org"], "data": "1MiB"}}}
      """)
    let check = try check("a")
    let found = check.found.map(\.description)
    #expect(check.errors == 0 && check.warnings == 2, "\(found)")
    #expect(found.contains { $0.contains("agent.json:2:") && $0.contains("'data' has no effect") }, "\(found)")
    #expect(
      found.contains { $0.contains("'network_allow_hosts' has no effect for agents with the driver 'in-process'") })
  }

  @Test func conditionsAreCompiled() throws {
    try write("rules/orchestration.yaml", "rules:\n  - on: 'a:b'\n    if: 'value >'\n    action: 'wake(x)'\n")
    let check = try check("rules")
    #expect(check.errors == 1)
    #expect(check.found.first?.location.line == 3)
  }

  @Test func rulesAreCheckedAgainstTheOnlyBoard() throws {
    try write("orchestration.yaml", "rules:\n  - on: 'sensor:temprature'\n    action: 'wake(x)'\n")
    #expect(try check("orchestration.yaml").errors == 0)
    let both = try check("orchestration.yaml", "board.yaml")
    #expect(both.errors == 1)
    #expect(both.found.first?.message.contains("did you mean 'temperature'") == true)
  }

  @Test func settingsLeadToTheFilesTheyName() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: [agents]\nrules: [r.yaml]\n")
    try write("r.yaml", "rules:\n  - on: 'a:b'\n    action: 'wake(climat)'\n")
    try write(
      "agents/climate/agent.json",
      """
      {"identity": {"id": "climate", "name": "Climate"}, "runtime": {"driver": "in-process", "entry": "climate"}}
      """)
    let check = try check("openstarry.yaml")
    #expect(check.files.count == 4)
    #expect(check.found.contains { $0.message.contains("did you mean 'climate'") }, "\(check.found)")
  }

  @Test func errorsThatPreventAStartAreReported() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: [agents]\ngroups: {view: no-such-group}\n")
    for name in ["a", "b"] {
      try write(
        "agents/\(name).agent.json",
        #"{"identity": {"id": "one"}, "runtime": {"driver": "in-process", "entry": "x"}}"#)
    }
    let found = try check("openstarry.yaml").found.map(\.description)
    #expect(
      found.contains(
        "\(folder)/agents/b.agent.json:1:21: agent 'one' is already declared in \(folder)/agents/a.agent.json"),
      "\(found)")
    #expect(
      found.contains {
        $0.hasPrefix("\(folder)/openstarry.yaml:3:16: warning: this machine has no group 'no-such-group'")
      }, "\(found)")
  }

  @Test func unknownParentsAndCyclesAreWarnings() throws {
    func agent(_ id: String, _ parent: String) throws {
      try write(
        "agents/\(id).agent.json",
        """
        {"identity": {"id": "\(id)"}, "runtime": {"driver": "in-process", "entry": "x"},
         "parent": "\(parent)"}
        """)
    }
    try write("openstarry.yaml", "board: board.yaml\nagents: [agents]\n")
    try agent("climate", "boss")
    try agent("fan", "climte")
    try agent("one", "two")
    try agent("two", "one")
    try agent("three", "one")
    let all = try check("openstarry.yaml")
    #expect(
      all.found.map(\.description) == [
        "\(folder)/agents/climate.agent.json:2:12: warning: 'parent' names the unknown agent 'boss', so agent "
          + "'climate' shares no budget",
        "\(folder)/agents/fan.agent.json:2:12: warning: 'parent' names the unknown agent 'climte' (did you "
          + "mean 'climate'?), so agent 'fan' shares no budget",
        "\(folder)/agents/one.agent.json:2:12: warning: 'parent' forms a cycle: 'one' → 'two' → 'one'; it is broken, "
          + "so one of these agents shares no budget",
      ])
    // Not all agents are known: 'boss' may exist elsewhere.
    #expect(try check("agents").warnings == 2)
  }

  @Test func twoProjectsInOneFolderAreKeptApart() throws {
    for (name, agent) in [("a", "ada"), ("b", "bob")] {
      try write("\(name)/openstarry.yaml", "board: ../board.yaml\nagents: [\(agent).agent.json]\nrules: [rules.yaml]\n")
      try write("\(name)/rules.yaml", "rules:\n  - id: same\n    on: 'x:y'\n    action: 'wake(\(agent))'\n")
      try write(
        "\(name)/\(agent).agent.json",
        """
        {"identity": {"id": "\(agent)", "name": "x"}, "runtime": {"driver": "in-process", "entry": "x"}}
        """)
    }
    let check = try check("")
    #expect(check.errors == 0, "\(check.found)")
    #expect(check.files.count == 7)
  }

  /// The daemon stores registered and deployed agents in its home.
  @Test func agentsThatWereDeployedAreKnown() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: [none]\nhome: home\nrules: [r.yaml]\n")
    try write("none/empty.txt", "")
    try write("home/registered/pump/1.wasm", "")
    try write("r.yaml", "rules:\n  - on: 'a:b'\n    action: ['wake(pump)', 'wake(pomp)']\n")
    let check = try check("openstarry.yaml")
    #expect(
      check.found.map(\.description) == [
        "\(folder)/r.yaml:3:34: no agent is called 'pomp' (did you mean 'pump'?)"
      ])
  }

  /// The daemon leaves them out, each with a word: see `BadFileTests`.
  @Test func whatIsNoManifestIsNamed() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: [agents, none]\nhome: home\n")
    for name in ["case", "empty", "folder/agent.json", "link", "pipe", ".git"] {
      try Files.makeFolder("\(folder)/agents/\(name)")
    }
    try write("agents/case/Agent.json", "{}")
    try write("agents/README", "")
    #expect(unsafe symlink("nowhere", "\(folder)/agents/link/agent.json") == 0)
    #expect(unsafe symlink("nowhere", "\(folder)/agents/lost") == 0)
    #expect(unsafe mkfifo("\(folder)/agents/pipe/agent.json", 0o600) == 0)
    let found = try check("openstarry.yaml").found.map { $0.description.replacing("\(folder)/", with: "") }
    #expect(
      found == [
        "agents/case: warning: this folder has no 'agent.json', but 'Agent.json': rename it",
        "agents/empty: warning: this folder has no 'agent.json'",
        "agents/folder/agent.json: cannot be read: Is a directory",
        "agents/link/agent.json: cannot be read: No such file or directory",
        "agents/lost: warning: this link leads nowhere",
        "agents/pipe/agent.json: cannot be read: it is not a regular file",
        "openstarry.yaml: 'agents': none: there is no such folder",
      ])
  }

  @Test func aHomeThatCannotBeUsedOrTrustedIsAWarning() throws {
    try write("openstarry.yaml", "board: board.yaml\nhome: home\n")
    func found() throws -> [String] {
      try check("openstarry.yaml").found.map { $0.description.replacing("\(folder)/", with: "") }
    }
    #expect(try found().isEmpty, "the daemon makes it")
    try Files.makeFolder("\(folder)/home")
    #expect(try found().isEmpty)
    Files.setMode("\(folder)/home", 0o777)
    #expect(
      try found() == [
        "openstarry.yaml:2:7: warning: 'home': home is writable by everyone: write access there decides which agents "
          + "run, and what they may do; take the write permission from others (chmod go-w)"
      ])
    Files.removeFolder("\(folder)/home")
    #expect(unsafe symlink("/nonexistent/x", "\(folder)/home") == 0)
    #expect(
      try found() == [
        "openstarry.yaml:2:7: warning: 'home': home is a symbolic link to /nonexistent/x, which does not exist, so "
          + "nothing can be kept: make that folder, or remove the link"
      ])
    Files.remove("\(folder)/home")
    try write("home", "")
    #expect(
      try found() == [
        "openstarry.yaml:2:7: warning: 'home': home is not a folder, so nothing can be kept: name another, or move it "
          + "away"
      ])
  }

  @Test func aPipeIsNoFileToCheck() throws {
    #expect(unsafe mkfifo("\(folder)/pipe.board.yaml", 0o600) == 0)
    let found = try check("pipe.board.yaml").found.map(\.description)
    #expect(found == ["\(folder)/pipe.board.yaml: cannot be read: it is not a regular file"])
  }

  @Test func aBrokenManifestIsTheOnlyThingWrong() throws {
    try write("openstarry.yaml", "board: board.yaml\nagents: [x.agent.json]\nrules: [r.yaml]\n")
    try write("r.yaml", "rules:\n  - on: 'a:b'\n    action: 'wake(x)'\n")
    try write("x.agent.json", "{\"identity\": {\"id\": \"x\",}}")
    let check = try check("openstarry.yaml")
    #expect(check.errors == 1, "\(check.found)")
    #expect(check.found.first?.location.file == "\(folder)/x.agent.json")
  }

  @Test func missingPathsAreNotFound() {
    let failure = #expect(throws: Failure.self) { try check("nowhere.yaml") }
    #expect(failure?.status == .notFound)
  }

  @Test func aFolderWithNothingToCheckIsNotFound() throws {
    try write("empty/notes.txt", "hello\n")
    let failure = #expect(throws: Failure.self) { try check("empty") }
    #expect(failure?.status == .notFound)
    #expect(failure?.message.hasPrefix("no files to check in \(folder)/empty: folders are searched for ") == true)
  }

  @Test func aFileOfUnknownKindIsAnError() throws {
    try write("notes.txt", "hello: there\n")
    #expect(try check("notes.txt").errors == 1)
  }

  @Test func theExitCodeReportsErrors() throws {
    #expect(OpenStarry.run(["check", "\(folder)/board.yaml"]) == .done)
    try write("bad.board.yaml", "name: [\n")
    #expect(OpenStarry.run(["check", folder, "--json"]) == .failed)
    #expect(OpenStarry.run(["board", "check", "\(folder)/none.yaml"]) == .notFound)
  }
}
