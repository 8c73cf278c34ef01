import Chips
import Isolations
import Linux
import Model
import Plugins
import SchemaKit
import TestKit
import Testing

@testable import Config

/// The schemas say what the readers say.
@Suite struct SchemaTests {
  private static let schemas = Dictionary(
    uniqueKeysWithValues: ConfigKind.allCases.map { ($0, Value.map($0.schema(isolations: Isolations.known))) })

  private static func schema(_ kind: ConfigKind) -> Value { schemas[kind] ?? .null }

  /// What the schema of `kind` does not allow in a file.
  private func complaints(_ kind: ConfigKind, _ text: [UInt8], file: String = "f.yaml") throws -> [String] {
    try SchemaValidator.complaints(try ConfigText.parse(text, file: file).value, Self.schema(kind))
  }

  /// The errors that the reader of `kind` finds in a file.
  private func errors(_ kind: ConfigKind, _ text: [UInt8], file: String = "f.yaml") -> [Diagnostic] {
    let variables = environment.merging(["OPENSTARRY_REPOSITORIES": "/srv/git"]) { $1 }
    do throws(Diagnostics) {
      switch kind {
      case .board: _ = try ConfigText.board(text, file: file)
      case .agent:
        _ = try ConfigText.manifest(text, file: file, environment: variables, isolations: Isolations.known)
      case .orchestration: _ = try ConfigText.rules(text, file: file)
      case .settings: _ = try ConfigText.settings(text, file: file, environment: variables)
      }
      return []
    } catch {
      return error.all.filter { $0.severity == .error }
    }
  }

  /// The files of the repository that `openstarry check` would read.
  private static let files: [String] = ["Board", "Examples", "Tests/Testbed", "systemd", "Benchmarks"].flatMap(under)

