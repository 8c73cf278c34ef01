import Glibc
import Linux
import Model
import Testing

/// `openstarry doctor`, with and without a daemon.
@Suite struct DoctorTests {
  private func findings(_ outcome: Station.Outcome) -> [Value] { outcome.json?["findings"]?.list ?? [] }

  @Test func aRunningDaemonProvesEveryLimit() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let daemon = try station.daemon()
    let outcome = try station.run("doctor", "--json")
    let all = findings(outcome)
    let problems = all.filter { $0["level"] == "problem" }
    #expect(outcome.code == (problems.isEmpty ? 0 : 1))
    #expect(outcome.json?["problems"] == .int(Int64(problems.count)))
    #expect(all.contains { $0["text"]?.string?.hasSuffix("drives the board 'quiet'") == true }, "\(all)")
    let limits = all.filter { $0["area"] == "limits" }.compactMap { $0["text"]?.string }
    if let obstacle = all.first(where: { $0["text"]?.string?.hasPrefix("programs cannot start") == true }) {
      print("no limit was proved on this machine: \(obstacle["text"]?.string ?? "")")
    } else {
      for name in [
        "capabilities", "no new privileges", "seccomp", "devices", "network", "memory", "cpu", "processes",
        "descriptors",
        "file", "log", "time", "kill",
      ] {
        #expect(limits.contains { $0.hasPrefix("\(name): ") }, "\(name) of \(limits)")
      }
    }
    #expect(!all.contains { $0["area"] == "limits" && $0["level"] == "problem" }, "\(limits)")
    // Nothing was left, and the daemon goes on.
    #expect(try station.run("status").code == 0)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func aDaemonWithoutItsLauncherNamesIt() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    try station.copyDaemon(to: "openstarryd-alone")
    let daemon = try station.start(
      "\(station.folder)/openstarryd-alone", ["--config", "openstarry.yaml", "--for", "5m"])
    try #require(eventually { daemon.exitCode != nil || daemon.errors.contains("openstarryd: ready in ") })
    let isInstalled = ["/usr/libexec/openstarry", "/usr/lib/openstarry", "/usr/libexec"].contains {
      Files.isFile("\($0)/openstarry-launcher")
    }
    guard !isInstalled else { return print("an installed launcher is used: the daemon cannot be without one") }
    let outcome = try station.run("doctor")
    #expect(outcome.output.contains("programs cannot start in a sandbox: openstarry-launcher is not installed"))
    #expect(outcome.output.contains("no limit was proved: no sandbox can be made"), "\(outcome.output)")
  }

  @Test func anAgentThatCannotRunIsAProblem() throws {
    let box = manifest("box", entry: "localhost/box:1").replacing("in-process", with: "docker")
    let station = try Station(files: ["board.yaml": quietBoard, "agents/box/agent.json": box])
    // It lacks podman, or else its image.
    let daemon = try station.daemon(environment: ["OPENSTARRY_IMAGES": "\(station.folder)/no-images"])
    let outcome = try station.run("doctor", "--json")
    #expect(outcome.code == 1)
    let agents = findings(outcome).filter { $0["area"] == "agents" }
    #expect(agents.map { $0["level"] } == ["problem"], "\(agents)")
    #expect(agents.first?["text"]?.string?.hasPrefix("agent 'box' cannot run: ") == true, "\(agents)")
    #expect(agents.first?["remedy"]?.string?.contains("openstarry daemon reload") == true, "\(agents)")
    // It does not run, and so keeps nothing.
    let reload = try station.run("daemon", "reload").output
    #expect(reload.contains("\nbox cannot run with its manifest: ") && !reload.contains("keeps"), "\(reload)")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func aBundleIsNeverWrittenOverAFile() throws {
    let station = try Station(files: ["board.yaml": quietBoard, "board.tar": "mine"])
    let outcome = try station.run("doctor", "--bundle", "board.tar")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("board.tar cannot be written: File exists"), "\(outcome.errors)")
    #expect(outcome.output.hasPrefix("daemon\n  problem  no daemon answers\n"), "\(outcome.output)")
    #expect(try Files.read("\(station.folder)/board.tar") == Array("mine".utf8))
  }

  @Test func withoutADaemonItSaysHowToStartOne() throws {
    let station = try Station(files: ["board.yaml": quietBoard])
    let outcome = try station.run("doctor")
    #expect(outcome.code == 1)
    #expect(outcome.output.hasPrefix("daemon\n  problem  no daemon answers\n"), "\(outcome.output)")
    #expect(outcome.output.contains("start it with 'openstarryd' or 'systemctl start openstarryd'"))
    #expect(outcome.output.contains("no limit was proved: the daemon runs the probes"))
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
  }
}
