import Config
import Model
import Testing

@Suite struct SettingsFileTests {
  private func settings(_ text: String, file: String) throws -> Settings {
    let (settings, warnings) = try ConfigText.settings(Array(text.utf8), file: file, environment: environment)
    #expect(warnings.isEmpty, "\(warnings)")
    return settings
  }

  @Test func defaults() throws {
    let settings = try settings("board: board.yaml", file: "/etc/openstarry/openstarry.yaml")
    #expect(settings.board == "/etc/openstarry/board.yaml")
    #expect(settings.agents == [])
    #expect(settings.rules == [])
    #expect(settings.home == "/var/lib/openstarry")
    #expect(settings.socket == "/run/openstarry/control.sock")
    #expect(settings.socketMode == 0o660)
    #expect(settings.viewGroup == nil)
    #expect(settings.depthLimit == 16)
    #expect(settings.eventRing == 1024)
    #expect(settings.logLines == 200)
    #expect(settings.activationLimit == .milliseconds(50))
    #expect(settings.watchdog == nil && settings.watchdogTimeout == .seconds(15))
    #expect(settings.guardian == nil)
  }

  @Test(arguments: [
    ("openstarry.yaml", "board.yaml", "board.yaml"),
    ("./openstarry.yaml", "./board.yaml", "board.yaml"),
    ("a/b/openstarry.yaml", "../../c/board.yaml", "c/board.yaml"),
    ("a/openstarry.yaml", "../../c/board.yaml", "../c/board.yaml"),
    ("/a/openstarry.yaml", "../b.yaml", "/b.yaml"),
    ("a/openstarry.yaml", "/x/../b.yaml", "/x/../b.yaml"),
    ("a/openstarry.yaml", "~/b.yaml", "/home/ada/b.yaml"),
  ])
  func pathsStartAtTheFile(_ file: String, _ path: String, _ expected: String) throws {
    #expect(try settings("board: \(path)", file: file).board == expected)
  }

  @Test func modelsAreRead() throws {
    let settings = try settings(
      """
      board: b.yaml
      models:
        - { name: cloud, url: "https://api.example.org/v1/", model: big-1, key: cloud, context: 128000, max_tokens: 900,
            timeout: 30s, price: { input: 0.15, output: 0.6 }, sees: false }
        - { name: local, url: "http://127.0.0.1:8080/v1/chat/completions", tools: schema }
      """, file: "x/openstarry.yaml")
    let cloud = ModelSettings(
      "cloud", url: "https://api.example.org/v1", model: "big-1", key: "cloud", context: 128_000, maxTokens: 900,
      timeout: .seconds(30), price: .init(input: 150_000, output: 600_000), sees: false)
    #expect(settings.models == [cloud, ModelSettings("local", url: "http://127.0.0.1:8080/v1", tools: .schema)])
    #expect(cloud.price?.cost(prompt: 1000, answer: 1) == 151)
  }

