import Glibc
import Model
import Testing

/// Rules that trigger themselves, and rules that fail, against the built daemon: their cost, and the log.
@Suite struct HostileRuleTests {
  private func station(_ rules: String) throws -> Station {
    try Station(files: ["board.yaml": quietBoard, "orchestration.yaml": "rules:\n\(rules)\n"])
  }

  @Test func aRuleOnEverythingThatEmitsIsBoundedAndNamed() throws {
    let station = try station(
      """
        - {on: "*", action: ["emit(x:one)", "emit(x:two)"]}
        - {id: good, on: "good:one", action: "actuate(lamp, on, lease: 60s)"}
      """)
    let daemon = try station.daemon()
    for _ in 0..<5 { #expect(try station.run("emit", "a:b").code == 0) }
    // Nothing else is affected.
    #expect(try station.run("emit", "good:one").code == 0)
    #expect(try eventually { try station.run("why", "lamp").output.contains("lamp on") })
    let total = try #require(try station.run("status", "--json").json?["events"]?["total"]?.int)
    #expect((256..<40_000).contains(total), "\(total) events")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    let said = daemon.errors.split(separator: "\n").filter { $0.contains("chain cut") }
    #expect(said.contains { $0.contains("more than 256 events in 1s") })
    #expect(said.contains { $0.contains(" more in ") })
    #expect(daemon.errors.utf8.count < 20_000, "\(daemon.errors.utf8.count) bytes of log")
  }

  /// A thousand rules that fail on one event.
  @Test func whatOneEventLogsIsBounded() throws {
    let rules = (0..<1000).map { "  - {id: r\($0), on: \"a:b\", if: \"missing > \($0)\", action: \"emit(x:y)\"}" }
    let station = try station(rules.joined(separator: "\n"))
    let daemon = try station.daemon()
    #expect(try station.run("emit", "a:b").code == 0)
    #expect(try station.waitFor("rule:error") { $0["source"] == "rule/r999" })
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    let lines = daemon.errors.split(separator: "\n")
    #expect(lines.count < 200 && lines.contains { $0.contains("more lines were left out") }, "\(lines.count) lines")
  }

  @Test func aNameThatAConditionGetsWrongIsFoundAtLoad() throws {
    let station = try station("  - {on: \"a:b\", if: \"1 > 0 && sensor('lmap') > 1\", action: \"emit(x:y)\"}")
    let check = try station.run("check", ".")
    #expect(check.code == 1)
    #expect(check.output.contains("orchestration.yaml:2:"), "\(check.output)")
    #expect(check.output.contains("has no sensor or input 'lmap'"))
  }
}
