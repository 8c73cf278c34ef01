import Config
import Isolations
import Model
import Testing

@Suite struct ManifestFileTests {
  private func manifest(_ text: String, file: String = "a/agent.json") throws -> (Manifest, [String]) {
    let (manifest, warnings) = try ConfigText.manifest(
      Array(text.utf8), file: file, environment: environment, isolations: Isolations.known)
    return (manifest, warnings.map(\.description))
  }

  @Test func serversOfMindsAreReadAndTheirHostsCompared() throws {
    let (manifest, warnings) = try manifest(
      """
      { "identity": {"id": "keeper"}, "cognition": {},
        "capabilities": {"permissions": {"network_allow_hosts": ["weather.example.org", "127.0.0.1:8000"]}},
        "plugins": [{"name": "@openstarry-plugin/mcp-client", "config": {"servers": {
            "notes": {"command": "python3", "args": ["notes.py", "-v"], "env": {"TOKEN": "x"}},
            "weather": {"url": "https://weather.example.org/mcp"}, "near": {"url": "http://127.0.0.1:8000/mcp"},
            "other": {"url": "https://other.example.org/mcp?x", "headers": {"Authorization": "Bearer x"}},
            "odd": {"url": "https://me@weather.example.org"}, "file": {"url": "file:///etc/passwd"}, "empty": {}}}}] }
      """)
    #expect(
      manifest.mind?.servers == [
        .init(name: "notes", .program(["python3", "notes.py", "-v"])),
        .init(name: "weather", .url("https://weather.example.org/mcp")),
        .init(name: "near", .url("http://127.0.0.1:8000/mcp")),
        .init(name: "other", .url("https://other.example.org/mcp?x")),
      ])
    let texts = warnings.map { $0.split(separator: "warning: ").last.map(String.init) ?? "" }
    #expect(
      texts.sorted() == [
        "'env' of the MCP server 'notes' is not passed on", "'headers' of the MCP server 'other' is not passed on",
        "'url' is 'file:///etc/passwd', expected the address of an MCP server such as https://example.org/mcp",
        "'url' is 'https://me@weather.example.org', expected the address of an MCP server such as "
          + "https://example.org/mcp",
        "the MCP server 'empty' is left out: it has neither 'command' nor 'url'",
        "the MCP server 'https://other.example.org/mcp?x' is out of reach: 'network_allow_hosts' of "
          + "'capabilities.permissions' does not have its host",
      ], "\(warnings)")
  }

  @Test func whatIsNoServerOfAMindIsNamed() throws {
    func read(_ config: String) throws -> ([Mind.Server], [String]) {
      let (manifest, warnings) = try manifest(
        "{ \"identity\": {\"id\": \"a\"}, \"cognition\": {}, \"plugins\": [{\"name\": \"@openstarry-plugin/mcp-client\", "
          + "\"config\": \(config)}] }")
      return (
        manifest.mind?.servers ?? [], warnings.map { $0.split(separator: "warning: ").last.map(String.init) ?? "" }
      )
    }
    let wrong = [
      (
        #"{"server": {"a": {"command": "x"}}}"#,
        "'config' of plugin 'mcp-client' has an unknown key 'server' (did you mean 'servers'?)"
      ),
      ("[]", "'config' of plugin 'mcp-client' is a list, expected a map, and is not used"),
      (#"{"servers": "x"}"#, "'servers' is 'x', expected a map"),
      (#"{"servers": [{"command": "x"}]}"#, "an entry of 'servers' has no 'name', and is left out"),
      (#"{"servers": {"a": "x"}}"#, "the MCP server 'a' is 'x', expected a map, and is not used"),
      (
        #"{"servers": {"a": {"command": ["x"]}}}"#,
        "the MCP server 'a' is left out: its 'command' is a list, expected a program"
      ),
    ]
    for (config, sentence) in wrong {
      let (servers, warnings) = try read(config)
      #expect(servers.isEmpty && warnings == [sentence], "\(config): \(warnings)")
    }
    let (servers, warnings) = try read(
      #"{"servers": [{"name": "a", "type": "stdio", "command": "x", "args": ["-p", 80, {}], "arg": "y"}]}"#)
    #expect(servers == [.init(name: "a", .program(["x", "-p", "80"]))])
    #expect(
      warnings.sorted() == [
        "an entry of 'args' of the MCP server 'a' is a map, expected text, and is left out",
        "the MCP server 'a' has an unknown key 'arg' (did you mean 'args'?)",
      ], "\(warnings)")
    let nothing = try read("{}")
    #expect(nothing.0.isEmpty && nothing.1.isEmpty)
  }

  @Test(arguments: [
    ("30000", 30_000, ""), ("\"30s\"", 30_000, ""), ("\"250ms\"", 250, ""),
    ("90000000", 3_600_000, "'toolTimeout' is 90000000: a call has 1h at most"),
    ("\"2h\"", 3_600_000, "'toolTimeout' is '2h': a call has 1h at most"),
  ])
  func timeoutsOfToolsAreDurationsOrMilliseconds(_ text: String, _ milliseconds: Int, _ warning: String) throws {
    for block in ["policy", "execution"] {
      let (manifest, warnings) = try manifest(
        "{ \"identity\": {\"id\": \"a\"}, \"cognition\": {}, \"\(block)\": {\"toolTimeout\": \(text)} }")
      #expect(manifest.mind?.toolTimeout == Int64(milliseconds))
      #expect(
        warnings.count == (warning.isEmpty ? 0 : 1) && warnings.allSatisfy { $0.hasSuffix(warning) }, "\(warnings)")
    }
  }

  @Test func moreCallsAtOnceThanAreCarriedOut() throws {
    let (manifest, warnings) = try manifest(
      #"{ "identity": {"id": "a"}, "cognition": {}, "policy": {"maxConcurrentTools": 100} }"#)
    #expect(manifest.mind?.maxConcurrentTools == 64)
    #expect(
      warnings.count == 1 && warnings[0].hasSuffix("64 calls of one answer are carried out at most"), "\(warnings)")
  }

  @Test func everyBlockIsRead() throws {
    let (manifest, warnings) = try manifest(
      """
      { "identity": {"id": "climate", "name": "Climate", "version": "1.2.3", "description": ""},
        "runtime": {"driver": "wasm", "entry": "climate.wasm", "lifecycle": "one-shot"},
        "capabilities": {"plugins": ["tables@1", "@scope/x@2.0"], "permissions": {
            "sensors": ["temp*", "door"], "actuators": "fan", "cameras": ["*"], "emit": ["climate:*", "*"],
            "model": true, "fs_allow_paths": ["./data", "/srv", "~/notes", "${DATA}/x"],
            "network_allow_hosts": ["api.example.org", "[::1]:80"], "data": "8MiB"}},
        "budget": {"memory": "4MiB", "cpu": "50%", "activation": "50ms", "tokens": "10k/h", "events": "20/s",
            "hardware": "50/10s"},
        "policy": {"restart": "always", "max_restarts": 5, "window": "10m", "backoff": "1s", "max_backoff": "1m",
            "grace": "5s", "priority": "low"},
        "subscribe": ["sensor:temperature", "git:*"] }
      """)
    #expect(warnings == [])
    #expect(manifest.id == "climate")
    #expect(manifest.name == "Climate")
    #expect(manifest.version == "1.2.3")
    #expect(manifest.runtime == .init(driver: .wasm, entry: "climate.wasm", lifecycle: .oneShot))
    #expect(manifest.plugins == ["tables@1", "@scope/x@2.0"])
    #expect(
      manifest.permissions
        == Permissions(
          sensors: [EventPattern("temp*"), EventPattern("door")], actuators: [EventPattern("fan")],
          cameras: [EventPattern("*")], emit: [EventPattern("climate:*"), EventPattern("*")], model: true,
          paths: ["./data", "/srv", "/home/ada/notes", "/srv/data/x"], hosts: ["api.example.org", "[::1]:80"],
          data: 8 << 20))
    #expect(
      manifest.budget
        == Budget(
          memory: 4 << 20, cpu: 0.5, activation: .milliseconds(50),
          tokens: TokenLimits([TokenLimit(Rate(count: 10_000, per: .seconds(3600)))]),
          events: Rate(count: 20, per: .seconds(1)), hardware: Rate(count: 50, per: .seconds(10))))
    #expect(
      manifest.policy
        == Policy(
          restart: .always, maxRestarts: 5, window: .seconds(600), backoff: .seconds(1), maxBackoff: .seconds(60),
          grace: .seconds(5), priority: .low))
    #expect(manifest.subscribe == [EventPattern("sensor:temperature"), EventPattern("git:*")])
    #expect(manifest.file == "a/agent.json")
    // Secrets from the environment are not stored with the manifest.
    #expect(manifest.document["capabilities"]?["permissions"]?["fs_allow_paths"]?.list?.last == "${DATA}/x")
  }

  @Test func nothingIsAllowedUnlessSaid() throws {
    let (manifest, warnings) = try manifest(
      #"{"identity": {"id": "a"}, "runtime": {"driver": "in-process", "entry": "a"}}"#)
    #expect(warnings == [])
    #expect(manifest.name == "a")
    #expect(manifest.permissions == Permissions())
    #expect(manifest.budget == Budget())
    #expect(manifest.policy == Policy())
    #expect(manifest.subscribe.isEmpty)
  }

  @Test func theSameInYAML() throws {
    let (manifest, warnings) = try manifest(
      "identity: {id: a}\nruntime: {driver: process, entry: ./run}\nbudget: {memory: 1MiB}", file: "a/agent.yaml")
    #expect(warnings == [])
    #expect(manifest.runtime.driver == .process)
    #expect(manifest.budget.memory == 1 << 20)
  }

  @Test func anUpstreamManifestLoads() throws {
    let (manifest, warnings) = try manifest(
      """
      { "identity": {"id": "helper", "name": "Helper", "description": "An upstream agent", "version": "0.1.0"},
        "cognition": {"provider": "x", "model": "y", "temperature": 0.7, "maxTokens": 8192, "maxToolRounds": 10},
        "capabilities": {"tools": ["fs.read"], "allowedPaths": ["."]},
        "policy": {"maxConcurrentTools": 1, "toolTimeout": 30000},
        "memory": {"slidingWindowSize": 10},
        "plugins": [{"name": "@openstarry-plugin/provider-claude"}, {"name": "web", "path": "./web",
            "config": {"token": "${TOKEN}"}}],
        "guide": "default-guide", "maxTokenBudget": 50000,
        "safety": {"maxLoopTicks": 50, "maxTokenUsage": 100000},
        "execution": {"maxToolRounds": 3}, "session": {"replayCount": 3}, "auditTrail": {"enabled": false},
        "sandbox": {"memoryLimitMb": 512, "rpcTimeoutMs": 30000, "cpuTimeoutMs": 60000, "restartPolicy":
            {"maxRestarts": 4, "backoffMs": 250, "maxBackoffMs": 20000, "resetWindowMs": 120000}},
        "communication": {"canSendTo": [], "eventSubscriptions": ["sensor:door", "chat:*"], "gracePeriodMs": 1000},
        "mano": {}, "vitakka": {}, "vedanaEmergency": {}, "kleshaFilter": {}, "confidenceAudit": {},
        "confidenceFloor": 0.2, "kleshaModulation": {} }
      """)
    #expect(
      warnings == [
        "a/agent.json:15:27: warning: the manifest has an unknown key 'kleshaModulation', stored but not used"
      ])
    #expect(manifest.runtime == .init(driver: .process, entry: Mind.program))
    // Upstream's own plugins are what a mind does itself.
    #expect(manifest.plugins == ["web"])
    #expect(manifest.permissions == Permissions(model: true, paths: ["."]))
    var mind = Mind()
    (mind.provider, mind.model, mind.temperature, mind.maxTokens) = ("x", "y", 0.7, 8192)
    (mind.maxToolRounds, mind.windowSize, mind.tools) = (3, 10, ["fs.read"])
    #expect(manifest.mind == mind)
    #expect(
      manifest.budget
        == Budget(
          memory: 512 << 20, activation: .seconds(60),
          tokens: TokenLimits([TokenLimit(Rate(count: 50_000, per: .seconds(86_400)))])))
    #expect(
      manifest.policy
        == Policy(
          maxRestarts: 4, window: .seconds(120), backoff: .milliseconds(250), maxBackoff: .seconds(20),
          grace: .seconds(1)))
    #expect(manifest.subscribe == [EventPattern("sensor:door"), EventPattern("chat:*")])
    #expect(manifest.document["kleshaModulation"] == [:])
    #expect(manifest.document["plugins"]?.list?.last?["config"]?["token"] == "${TOKEN}")
  }

  @Test func aModuleMayHaveAFreshInstanceForEachEvent() throws {
    func runtime(_ driver: String, _ instance: String) -> String {
      "{\"identity\": {\"id\": \"a\"}, \"runtime\": {\"driver\": \"\(driver)\", \"entry\": \"a\", \"instance\": \"\(instance)\"}}"
    }
    #expect(try manifest(runtime("wasm", "fresh")).0.runtime.instance == .fresh)
    #expect(try manifest(runtime("wasm", "warm")).0.runtime.instance == .warm)
    #expect(throws: Diagnostics.self) { try manifest(runtime("wasm", "frsh")) }
    #expect(throws: Diagnostics.self, "other isolations have no such key") { try manifest(runtime("process", "fresh")) }
  }

  /// The server of a provider plugin, on this machine and nowhere else.
  @Test func aProviderPluginNamesTheServer() throws {
    func mind(_ plugin: String, provider: String = "lmstudio") throws -> (Mind?, [String]) {
      let (manifest, warnings) = try manifest(
        """
        { "identity": {"id": "a"}, "cognition": {"provider": "\(provider)", "model": "m"}, "plugins": [\(plugin)],
          "guide": "./guide.md" }
        """)
      return (manifest.mind, warnings)
    }
    func plugin(_ name: String, _ url: String) -> String {
      "{\"name\": \"@openstarry-plugin/provider-\(name)\", \"config\": {\"baseUrl\": \"\(url)\"}}"
    }
    #expect(try mind("").0?.endpoint == "http://127.0.0.1:1234/v1")
    #expect(try mind("").0?.guideFile == "./guide.md")
    #expect(try mind(plugin("lmstudio", "http://localhost:9/v1/")).0?.endpoint == "http://localhost:9/v1")
    #expect(try mind(plugin("other", "http://localhost:9/v1")).0?.endpoint == "http://127.0.0.1:1234/v1")
    for url in ["http://10.0.0.1/v1", "https://localhost.example.org/v1"] {
      let (mind, warnings) = try mind(plugin("x", url), provider: "x")
      #expect(mind?.endpoint == nil && warnings.contains { $0.contains("leads to another machine") }, "\(url)")
    }
    // One that is no URL leads nowhere.
    for url in ["http://127.0.0.1@evil.example/v1", "127.0.0.1:8080", "http://"] {
      let (mind, warnings) = try mind(plugin("x", url), provider: "x")
      #expect(mind?.endpoint == nil, "\(url)")
      #expect(
        warnings.contains {
          $0.contains("'baseUrl' is '\(url)', expected the base URL") && $0.hasSuffix("is not used")
        },
        "\(url): \(warnings)")
    }
  }

  /// Also what may be a secret, by its key alone.
  @Test func whatAProvidersConfigurationCannotSayIsNamed() throws {
    let (manifest, warnings) = try manifest(
      """
      { "identity": {"id": "a"},
        "cognition": {"provider": {"id": "x", "config": {"baseUrl": "http://127.0.0.1:9/v1", "apiKey": "sk-1"}}},
        "plugins": [
          {"name": "@openstarry-plugin/provider-x", "config": {"baseUrl": "http://127.0.0.1:8/v1", "apiKey": "sk-2"}}] }
      """)
    #expect(manifest.mind?.endpoint == "http://127.0.0.1:8/v1")
    let end = "is not used: 'models' in openstarry.yaml lists servers, and their keys"
    #expect(
      warnings.map { $0.split(separator: "warning: ").last.map(String.init) ?? "" } == [
        "'baseUrl' in 'config' of 'provider' \(end)", "'apiKey' in 'config' of 'provider' \(end)",
        "'apiKey' in 'config' of plugin 'provider-x' \(end)",
      ], "\(warnings)")
  }

  @Test func upstreamsPluginsWithoutUseAreNamed() throws {
    func warnings(_ names: String...) throws -> [String] {
      let plugins = names.map { "\"@openstarry-plugin/\($0)\"" }.joined(separator: ", ")
      return try manifest(
        "{ \"identity\": {\"id\": \"a\"}, \"cognition\": {\"model\": \"m\"}, \"plugins\": [\(plugins)] }"
      ).1
    }
    let served = ["provider-any", "standard-function-fs", "standard-function-stdio", "guide-character-init"]
    for name in served + ["mcp-client"] { #expect(try warnings(name) == [], "\(name)") }
    #expect(
      try warnings("context-sliding-window", "standard-model-selector", "standard-core-commands").map {
        $0.split(separator: "warning: ")[1]
      } == [
        "plugin 'context-sliding-window' of upstream is not needed here: 'memory.slidingWindowSize' serves in its place",
        "plugin 'standard-model-selector' of upstream is not needed here: 'models' in openstarry.yaml and "
          + "'cognition.model' serve in its place",
        "plugin 'standard-core-commands' of upstream is not needed here: the commands of 'openstarry' serve in its place",
      ])
    #expect(
      try warnings("transport-websocket", "standard-function-x@1").map { $0.split(separator: "warning: ")[1] } == [
        "plugin 'transport-websocket' of upstream is not needed here: 'openstarry chat' and the control socket serve in "
          + "its place",
        "plugin 'standard-function-x' of upstream is not known here, and has no effect",
      ])
  }

  @Test func theOlderFormLoads() throws {
    let (manifest, _) = try manifest(
      """
      { "identity": {"id": "old"}, "cognition": {"provider": {"id": "x", "config": {}}},
        "capabilities": {"plugins": ["a"], "permissions": {"fs_allow_paths": ["./x"], "network_allow_hosts": ["h"]}},
        "policy": {"max_steps": 10, "circuit_breaker": {"error_threshold": 7}},
        "safety": {"maxTokenUsage": 100} }
      """)
    #expect(manifest.plugins == ["a"])
    #expect(manifest.permissions == Permissions(model: true, paths: ["./x"], hosts: ["h"]))
    #expect(manifest.mind?.provider == "x")
    #expect(manifest.policy.maxRestarts == 7)
    #expect(manifest.budget.tokens == TokenLimits([TokenLimit(Rate(count: 100, per: .seconds(86_400)))]))
  }

  @Test func oursOverrulesTheirs() throws {
    let (manifest, _) = try manifest(
      """
      { "identity": {"id": "a"}, "runtime": {"driver": "process", "entry": "x"},
        "sandbox": {"memoryLimitMb": 512, "cpuTimeoutMs": 60000, "restartPolicy": {"maxRestarts": 9}},
        "maxTokenBudget": 0, "budget": {"memory": "1MiB", "tokens": "5/m"}, "policy": {"max_restarts": 2},
        "subscribe": "x:y", "communication": {"eventSubscriptions": ["a:b"]} }
      """)
    #expect(
      manifest.budget
        == Budget(
          memory: 1 << 20, activation: .seconds(60),
          tokens: TokenLimits([TokenLimit(Rate(count: 5, per: .seconds(60)))])))
    #expect(manifest.policy.maxRestarts == 2)
    #expect(manifest.subscribe == [EventPattern("x:y")])
  }

  @Test func noLimitIsNoLimit() throws {
    let (manifest, _) = try manifest(
      #"{"identity": {"id": "a"}, "runtime": {"driver": "process", "entry": "x"}, "maxTokenBudget": 0}"#)
    #expect(manifest.budget.tokens.isEmpty)
  }

  @Test func variablesAreSubstituted() throws {
    let (manifest, _) = try manifest(
      """
      identity: {id: a, name: "$${HOME} is ${HOME}, $5 and ${DATA}${TOKEN}", description: "${HOME}"}
      runtime: {driver: process, entry: "${DATA}/run"}
      """, file: "agent.yaml")
    #expect(manifest.name == "${HOME} is /home/ada, $5 and /srv/datas3cret")
    #expect(manifest.runtime.entry == "/srv/data/run")
  }
}