  @Test(arguments: [
    ("{ name: a }", "has no 'url'"), ("{ url: \"http://a/v1\" }", "has no 'name'"),
    ("{ name: a, url: \"ftp://a\" }", "expected the base URL of the API"),
    ("{ name: a, url: \"http://a:b@c/v1\" }", "expected the base URL of the API"),
    ("{ name: a, url: \"http://10.0.0.9/v1\", key: k }", "a key would cross the network in clear text"),
    ("{ name: a, url: \"http://10.0.0.9/v1\", max_tokens: 0 }", "'max_tokens' is 0"),
    ("{ name: a, url: \"http://a/v1\", price: { input: -1, output: 0 } }", "a price for a million tokens"),
    ("{ name: a, url: \"http://a/v1\", tool: schema }", "did you mean 'tools'?"),
    ("{ name: a, url: \"http://127.0.0.1:99999/v1\" }", "whose port cannot exist: expected one from 1 to 65535"),
    ("{ name: a, url: \"http://a:0\" }", "port cannot exist"),
    ("{ name: a, url: \"http://[::1]:+80/v1\" }", "port cannot"),
    (
      "{ name: a, url: \"http://a/v1\", context: 100, max_tokens: 200 }",
      "'max_tokens' is 200, and 'context' 100: expected 'context' to be greater"
    ),
    ("{ name: a, url: \"http://a/v1\", key: ../x/.. }, { name: a, url: \"http://a/v1\" }", "two models named 'a'"),
  ])
  func wrongModels(_ models: String, _ part: String) {
    do throws(Diagnostics) {
      _ = try ConfigText.settings(Array("board: b\nmodels: [\(models)]".utf8), file: "f", environment: environment)
      Issue.record("\(models) was accepted")
    } catch { #expect("\(error)".contains(part), "\(error)") }
  }

  /// Also a small context without 'max_tokens', whose default is lowered to what it holds.
  @Test(arguments: [
    "http://[::1]:8080/v1", "http://[::1]/v1", "https://a.example:65535", "http://a.example", "http+unix://%2Frun:x/v1",
  ]) func addressesOfModels(_ url: String) throws {
    let settings = try settings("board: b\nmodels: [{ name: a, url: \"\(url)\", context: 512 }]", file: "f")
    #expect(settings.models.map(\.url) == [url])
  }

  @Test func everythingIsRead() throws {
    let settings = try settings(
      """
      board: b.yaml
      agents: agents
      rules: [a.yaml, b.yaml]
      home: ~/.openstarry
      socket: run/x.sock
      socket_mode: "0666"
      guardian: false
      groups: {view: users, operate: gpio, admin: sudo}
      limits: {depth: 4, event_ring: 64, log_lines: 10, activation: 5ms, watchdog: 20s}
      watchdog: /dev/watchdog
      budget: {cpu: 50%, log: 1MiB/m, storage: 16MiB, disk: 100MB/d}
      """, file: "x/openstarry.yaml")
    #expect(settings.agents == ["x/agents"])
    #expect(settings.rules == ["x/a.yaml", "x/b.yaml"])
    #expect(settings.home == "/home/ada/.openstarry")
    #expect(settings.socket == "x/run/x.sock")
    #expect(settings.socketMode == 0o666)
    #expect(settings.viewGroup == "users")
    #expect(settings.operateGroup == "gpio")
    #expect(settings.adminGroup == "sudo")
    #expect(settings.depthLimit == 4)
    let limits = settings.boardLimits
    #expect(limits.budget == Budget(cpu: 0.5, log: Rate(count: 1 << 20, per: .seconds(60)), storage: 16 << 20))
    #expect(
      limits.disk == Rate(count: 100_000_000, per: .seconds(86_400)) && limits.activationReport == .milliseconds(5))
    #expect(settings.eventRing == 64)
    #expect(settings.logLines == 10)
    #expect(settings.activationLimit == .milliseconds(5))
    #expect(settings.watchdog == "/dev/watchdog" && settings.watchdogTimeout == .seconds(20))
    #expect(settings.guardian == false)
  }

