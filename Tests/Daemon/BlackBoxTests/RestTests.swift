import Glibc
import Linux
import Model
import Testing

/// The cost of a daemon at rest.
@Suite(.serialized) struct RestTests {
  @Test func atRestItIsOneThreadThatSleepsAndWritesNothing() throws {
    var files = ["board.yaml": quietBoard]
    for number in 0..<10 {
      files["agents/a\(number)/agent.json"] = manifest(
        "a\(number)", entry: "climate", permissions: #"{"sensors": ["temperature"], "actuators": ["fan"]}"#)
    }
    files["orchestration.yaml"] = """
      rules:
        - {id: push, on: "git:commit_pushed", action: "wake(a1)"}

      """
    let station = try Station(files: files)
    let daemon = try station.daemon()
    let agents = try station.run("ps", "--json").json?["agents"]?.list
    #expect(agents?.count == 10)
    // The registry's thread ends some time after it has read the registry.
    #expect(eventually { daemon.figure("status", "Threads") == 1 })
    // Of these, three watch the clock and the time zone, or are in reserve for an emergency stop.
    #expect(eventually { (daemon.descriptors ?? 99) <= 18 }, "\(daemon.descriptors ?? -1) descriptors")
    func figures() -> [Int?] {
      [daemon.figure("io", "write_bytes"), daemon.figure("io", "syscw")]
    }
    // On a busy machine the first period may include the end of the start.
    let rests = try (1...3).contains { _ in
      let written = figures()
      let switches = try #require(daemon.figure("status", "voluntary_ctxt_switches"))
      // Not a wait: this is the measured period.
      Pause.wait(nanoseconds: 3_000_000_000)
      return try !written.contains(nil) && figures() == written
        && #require(daemon.figure("status", "voluntary_ctxt_switches")) - switches <= 3
    }
    #expect(rests)
    #expect(daemon.figure("status", "Threads") == 1)
    // It still answers.
    #expect(try station.run("status").code == 0)
  }

  @Test func whatIsWrittenIsWrittenTogetherAndRestComesBack() throws {
    let station = try Station(
      files: [
        "board.yaml": quietBoard,
        "agents/d/agent.json": manifest("d", entry: "doorkeeper", permissions: #"{"actuators": ["lamp"]}"#),
      ])
    let daemon = try station.daemon()
    for _ in 0..<5 { #expect(try station.run("wake", "d", "x:y", "active=true").code == 0) }
    #expect(try station.run("logs", "d").output.contains("visitor number 5"))
    #expect(eventually { daemon.figure("status", "Threads") == 1 })
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    let again = try station.daemon()
    #expect(try station.run("wake", "d", "x:y", "active=true").code == 0)
    #expect(try station.run("logs", "d").output.contains("visitor number 6"))
    #expect(again.exitCode == nil)
  }
}
