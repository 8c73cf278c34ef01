import Document
import Glibc
import Linux
import Model
import Testing

/// The usage of the whole daemon in the commands' output.
@Suite struct MeterTests {
  private func station(_ budget: String) throws -> Station {
    let station = try Station(
      files: [
        "board.yaml": quietBoard,
        "agents/low/agent.json": #"""
        {"identity": {"id": "low", "name": "low", "version": "1"},
         "runtime": {"driver": "in-process", "entry": "climate", "lifecycle": "always"}}
        """#,
      ])
    try station.write(
      "budget.yaml",
      "board: board.yaml\nagents: [agents]\nhome: home\nsocket: control.sock\nbudget: {\(budget)}\n")
    return station
  }

  private func row(_ station: Station, _ resource: String) throws -> Value? {
    try station.run("budget", "--json").json?["board"]?.list?.first { $0["budget"]?.string == resource }
  }

  @Test func theBoardsRowsAreMeasured() throws {
    let station = try station("memory: 64MiB, cpu: 90%")
    let daemon = try station.daemon(config: "budget.yaml")
    let memory = try #require(try row(station, "memory"))
    // The tests may run in a control group of their own.
    #expect(["PSS", "cgroup"].contains(memory["meter"]?.string), "\(memory)")
    #expect((1 << 20...64 << 20).contains(memory["used"]?.int ?? 0), "\(memory)")
    #expect(memory["limit"]?.int == 64 << 20 && memory["step"]?.string == "normal", "\(memory)")
    #expect(["afterwards", "enforced"].contains(memory["enforcement"]?.string), "\(memory)")
    let cpu = try #require(try row(station, "cpu"))
    #expect((1...10_000_000_000).contains(cpu["used"]?.int ?? 0) && cpu["window_ms"]?.int == 10_000, "\(cpu)")
    let status = try station.run("status", "--json").json
    #expect(status?["metered"]?["memory"]?.string?.contains(" of 64 MiB by ") == true, "\(String(describing: status))")
    #expect(status?["control_group"] != nil)
    #expect(daemon.exitCode == nil)
  }

  @Test func lessThanItNeedsStopsItsAgents() throws {
    let station = try station("memory: 1MiB")
    let daemon = try station.daemon(config: "budget.yaml")
    #expect(try row(station, "memory")?["step"]?.string == "exceeded")
    #expect(try station.waitFor("budget:exceeded") { $0["payload"]?["agent"] == nil })
    #expect(try station.waitFor("agent:stopped") { $0["payload"]?["reason"]?.string == "pressure.memory" })
    #expect(try station.run("status", "--json").json?["pressure"]?["over_budget"]?.list == ["memory"])
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func aKillForMemoryIsInTheHistory() throws {
    let station = try station("cpu: 90%")
    let environment = ["RUNTIME_DIRECTORY": station.folder]
    let killed = try station.daemon(environment: environment)
    killed.send(SIGKILL)
    _ = killed.wait()
    // What systemd runs after the kill, with its variables.
    let after = try station.start(
      "openstarryd", ["--config", "openstarry.yaml", "--make-safe"],
      environment.merging(["SERVICE_RESULT": "oom-kill", "EXIT_STATUS": "KILL"]) { $1 })
    #expect(after.wait() == 0)
    var daemon = try station.daemon(environment: environment)
    func messages() throws -> [String] {
      try station.run("history", "--json").json?["entries"]?.list?.compactMap { $0["message"]?.string } ?? []
    }
    #expect(try messages().contains { $0.hasPrefix("the kernel killed it, since its memory was used up") })
    daemon.send(SIGKILL)
    _ = daemon.wait()
    daemon = try station.daemon(environment: environment)
    #expect(try messages().filter { $0.hasPrefix("it was killed") }.count == 1, "the note is of one run alone")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