  @Test func mistakes() {
    #expect(
      complaints(
        .settings,
        """
        bord: b.yaml
        agents: [7]
        home: ""
        socket: /\(String(repeating: "x", count: 120))
        socket_mode: 0660
        groups: {operater: x, view: "a b"}
        limits: {depth: 0, event_ring: many, activation: 5}
        """) == #"""
          f:1:1: the settings file has no 'board', expected a path, as seen from this file's folder
          f:1:1: the settings file has an unknown key 'bord' (did you mean 'board'?)
          f:2:10: an entry of 'agents' is 7, expected a path, as seen from this file's folder
          f:3:7: 'home' is '', expected a path, as seen from this file's folder
          f:4:9: 'socket' is 121 bytes long, expected at most 107, the limit of sockets
          f:5:14: 'socket_mode' is 660, expected an octal mode in quotes such as '0660'
          f:6:10: 'groups' has an unknown key 'operater' (did you mean 'operate'?)
          f:6:29: 'view' is 'a b', expected the name of a group such as gpio
          f:7:17: 'depth' is 0, expected an integer from 1 to 1000
          f:7:32: 'event_ring' is 'many', expected an integer from 16 to 1000000
          f:7:50: 'activation' is 5, expected a duration such as 500ms, 10s or 1m30s (at least 1us)
          """#)
  }

  @Test(
    arguments: [
      (
        "unix:///run/docker.sock",
        "'docker' is 'unix:///run/docker.sock', an address, expected the path of a Docker engine's socket such as "
          + "/run/docker.sock; write '/run/docker.sock'"
      ),
      (
        "tcp://127.0.0.1:2375",
        "'docker' is 'tcp://127.0.0.1:2375', an address, expected the path of a Docker engine's socket such as "
          + "/run/docker.sock"
      ),
      (
        #""/run/docker.sock\n""#, "'docker' contains a control character, expected the path of a Docker engine's socket"
      ),
      ("[x]", "'docker' is a list, expected the path of a Docker engine's socket"),
      (
        "/\(String(repeating: "x", count: 107))",
        "'docker' is 108 bytes long, expected at most 107, the limit of sockets"
      ),
    ]) func whatIsNoSocketOfAnEngine(value: String, expected: String)
  {
    let found = complaints(.settings, "board: b.yaml\ndocker: \(value)\n")
    #expect(found.hasPrefix("f:2:9: \(expected)"), "\(found)")
  }

  @Test func theSocketOfAnEngine() throws {
    let (settings, _) = try ConfigText.settings(
      Array("board: b.yaml\ndocker: run/docker.sock".utf8), file: "x/f", environment: environment)
    #expect(settings.docker == "x/run/docker.sock")
  }

  @Test(
    arguments: [
      ("groups: {view: users}", ["f:2:9: 'operate' is not set"]),
      (
        "groups: {view: users, operate: gpio, admin: users}",
        [
          "f:2:16: 'view' and 'admin' are the same group: every member of 'users' has the role admin",
          "f:2:32: members of 'gpio' who are not in 'users' cannot connect",
        ]
      ),
      (
        "groups: {view: users, admin: users}",
        ["f:2:16: 'view' and 'admin' are the same group: every member of 'users' has the role admin"]
      ),
      (
        "groups: {view: users, operate: users}",
        ["f:2:16: 'view' and 'operate' are the same group: every member of 'users' has the role operate"]
      ),
      (
        "groups: {operate: gpio, admin: gpio}\nsocket_mode: \"0666\"",
        ["f:2:19: 'operate' and 'admin' are the same group", "f:3:14: 'socket_mode' lets everybody"]
      ),
      ("groups: {view: users, operate: users}\nsocket_mode: \"0600\"", ["f:2:9: 'socket_mode' is 0600"]),
      ("socket_mode: \"0666\"", ["f:2:14: 'socket_mode' lets everybody on this machine connect"]),
      ("groups: {view: users, operate: gpio}\nsocket_mode: \"0666\"", []),
      ("groups: {operate: gpio}", []), ("groups: {admin: sudo}", []),
    ] as [(String, [String])])
  func groupsThatMeanSomethingElseThanTheySeemToAreSaid(text: String, expected: [String]) throws {
    let (_, warnings) = try ConfigText.settings(
      Array("board: b.yaml\n\(text)".utf8), file: "f", environment: environment)
    #expect(warnings.count == expected.count, "\(warnings)")
    for (warning, beginning) in zip(warnings, expected) {
      #expect("\(warning.location): \(warning.message)".hasPrefix(beginning), "\(warning)")
    }
  }

  @Test func aTildeNeedsAHome() {
    #expect(throws: Diagnostics.self) {
      try ConfigText.settings(Array("board: ~/b.yaml".utf8), file: "f", environment: [:])
    }
  }
}
