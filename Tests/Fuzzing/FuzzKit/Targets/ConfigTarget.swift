import Config
import Document
import HAL
import Isolations
import Linux
import Model
import Rules
import TestKit

/// Configuration files: every rejection has valid messages with locations, and a daemon runs for one simulated minute
/// with every accepted file.
package final class ConfigTarget: FuzzTarget {
  package let name: String
  package let words: [String]
  package let longest = 6000
  private let stem: String
  private let examples: [String]
  private let accept: ([UInt8], String) throws -> [Diagnostic]
  private let mutator: ValueMutator

  /// - Parameters:
  ///   - stem: the file's name without its extension.
  ///   - accept: reads and uses a file; returns the warnings.
  private init(
    _ name: String, stem: String, words: [String], examples: [String] = [],
    accept: @escaping ([UInt8], String) throws -> [Diagnostic]
  ) {
    self.name = name
    self.stem = stem
    self.words = words + Self.quantities
    self.examples = examples
    self.accept = accept
    mutator = ValueMutator(words: self.words)
  }

  private static let quantities = [
    "500ms", "1m30s", "36500d", "9223372036854775807ms", "40%", "20/s", "10k/h", "4MiB", "0s",
  ]

  package func seeds() throws -> [[UInt8]] {
    examples.compactMap { try? Files.read(Repository.path($0)) }
  }

  /// Half of the inputs are mutated trees, written as JSON, which is also YAML.
  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard Bool.random(using: &random), let value = tree(pool.any(&random)) else { return nil }
    return JSON.encode(
      mutator.mutate(value, tree(pool.any(&random)) ?? .null, &random), pretty: Bool.random(using: &random))
  }

  private func tree(_ input: [UInt8]) -> Value? { try? YAML.parse(input, file: "").value }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    let isJSON = input.first == UInt8(ascii: "{")
    for file in ["\(stem).yaml"] + (isJSON ? ["\(stem).json"] : []) {
      var found: [Diagnostic]
      do {
        found = try accept(input, file)
        try require(found.allSatisfy { $0.severity == .warning }, "accepted despite errors: \(found)")
        seen.note("taken")
      } catch let error as Diagnostics {
        found = error.all
        try require(found.contains { $0.severity == .error }, "refused without an error")
      }
      try MessageRules.check(found, of: file, about: input)
      for diagnostic in found { seen.note(diagnostic.message) }
    }
  }

  // MARK: Files

  /// `board.yaml`. Simulated devices are used.
  package static func board() -> ConfigTarget {
    ConfigTarget(
      "board", stem: "board",
      words: [
        "name", "backend", "simulated", "linux", "clock", "trusted", "any", "chips", "buses", "devices", "world",
        "ambient",
        "label", "path", "adapter", "kind", "driver", "sensor", "input", "actuator", "camera", "gpio", "pwm", "procfs",
        "bme280", "bus", "quantity", "every", "deadband", "heartbeat", "unit", "scale", "offset", "edges", "both",
        "rising",
        "debounce", "emergency_stop", "safe", "on_exit", "hold", "keep-driving", "max_on", "min_off", "max_rate",
        "exclusive_with", "lease", "analogue", "latency", "size", "rate", "motion", "threshold", "cooldown", "format",
        "model", "thermal", "lag", "sine", "start", "base", "time_constant", "influences", "heaters", "ventilation",
        "noise", "min", "max", "mean", "amplitude", "period", "script", "after", "press", "repeat", "scene", "objects",
        "row", "brightness", "for", "fan", "temperature", "door", "cam0", "address", "channel", "line", "power_on",
        "stale", "stuck", "filter", "spike", "median", "points", "convert", "°F", "gestures", "long", "double", "count",
        "per_pulse", "window",
      ],
      examples: ["Board/greenhouse-sim/board.yaml", "Board/raspberrypi4/board.yaml", "Tests/Testbed/board.yaml"]
    ) { input, file in
      let (board, warnings) = try ConfigText.board(input, file: file)
      if board.backend == .simulated {
        try use { home in
          var board = board
          // Drivers of real devices are not part of this target.
          board.devices = board.devices.filter { ["simulated", Device.countDriver].contains($0.driver) }
          return try TestDaemon(board: board, home: home)
        }
      }
      return warnings
    }
  }

  /// `agent.json`. In-process agents are started.
  package static func agent() -> ConfigTarget {
    ConfigTarget(
      "agent", stem: "agent",
      words: [
        "identity", "id", "name", "version", "description", "runtime", "driver", "in-process", "process", "wasm",
        "docker",
        "entry", "probe", "lifecycle", "on-demand", "always", "one-shot", "instance", "fresh", "capabilities",
        "plugins",
        "permissions", "sensors", "actuators", "cameras", "emit", "model", "fs_allow_paths", "network_allow_hosts",
        "budget", "memory", "cpu", "activation", "tokens", "events", "hardware", "log", "storage", "policy", "restart",
        "never", "on-failure", "max_restarts", "window", "backoff", "max_backoff", "grace", "priority", "emergency",
        "background", "subscribe", "parent", "sensor:temperature", "probe:*", "cognition", "guide", "${HOME}",
        "${NONE}",
      ],
      examples: ["Examples/greenhouse/agents/climate/agent.json", "Examples/wasm/thermostat/agent.json"]
    ) { input, file in
      let (manifest, warnings) = try ConfigText.manifest(
        input, file: file, environment: ["HOME": "/root"], isolations: Isolations.known, board: FuzzBoard.board)
      if manifest.runtime.driver == .inProcess {
        try use { home in
          var manifest = manifest
          manifest.runtime.entry = "probe"
          return try TestDaemon(board: FuzzBoard.board, manifests: [manifest], home: home)
        }
      }
      return warnings
    }
  }

  /// `orchestration.yaml`. Valid rules are put into force.
  package static func rules() -> ConfigTarget {
    ConfigTarget(
      "rules", stem: "orchestration",
      words: [
        "rules", "id", "on", "every", "cron", "if", "action", "else", "for", "cooldown", "debounce", "throttle", "mode",
        "single", "restart", "queued", "parallel", "max_per_hour", "enabled", "spawn(probe)", "wake(probe)",
        "kill(probe)",
        "actuate(fan, on)", "actuate(fan, 40%, lease: 10s)", "actuate(lamp, pulse 500ms)", "emit(a:b, x: value + 1)",
        "while", "when", "until", "linger", "keep", "end", "at_most", "repeat", "between", "weekdays", "at", "vars",
        "20m/d", "sunset - 30m", "06:00", "mon-fri", "fan", "40%", "input('door')", "reading('temperature').age",
        "duration('1m')", "vars.x", "set(x, vars.x + 1)", "wait(1s)", "wait_for(input('door'), within: 5s)",
        "notify('dry')", "log('x')", "release(fan)",
        "sensor:temperature", "input:door", "probe:*", "timer:x", "*", "0 3 * * *", "*/5 1-4,7 29 2 1", "@daily",
        "value > 30.0", "sensor('temperature')", "state('probe').count", "now.getHours()", "event.type", "10ms",
      ],
      examples: ["Examples/greenhouse/orchestration.yaml", "Examples/git-review/orchestration.yaml"]
    ) { input, file in
      let known = KnownNames(board: FuzzBoard.board, agents: ["probe"])
      let (declarations, warnings) = try ConfigText.rules(input, file: file, known: known)
      let rules = try RuleSet(compiling: declarations.rules, variables: declarations.firstValues) {
        known.complaint(function: $0, about: $1)
      }
      try use { try TestDaemon(board: FuzzBoard.board, rules: rules, manifests: [FuzzBoard.probe], home: $0) }
      // What `check` and `rules lint` say beyond errors.
      return warnings + rules.payloadWarnings + rules.feedbackWarnings + rules.unitWarnings(known.unit)
        + rules.advice(about: declarations.variables)
    }
  }

  /// `openstarry.yaml`. A daemon runs with its limits and budgets.
  package static func settings() -> ConfigTarget {
    ConfigTarget(
      "settings", stem: "openstarry",
      words: [
        "board", "agents", "rules", "home", "socket", "socket_mode", "0666", "watchdog", "guardian", "groups", "view",
        "operate", "admin", "limits", "depth", "event_ring", "log_lines", "activation", "budget", "memory", "cpu",
        "events", "hardware", "log", "storage", "tokens", "disk", "~", "~/x", "${HOME}", "${NONE:-x}", "$$", "100MB/d",
      ],
      examples: ["Examples/greenhouse/openstarry.yaml", "systemd/openstarry.yaml"]
    ) { input, file in
      var (settings, warnings) = try ConfigText.settings(input, file: file, environment: ["HOME": "/root"])
      // Valid files may ask for a large ring; bound it, because many inputs do.
      settings.eventRing = min(settings.eventRing, 4096)
      let chosen = settings
      try use {
        try TestDaemon(board: FuzzBoard.board, settings: chosen, manifests: [FuzzBoard.probe], home: $0)
      }
      return warnings
    }
  }

  /// Runs a daemon for one simulated minute.
  private static func use(_ make: (_ home: String) throws -> TestDaemon) throws {
    let home = try TemporaryFolder(in: "/dev/shm")
    let daemon = try make(home.path)
    daemon.start()
    daemon.exercise()
    try daemon.end()
    for problem in daemon.problems {
      try require(
        problem.split(separator: "\n").allSatisfy { String($0).printable == $0 }, "\(problem.debugDescription)")
    }
  }
}
