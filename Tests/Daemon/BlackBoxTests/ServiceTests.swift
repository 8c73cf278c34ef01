import Glibc
import Linux
import Model
import Testing

/// The daemon's messages to the service manager (sd_notify(3)), and the commands of a person.
@Suite struct ServiceTests {
  @Test func theServiceManagerHearsEverything() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try station.daemon(
      environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
    #expect(manager.hears("READY=1\nSTATUS=quiet (simulated), 5 devices, 0 agents, 0 rules"), "\(manager.heard)")
    #expect(eventually { manager.count("WATCHDOG=1") >= 5 }, "\(manager.heard)")

    try station.write("orchestration.yaml", "rules: [{on: 1}]\n")
    daemon.send(SIGHUP)
    #expect(manager.hears { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }, "\(manager.heard)")
    // Also after a failed reload, because the old rules stay in force.
    #expect(eventually { manager.count("READY=1") == 2 }, "\(manager.heard)")

    daemon.send(SIGTERM)
    #expect(manager.hears { $0.hasPrefix("STOPPING=1\n") }, "\(manager.heard)")
    #expect(daemon.wait() == 0)
  }

  @Test(arguments: [[:], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"]])
  func aWatchdogThatIsNotForItIsNotFed(_ environment: [String: String]) throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try station.daemon(
      ["--for", "500ms"], environment: environment.merging(["NOTIFY_SOCKET": manager.path]) { $1 })
    #expect(daemon.wait() == 0)
    #expect(manager.hears { $0.hasPrefix("STOPPING=1\n") })
    #expect(manager.count("WATCHDOG=1") == 0, "\(manager.heard)")
  }

  @Test(arguments: ["\\n", "\\r", "\\r\\n"]) func theConsoleWorksOverAnyLine(_ lineEnd: String) throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon()
    let typed = ["read temperature", "openstarry set fan on", "why fan", "redd x", "set 'fan", "", "exit", "status"]
      .joined(separator: lineEnd)
    let console = try station.start(
      "sh", ["-c", "printf \"$1\" | \"$2\" console", "sh", typed, try Station.executable("openstarry")])
    #expect(console.wait() == 0)
    let lines = console.output
    #expect(lines.hasPrefix("openstarry console: quiet\n5 devices, 0 of 0 agents running, 0 rules\n"), "\(lines)")
    #expect(lines.contains("quiet> temperature 21"), "\(lines)")
    #expect(lines.contains("quiet> fan on (was off)"), "\(lines)")
    #expect(lines.contains("a quote is not closed; nothing was done"), "\(lines)")
    #expect(console.errors.contains("redd"), "\(console.errors)")
    #expect(lines.hasSuffix("bye\n"), "what follows 'exit' is not carried out: \(lines)")
    #expect(!lines.contains("\u{1B}"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func theConsoleOpensWithoutADaemon() throws {
    let station = try Station()
    let console = try station.run("console")
    #expect(console.code == 0)
    #expect(console.output.contains("no daemon"), "\(console.output)")
    #expect(console.output.hasSuffix("openstarry> \n"), "\(console.output)")
  }
}
