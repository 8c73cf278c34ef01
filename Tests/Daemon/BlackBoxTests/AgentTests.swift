import Document
import Glibc
import Linux
import Model
import Testing

/// Agents from an empty folder to a run, with the built command and the SDK of this repository.
struct AgentTests {
  /// Why agents cannot be built and run here, printed once; nil when they can.
  private static let missing: String? = {
    let environment = Environment.current()
    let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { "\($0)/.cache" } ?? ""
    let engines =
      environment["OPENSTARRY_WASMTIME"].map { [$0] }
      ?? ["/usr/lib/openstarry/libwasmtime.so", "\(cache)/openstarry/wasmtime/50.0.1/libwasmtime.so"]
    func isOnPath(_ name: String) -> Bool {
      (environment["PATH"] ?? "").split(separator: ":").contains { Files.isFile("\($0)/\(name)") }
    }
    let why: String? =
      !Files.isFile("\(sdk)/build")
      ? "there is no SDK in \(sdk)"
      : !engines.contains(where: Files.isFile)
        ? "no WASM engine in \(engines.joined(separator: ", ")): run .ci/wasmtime"
        : !["swiftc", "clang", "wasm-ld"].allSatisfy(isOnPath) ? "no swiftc, clang and wasm-ld on PATH" : nil
    if let why { print("skipped: \(why)") }
    return why
  }()

  private static let isReady = missing == nil

  /// The repository's SDK, unless another one is to be tested.
  private static let sdk = Environment.current()["OPENSTARRY_SDK"] ?? "\(Station.repository)/SDK"

  /// The environment of the tools. Compiled modules stay beside the programs, so that they are compiled once.
  private static func environment() throws -> [String: String] {
    let own = Environment.current()
    let cache = own["XDG_CACHE_HOME"] ?? own["HOME"].map { "\($0)/.cache" } ?? ""
    let engines = [
      own["OPENSTARRY_WASMTIME"] ?? "", "/usr/lib/openstarry/libwasmtime.so",
      "\(cache)/openstarry/wasmtime/50.0.1/libwasmtime.so",
    ]
    return [
      "PATH": own["PATH"] ?? "/usr/bin:/bin", "OPENSTARRY_SDK": sdk,
      "OPENSTARRY_WASMTIME": engines.first(where: Files.isFile) ?? "",
      "XDG_CACHE_HOME": "\(Files.folder(of: try Station.executable("openstarry")))/agent-cache",
    ]
  }

  private func run(_ station: Station, _ words: String...) throws -> Station.Outcome {
    let command = try station.start("openstarry", ["agent"] + words, Self.environment())
    let code = command.wait(within: .seconds(180))
    return Station.Outcome(code: code, output: command.output, errors: command.errors)
  }

  @Test(.enabled(if: AgentTests.isReady), arguments: ["swift", "c"])
  func fromNothingToARun(_ language: String) throws {
    let station = try Station()
    let made = try run(station, "new", "door-fan", "--lang", language)
    #expect(made.code == 0, "\(made.errors)")
    let built = try run(station, "build", "door-fan")
    #expect(built.code == 0 && built.output.contains("door-fan.wasm"), "\(built.errors)")

    let warm = try run(station, "run", "door-fan", "--event", "sensor:temperature", "--with", "value=31")
    #expect(warm.code == 0 && warm.errors.isEmpty, "\(warm.errors)")
    for part in [
      "sensor:temperature  temperature 31", "control fan on for 1m: fan on (held by agent/door-fan, lease 1m)",
      "log info: too warm: fan on", "ok: fuel ", "fan off (holder ended)", "1 activation(s), all succeeded",
    ] {
      #expect(warm.output.contains(part), "\(part) is not in\n\(warm.output)")
    }

    let both = try run(
      station, "run", "door-fan", "--event", "sensor:temperature", "--with", "value=31", "--event",
      "sensor:temperature", "--with", "value=20", "--repeat", "20", "--json")
    #expect(both.code == 0)
    let lines = try both.lines.map { try JSON.parse(Array($0.utf8), file: "<line>").value }
    #expect(lines.filter { $0["kind"]?.string == "done" }.allSatisfy { ($0["fuel"]?.int ?? 0) > 0 })
    let sum = try #require(lines.last)
    #expect(sum["activations"]?.int == 40 && sum["failures"]?.int == 0)
    #expect(sum["costs"]?["fuel"]?["p50"]?.int ?? 0 > 0)
    #expect(sum["costs"]?["memory_kib"]?["max"]?.int ?? 0 >= 64)
  }