  private static func under(_ folder: String) -> [String] {
    ((try? Files.names(in: Repository.path(folder))) ?? []).flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if name.hasPrefix(".") { return [] }
      if Files.isFolder(Repository.path(path)) { return under(path) }
      let isConfig = [".json", ".yaml"].contains { name.hasSuffix($0) }
      return isConfig && ConfigKind.guess(fileName: name) != nil ? [path] : []
    }
  }

  @Test func everyFileOfThisRepositoryIsValid() throws {
    #expect(Self.files.count > 20, "\(Self.files)")
    for file in Self.files {
      let text = try Repository.read(file)
      let kind = try #require(ConfigKind.guess(fileName: file))
      #expect(errors(kind, text, file: file).isEmpty)
      #expect(try complaints(kind, text, file: file).isEmpty, "\(file)")
    }
  }

  @Test func soIsEveryExampleOfThePages() throws {
    let pages: [(ConfigKind, String, String)] = [
      (.board, "yaml", "docs/board-yaml.md"), (.agent, "json", "docs/agent-json.md"),
      (.orchestration, "yaml", "docs/orchestration-yaml.md"), (.settings, "yaml", "docs/openstarry-yaml.md"),
    ]
    for (kind, language, page) in pages {
      let text = try Repository.example(language, in: page)
      #expect(try complaints(kind, text, file: "f.\(language)").isEmpty, "\(page)")
    }
  }

  /// A key without a form would be one that editors do not help with. Those that are kept unread may have any.
  @Test func everyKeyHasAForm() {
    let unread: Set<String> = [
      "$schema", "cognition", "memory", "guide", "execution", "session", "auditTrail", "mano", "vitakka",
      "vedanaEmergency", "kleshaFilter", "confidenceAudit", "confidenceFloor", "maxLoopTicks",
      "repetitiveFailThreshold", "frustrationThreshold", "errorWindowSize", "errorRateThreshold", "fingerprintLength",
      "rpcTimeoutMs", "enabled", "canSendTo", "canReceiveFrom", "exposedTools", "maxMessageSize", "timeoutMs",
      "maxRetries", "tools", "maxConcurrentTools", "toolTimeout", "pathRestrictions", "max_steps", "circuit_breaker",
      "path", "config", "llmTimeout",
    ]
    for kind in ConfigKind.allCases {
      for (key, schemas) in Self.properties(of: Self.schema(kind)) {
        // Keys of a closed variant are only named there, and have their form beside it.
        let hasForm = schemas.contains { $0.map != nil }
        #expect(hasForm || kind == .agent && unread.contains(key), "\(kind): \(key)")
      }
    }
  }

  /// All keys below a schema, with their schemas in all places.
  private static func properties(of schema: Value) -> [String: [Value]] {
    var found: [String: [Value]] = [:]
    if let list = schema.list { for entry in list { found.merge(properties(of: entry)) { $0 + $1 } } }
    for (name, keyword) in schema.map ?? [:] {
      if name == "properties" { for (key, value) in keyword.map ?? [:] { found[key, default: []].append(value) } }
      let inner = name == "properties" ? .list((keyword.map ?? [:]).map(\.value)) : keyword
      found.merge(properties(of: inner)) { $0 + $1 }
    }
    return found
  }

  @Test func everySettingAndOptionOfADeviceIsThere() throws {
    for entry in DriverCatalogue.all {
      for backend in entry.backends {
        let device = DeviceReader.schema(backend).value
        let kind = try #require(Self.variant(device, "kind", entry.kind))
        let driver = try #require(Self.variant(kind, "driver", entry.name), "\(entry.name)")
        let keys = Self.keys(kind) + Self.keys(driver)
        for key in DeviceSettings.keys(of: entry.kind) + entry.options.map(\.name) {
          #expect(keys.contains(key), "\(entry.kind) \(entry.name): \(key)")
        }
        #expect(driver["additionalProperties"] == false)
      }
    }
  }

  private static func keys(_ schema: Value) -> [String] { schema["properties"]?.map?.keys ?? [] }

  /// The `then` of a variant.
  private static func variant(_ schema: Value, _ selector: String, _ name: String) -> Value? {
    schema["allOf"]?.list?.first { one in
      let value = one["if"]?["properties"]?[selector]
      return value?["const"]?.string == name || value?["enum"]?.list?.first?.string == name
    }?["then"]
  }

  static let wrong: [(ConfigKind, String)] = [
    (.board, "name: a\ndevises: {}\n"),
    (.board, "backend: linux\n"),
    (.board, "name: a\nbackend: linus\n"),
    (.board, "name: a\nplace: {latitude: 91, longitude: 0}\n"),
    (.board, "name: a\nbuses: {i2c: {path: /dev/i2c-1, adapter: x}}\n"),
    (.board, "name: a\nbuses: {i2c: /sys/i2c}\n"),
    (.board, "name: a\nchips: {header: {path: x}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensr}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, evry: 1s}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, every: 1 second}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, max_on: 1s}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, driver: bme280}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, filter: {median: 4}}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, filter: {medain: 3}}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {c: {kind: camera, motion: {treshold: 1}}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {c: {kind: camera, size: big}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {f: {kind: actuator, safe: maybe}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {f: {kind: actuator, max_rate: often}}\n"),
    (.board, "name: a\nbackend: simulated\ndevices: {'a b': {kind: input}}\n"),
    (.board, "name: a\ndevices: {t: {kind: sensor}}\n"),
    (.board, "name: a\nbuses: {i2c: /dev/i2c-1}\ndevices: {t: {kind: sensor, driver: bme280, buss: i2c}}\n"),
    (.board, "name: a\nbuses: {i2c: /dev/i2c-1}\ndevices: {t: {kind: sensor, driver: bme280}}\n"),
    (
      .board,
      "name: a\nbuses: {i2c: /dev/i2c-1}\ndevices: {t: {kind: sensor, driver: bme280, bus: i2c, address: 0x99}}\n"
    ),
    (.board, "name: a\ndevices: {t: {kind: sensor, driver: procfs, quantity: load7}}\n"),
    (.agent, "runtime: {driver: process, entry: a}\n"),
    (.agent, "identity: {name: a}\nruntime: {driver: process, entry: a}\n"),
    (.agent, "identity: {id: 'a b'}\nruntime: {driver: process, entry: a}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: proces, entry: a}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entri: a}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a, instance: fresh}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: wasm, entry: a, args: [b]}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\nbudget: {memry: 1MiB}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\nbudget: {memory: much}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\nbudget: {cpu: 10}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\ncapabilities: {permissions: {sensor: [a]}}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\npolicy: {restart: perhaps}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\npolicy: {priority: 9}\n"),
    (.orchestration, "{}\n"),
    (.orchestration, "rules: []\nvar: {a: 1}\n"),
    (.orchestration, "rules: []\nvars: {1a: 1}\n"),
    (.orchestration, "rules: [{on: 'a:b'}]\n"),
    (.orchestration, "rules: [{action: 'log(1)'}]\n"),
    (.orchestration, "rules: [{on: 'a:b', every: 1s, action: 'log(1)'}]\n"),
    (.orchestration, "rules: [{on: 'a b', action: 'log(1)'}]\n"),
    (.orchestration, "rules: [{on: 'a:b', action: 'wakee(x)'}]\n"),
    (.orchestration, "rules: [{on: 'a:b', action: 'log(1)', cooldwn: 1m}]\n"),
    (.orchestration, "rules: [{on: 'a:b', action: 'log(1)', linger: 1m}]\n"),
    (.orchestration, "rules: [{on: 'a:b', action: 'log(1)', mode: twice}]\n"),
    (.orchestration, "rules: [{cron: '* * *', action: 'log(1)'}]\n"),
    (.orchestration, "rules: [{while: 'true', keep: {a: on}}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true'}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', keep: {a: 7}}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', keep: {a: on}, cooldown: 1m}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', on: 'a:b', keep: {a: on}}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', until: 'true', keep: {a: on}}]\n"),
    (.orchestration, "rules: [{id: a, when: 'true', keep: {a: on}}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', action: 'log(1)', at_most: 1m}]\n"),
    (.orchestration, "rules: [{id: a, while: 'true', keep: {a: on}, at_most: 1m/w}]\n"),
    (.settings, "agents: []\n"),
    (.settings, "board: a\nagent: b\n"),
    (.settings, "board: a\nlimits: {depth: 0}\n"),
    (.settings, "board: a\nlimits: {deep: 1}\n"),
    (.settings, "board: a\nsocket_mode: 0660\n"),
    (.settings, "board: a\ngroups: {root: b}\n"),
    (.settings, "board: a\nbudget: {disk: 1MB}\n"),
    (.settings, "board: a\nunsigned_plugins: perhaps\n"),
  ]

  @Test(arguments: wrong)
  func whatIsWrongIsWrongForBoth(_ kind: ConfigKind, _ text: String) throws {
    #expect(!errors(kind, Array(text.utf8)).isEmpty)
    #expect(try !complaints(kind, Array(text.utf8)).isEmpty)
  }

  static let right: [(ConfigKind, String)] = [
    (
      .board,
      "name: a\nbackend: simulated\ndevices: {t: {kind: sensor, every: }, u: {kind: input, driver: simulated}}\n"
    ),
    (
      .board,
      "name: a\nbackend: simulated\ndevices: {f: {kind: actuator, safe: 40%, max: 0.5, min_off: 1m30s, max_on: 1.5h}}\n"
    ),
    (.board, "name: a\nbackend: simulated\ndevices: {c: {kind: camera, format: MJPG, motion: true}}\n"),
    (.board, "name: a\nbuses: {i2c: {adapter: x}}\nchips: {h: label}\ndevices:\n"),
    (.agent, "$schema: x\nidentity: {id: a}\nruntime: {driver: process, entry: a, args: ['']}\nmore: {}\n"),
    (.agent, "identity: {id: a}\nruntime: {driver: process, entry: a}\nbudget: {memory: 4096, tokens: 100/10s}\n"),
    (.agent, "identity: {id: '${TOKEN}'}\nruntime: {driver: process, entry: a}\nparent: b\n"),
    (.agent, "identity: {id: a}\nplugins: [{name: tables, path: x}, '@a/b@^1']\nmaxTokenBudget: 7\n"),
    (.orchestration, "rules:\n"),
    (
      .orchestration,
      "vars: {armed: false}\nrules: [{id: a, at: 'sunset - 30m', weekdays: mon-fri, action: ['log(1)']}]\n"
    ),
    (
      .orchestration,
      "rules: [{on: ['sensor:*', '*'], if: true, action: ' wake(a) ', else: 'log(1)', max_per_hour: 2}]\n"
    ),
    (
      .orchestration,
      "rules: [{id: a, when: 'x', until: 'y', keep: {a: 40%, b: 0.5, c: 'vars.x'}, between: ['06:00', '08:00'], at_most: 20m/d}]\n"
    ),
    (.settings, "board: a\nagents: b\nrules:\nsocket_mode: '0660'\nbudget: {memory: 64MiB, cpu: 150%, log: 1MiB/m}\n"),
  ]

  @Test(arguments: right)
  func whatIsRightIsRightForBoth(_ kind: ConfigKind, _ text: String) throws {
    #expect(errors(kind, Array(text.utf8)) == [])
    #expect(try complaints(kind, Array(text.utf8)) == [])
  }

  @Test func patternsAndParsersAgree() throws {
    func check(_ pattern: String, _ right: [String], _ wrong: [String], _ parses: (String) -> Bool) throws {
      let regex = try Regex("^(?:\(pattern))$")
      for text in right { #expect(try regex.firstMatch(in: text) != nil && parses(text), "\(text)") }
      for text in wrong { #expect(try regex.firstMatch(in: text) == nil && !parses(text), "\(text)") }
    }
    try check(
      Schema.duration, ["10s", "1m30s", "1.5h", "250us", "250µs", "0s", "1d"], ["", "10", "s", "1 s", "-1s", "1w"]
    ) {
      Quantity.duration($0) != nil
    }
    try check(Schema.bytes, ["4MiB", "512KiB", "100", "1.5GB", "7B"], ["", "MiB", "4 MiB", "-1", "4TiB"]) {
      Quantity.bytes($0) != nil
    }
    try check(Schema.percent, ["10%", "0.5%", "150%"], ["10", "%", "10 %"]) { Quantity.percent($0) != nil }
    try check(Schema.rate, ["20/s", "10k/h", "100/10s", "2M/d"], ["20", "/s", "20/", "20 / s", "20/w", "x/s"]) {
      Quantity.rate($0) != nil
    }
    try check(Schema.byteRate, ["64KiB/m", "100MB/d", "4096/10s"], ["64KiB", "/m", "64KiB/", "64Kib/m"]) {
      Quantity.byteRate($0) != nil
    }
    try check(Schema.id, ["a", "9.lives", "door-counter"], ["", "-a", "a b", "é"]) { DeviceID($0).isWellFormed }
    try check(Schema.event, ["a:b", "sensor:*", "*", "*:door", "git:commit_*"], ["", "a", "a:b:c", "a b", ":b"]) {
      EventPattern($0).isWellFormed
    }
    try check(Schema.variable, ["a", "armed_1"], ["", "1a", "_a", "a-b"]) { RuleVariable.isName($0) }
    try check(Schema.plugin, ["tables", "tables@1", "@a/tables@^1.2"], ["", "@a", "a b"]) { PluginReference($0) != nil }
  }
}
