import Glibc
import Linux
import Model
import ModuleKit
import Testing

/// A daemon that dies or hangs in the code of a WebAssembly agent. No module can cause that by itself, so a patched
/// engine does it, as a bug in the engine would.
@Suite struct GuestCrashTests {
  private static let engine: String? = {
    let own = Environment.current()
    let cache = own["XDG_CACHE_HOME"] ?? own["HOME"].map { "\($0)/.cache" } ?? ""
    return [
      own["OPENSTARRY_WASMTIME"] ?? "", "/usr/lib/openstarry/libwasmtime.so",
      "\(cache)/openstarry/wasmtime/50.0.1/libwasmtime.so",
    ].first(where: Files.isFile)
  }()

  /// Why this cannot be tested here, printed once; nil when it can.
  private static let missing: String? = {
    let path = (Environment.current()["PATH"] ?? "").split(separator: ":")
    let why: String? =
      engine == nil
      ? "no WASM engine: run .ci/wasmtime"
      : !path.contains { Files.isFile("\($0)/clang") } ? "no clang on PATH to build an engine with a fault" : nil
    if let why { print("skipped: \(why)") }
    return why
  }()
  private static let isReady = missing == nil

  /// The patched engine: when a guest runs, it does what the name of a file in the daemon's folder says.
  private static let fault = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <unistd.h>
    _Bool wasmtime_call_future_poll(void *future) {
      static _Bool (*poll)(void *);
      if (!poll) poll = (_Bool (*)(void *))dlsym(RTLD_NEXT, "wasmtime_call_future_poll");
      if (!access("abort", F_OK)) abort();
      while (!access("block", F_OK)) pause();
      return poll(future);
    }

    """

  /// A station with the agent `guest` and the patched engine.
  private func station() throws -> Station {
    let station = try Station(
      files: [
        "board.yaml": quietBoard, "fault.c": Self.fault,
        "agents/guest/agent.json": """
        {"identity": {"id": "guest", "name": "guest", "version": "1.0.0"},
         "runtime": {"driver": "wasm", "entry": "guest.wasm", "lifecycle": "on-demand"}}
        """,
        "agents/good/agent.json": manifest("good", entry: "lookout"),
      ])
    var builder = ModuleBuilder()
    builder.agent()
    try Files.replace("\(station.folder)/agents/guest/guest.wasm", with: builder.bytes)
    let engine = try #require(Self.engine)
    let clang = try station.start(
      "clang",
      [
        "-shared", "-fPIC", "-o", "engine.so", "fault.c", "-Wl,--no-as-needed", engine,
        "-Wl,-rpath,\(Files.folder(of: engine))",
      ], ["PATH": Environment.current()["PATH"] ?? ""])
    try #require(clang.wait() == 0, "\(clang.errors)")
    return station
  }

  private func start(_ station: Station, _ more: [String: String] = [:]) throws -> Program {
    for fault in ["abort", "block"] { Files.remove("\(station.folder)/\(fault)") }
    return try station.daemon(
      environment: ["OPENSTARRY_WASMTIME": "\(station.folder)/engine.so"].merging(more) { $1 })
  }

  /// Wakes the agent once without the fault and once with it.
  private func wake(_ station: Station, fault: String) throws -> Program {
    let well = try station.run("wake", "guest", "x:y")
    #expect(well.code == 0, "\(well)")
    #expect(try station.waitFor("agent:activated") { $0["payload"]?["agent"]?.string == "guest" })
    try station.write(fault, "")
    return try station.start("openstarry", ["wake", "guest", "x:z"])
  }

  @Test(.enabled(if: GuestCrashTests.isReady)) func threeCrashesInItsCodeQuarantineTheAgent() throws {
    let station = try station()
    for strike in 1...3 {
      let daemon = try start(station)
      if strike > 1 {
        let event = try #require(try station.events("system:unclean_start").last?["payload"])
        #expect(event["agent"]?.string == "guest" && event["ending"]?.string == "crash.signal", "\(event)")
        #expect(event["message"]?.string?.contains("agent guest handled x:z") == true, "\(event)")
        #expect(daemon.errors.contains("strike \(strike - 1) of 3"), "\(daemon.errors)")
      }
      let command = try wake(station, fault: "abort")
      #expect(daemon.wait() == 128 + SIGABRT, "\(daemon.errors)")
      _ = command.wait()
    }
    let daemon = try start(station)
    let agents = try #require(try station.run("ps", "--json").json?["agents"]?.list)
    let guest = try #require(agents.first { $0["agent"]?.string == "guest" })
    #expect(guest["state"]?.string == "quarantined" && guest["last_exit"]?.string == "crash.signal", "\(guest)")
    #expect(guest["last_error"]?.string?.contains("ended the daemon 3 times") == true, "\(guest)")
    let refused = try station.run("wake", "guest", "x:y")
    #expect(refused.code == 7 && refused.errors.contains("3 times within 10m"), "\(refused)")
    #expect(try station.run("wake", "good", "x:y").code == 0, "the others go on")
    #expect(daemon.exitCode == nil)
  }

  @Test(.enabled(if: GuestCrashTests.isReady)) func oneThatHangsInItsCodeIsNamed() throws {
    let station = try station()
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try start(station, ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
    #expect(eventually { manager.count("WATCHDOG=1") >= 3 }, "\(manager.heard)")
    let command = try wake(station, fault: "block")
    #expect(manager.falls(silentAfter: "WATCHDOG=1"), "\(manager.heard)")
    // As systemd does.
    daemon.send(SIGABRT)
    #expect(daemon.wait() == 128 + SIGABRT)
    _ = command.wait()
    let last = try start(station)
    let event = try #require(try station.events("system:unclean_start").last?["payload"])
    #expect(event["ending"]?.string == "stuck.blocked" && event["agent"]?.string == "guest", "\(event)")
    #expect(event["message"]?.string?.contains("while agent guest handled x:z") == true, "\(event)")
    #expect(try station.events("agent:struck").count == 1)
    #expect(last.exitCode == nil)
  }
}