  /// The daemon has copied everything: it does not need the folder any more.
  @Test(.enabled(if: AgentTests.isReady))
  func deployingHandsTheModuleOver() throws {
    let station = try Station(board: "greenhouse-sim")
    let daemon = try station.daemon(environment: try Self.environment())
    #expect(try run(station, "new", "door-fan", "--lang", "c").code == 0)
    func deploy(_ words: String...) throws -> Station.Outcome {
      let command = try station.start(
        "openstarry", ["deploy", "door-fan", "--trial", "200ms"] + words, Self.environment())
      let code = command.wait(within: .seconds(180))
      return Station.Outcome(code: code, output: command.output, errors: command.errors)
    }
    let first = try deploy()
    #expect(first.code == 0 && first.output.hasSuffix("door-fan is ready, version 0.1.0 deployed\n"), "\(first)")
    func modules() -> [String] { (try? Files.names(in: "\(station.folder)/home/registered/door-fan")) ?? [] }
    #expect(modules().count == 1)
    // It is replaced while it runs.
    #expect(try deploy("--no-build").code == 0)
    let inUse = modules()
    #expect(inUse.count == 1)
    // A file that is no module never replaces it.
    try station.write("door-fan/door-fan.wasm", "no module")
    let wrong = try deploy("--no-build")
    #expect(wrong.code == 1 && wrong.errors.contains("door-fan"), "\(wrong)")
    #expect(modules() == inUse)
    #expect(try station.run("ps", "--json").json?["agents"]?.list?.first?["state"] == "ready")
    for name in try Files.names(in: "\(station.folder)/door-fan") { Files.remove("\(station.folder)/door-fan/\(name)") }
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    let again = try station.daemon(environment: try Self.environment())
    // Its sensor may have woken it by now.
    let woken = try station.run("wake", "door-fan")
    #expect(woken.code == 0, "\(woken)")
    // Unregistering removes all of it. Its sensor may wake it again before.
    var isRemoved = false
    for _ in 0..<20 where !isRemoved {
      _ = try station.run("kill", "door-fan", "--wait")
      isRemoved = try station.run("unregister", "door-fan").code == 0
    }
    #expect(isRemoved)
    #expect(!Files.exists("\(station.folder)/home/registered/door-fan"))
    #expect(again.exitCode == nil)
  }

  @Test(.enabled(if: AgentTests.isReady))
  func whatEndsAnActivationIsNamed() throws {
    let station = try Station()
    _ = try run(station, "new", "bad", "--lang", "c")
    try station.write("bad/bad.c", Self.bad)
    for (event, reason) in [
      ("a:spin", "budget.activation"), ("a:trap", "crash.signal"), ("a:grow", "budget.memory"), ("a:fail", "error"),
    ] {
      let outcome = try run(station, "run", "bad", "--event", event)
      #expect(outcome.code == 1, "\(event): \(outcome.output)")
      #expect(outcome.output.contains("failed, \(reason): "), "\(event): \(outcome.output)")
      #expect(outcome.errors.contains("1 of 1 activation(s) did not succeed"))
    }
    // A refusal is an answer: an agent that passes it on ends its activation, and the instance takes the next event.
    let refused = try run(station, "run", "bad", "--event", "a:pass", "--event", "a:pass", "--event", "a:count")
    #expect(refused.code == 1)
    #expect(refused.output.contains("refused: denied: agent 'bad' may not emit 'not:mine'"), "\(refused.output)")
    #expect(refused.output.contains("log info: instance goes on"), "\(refused.output)")
    #expect(refused.errors.contains("2 of 3 activation(s) did not succeed, the first ended with refused: "))
    let denied = try run(station, "run", "bad", "--event", "a:reach")
    #expect(denied.code == 0)
    #expect(denied.output.contains("emit not:mine: denied: "))
    #expect(denied.errors.contains("the made-up board has what the manifest names: 'pump' is not in its permissions"))
  }

  @Test(.enabled(if: AgentTests.isReady))
  func durableStateIsKeptInAFile() throws {
    let station = try Station()
    _ = try run(station, "new", "bad", "--lang", "c")
    try station.write("bad/bad.c", Self.bad)
    for _ in 0..<2 {
      let outcome = try run(station, "run", "bad", "--event", "a:keep", "--state", "state.json")
      #expect(outcome.code == 0 && outcome.output.contains("durable state: {n: [1, 2]}"), "\(outcome.errors)")
    }
    let bytes = try Files.read("\(station.folder)/state.json")
    #expect(String(decoding: bytes, as: UTF8.self) == "{\"n\":[1,2]}\n")
  }

  @Test(.enabled(if: AgentTests.isReady))
  func theCompilerSpeaksOnce() throws {
    let station = try Station()
    for (language, file) in [("swift", "oops/Oops.swift"), ("c", "oops-c/oops-c.c")] {
      let name = String(file.prefix { $0 != "/" })
      _ = try run(station, "new", name, "--lang", language)
      try station.write(file, "this is no program\n")
      let build = try run(station, "build", name)
      #expect(build.code == 1 && build.output.isEmpty)
      #expect(build.errors.contains("error:"))
      let messages = build.errors.split(separator: "\n").filter {
        $0.hasPrefix("\(file.drop { $0 != "/" }.dropFirst())")
      }
      #expect(Set(messages).count == messages.count && !messages.isEmpty)
      let run = try run(station, "run", name, "--event", "a:b")
      #expect(run.code == 1 && run.output.isEmpty)
      #expect(run.errors == build.errors)
      #expect(!Files.exists("\(station.folder)/\(name)/\(name).wasm"))
    }
  }

  @Test func badInputIsExplained() throws {
    let station = try Station()
    #expect(try run(station, "new", "heater", "--lang", "c").code == 0)
    let cases: [([String], Int32, String)] = [
      (["new", "heater"], 1, "already exists"),
      (["new", "a b"], 2, "not an agent id"),
      (["new", "x", "--lang", "cobol"], 2, "not swift, c, python or sh"),
      (["run", "heater"], 2, "try --event sensor:temperature --with value=31"),
      (["run", "heater", "--event", "warm"], 2, "neither an event"),
      (["run", "heater", "--with", "value=1"], 2, "belongs to no event"),
      (["run", "heater", "--no-build", "--event", "a:b"], 5, "'openstarry agent build' makes it"),
      (["run", "nowhere", "--event", "a:b"], 5, "no such file or folder"),
      (["run", ".", "--event", "a:b"], 5, "has no agent.json"),
      (["run", "heater", "--event", "a:b", "--board", "nowhere.yaml"], 5, "nowhere.yaml: no such file"),
      (["run", "heater", "--event", "a:b", "--repeat", "0"], 2, "--repeat is 0"),
    ]
    for (words, code, part) in cases {
      let command = try station.start("openstarry", ["agent"] + words, Self.environment())
      #expect(command.wait() == code, "\(words): \(command.errors)")
      #expect(command.errors.contains(part), "\(words): \(command.errors)")
    }
    try station.write("heater/heater.wasm", "no module")
    let broken = try run(station, "run", "heater", "--no-build", "--event", "a:b")
    #expect(broken.code == 1 && broken.errors.contains("heater.wasm"), "\(broken.errors)")
    for setting in ["temprature=3", "fan=1"] {
      let outcome = try run(station, "run", "heater", "--no-build", "--event", "a:b", "--set", setting)
      #expect(outcome.code == 1 || outcome.code == 2)
    }
    try station.write(
      "heater/agent.json", "{\"identity\": {\"id\": \"heater\"},\n \"runtime\": {\"driver\": \"wasm\"}}")
    let manifest = try run(station, "run", "heater", "--event", "a:b")
    #expect(manifest.code == 1 && manifest.errors.contains("heater/agent.json:2:"), "\(manifest.errors)")
  }

  private static let bad = #"""
    #include "openstarry.h"
    static volatile int x, passed;
    const openstarry_result *openstarry_handle(char *text, size_t length) {
      openstarry_bytes event = {text, length};
      openstarry_bytes type = openstarry_json_get(event, "type");
      openstarry_area answer = {0};
      if (openstarry_is(type, "\"a:spin\"")) for (;;) x++;
      if (openstarry_is(type, "\"a:trap\"")) __builtin_trap();
      if (openstarry_is(type, "\"a:grow\"")) for (;;) x += malloc(65536) != 0;
      if (openstarry_is(type, "\"a:fail\"")) return openstarry_fail(OPENSTARRY_TEXT("gave up"));
      if (openstarry_is(type, "\"a:keep\"")) openstarry_state_set(OPENSTARRY_TEXT("n"), OPENSTARRY_TEXT("[1,2]"), &answer);
      if (openstarry_is(type, "\"a:pass\"")) {
        passed++;
        openstarry_emit(OPENSTARRY_TEXT("not:mine"), OPENSTARRY_TEXT(""), &answer);
        return openstarry_fail(answer.of.error.message, answer.of.error.length);
      }
      if (openstarry_is(type, "\"a:count\"") && passed == 2)
        openstarry_log(OPENSTARRY_INFO, OPENSTARRY_TEXT("instance goes on"));
      if (openstarry_is(type, "\"a:reach\"")) {
        openstarry_control(OPENSTARRY_TEXT("pump"), OPENSTARRY_TEXT("\"on\""), 0, &answer);
        openstarry_emit(OPENSTARRY_TEXT("not:mine"), OPENSTARRY_TEXT(""), &answer);
      }
      return openstarry_ok();
    }

    """#
}
