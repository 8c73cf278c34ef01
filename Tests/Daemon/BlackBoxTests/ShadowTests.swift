import Model
import Testing

/// An old and a new thermostat side by side.
struct ShadowTests {
  private static let rules = """
    rules:
      - id: cooling
        when: "sensor('temperature') > 30"
        until: "sensor('temperature') < 28"
        keep: { fan: on }
        at_most: 20m/d
      - id: cooling-next
        shadow: true
        when: "sensor('temperature') > 25"
        until: "sensor('temperature') < 24"
        keep: { fan: on }
        at_most: 20m/d
      - id: bell
        on: "input:door"
        if: "active"
        action: wake(doorkeeper-next)

    """

  private func station() throws -> Station {
    let next = manifest(
      "doorkeeper-next", entry: "doorkeeper",
      permissions: #"{"sensors": ["door"], "actuators": ["lamp"], "emit": ["*"]}"#, more: #", "shadow": true"#)
    return try Station(
      files: [
        "board.yaml": quietBoard, "orchestration.yaml": Self.rules,
        "agents/doorkeeper-next/agent.json": next,
      ])
  }

  @Test(.timeLimit(.minutes(15))) func theNewVersionIsComparedAndMovesNothing() throws {
    let station = try station()
    let check = try station.run("check", ".")
    #expect(check.code == 0 && check.output.contains("0 error(s), 0 warning(s)"), "\(check)")
    let daemon = try station.daemon()
    func shadowed(_ word: String) throws -> Bool {
      try station.waitFor("rule:shadowed") { $0["payload"]?["action"]?.string?.hasPrefix(word) ?? false }
    }
    // Warm enough for the new one only.
    #expect(try station.run("simulate", "temperature", "27").code == 0)
    #expect(try shadowed("begin"))
    #expect(try station.events("device:changed").isEmpty)
    // And for both.
    #expect(try station.run("simulate", "temperature", "31").code == 0)
    #expect(try station.waitFor("device:changed") { $0["payload"]?["state"]?.double == 1 })
    #expect(try station.run("simulate", "temperature", "20").code == 0)
    #expect(try station.waitFor("device:changed") { $0["payload"]?["state"]?.double == 0 })
    #expect(try shadowed("end"))

    let result = try #require(try station.run("shadow", "cooling-next", "--last", "1h", "--json").json)
    let fan = try #require(result["outputs"]?.list?.first)
    #expect(result["rule"] == "cooling-next" && fan["device"] == "fan")
    #expect(fan["would"]?["switchings"] == 2 && fan["did"]?["switchings"] == 2, "\(fan)")
    let (would, did) = (fan["would"]?["on_ms"]?.int ?? 0, fan["did"]?["on_ms"]?.int ?? 0)
    #expect(would > did && did > 0, "\(fan)")
    #expect((fan["differences"]?.list ?? []).contains { $0["would"] == 1.0 && $0["did"] == 0.0 }, "\(fan)")
    let text = try station.run("shadow", "cooling-next")
    #expect(text.code == 0 && text.output.contains("OUTPUT") && text.output.contains("fan differed from"), "\(text)")
    #expect(try station.run("rules", "list").output.contains("shadow, waiting"))
    #expect(try station.run("why", "rule:shadowed").code == 0)

    // The agent is woken by a real rule, and the lamp stays dark.
    #expect(try station.run("simulate", "door", "press").code == 0)
    #expect(try station.waitFor("agent:shadowed") { $0["payload"]?["device"]?.string == "lamp" })
    #expect(try station.run("shadow", "doorkeeper-next").output.contains("lamp"))
    #expect(try station.events("device:changed").allSatisfy { $0["source"] == "fan" })
    #expect(try station.run("ps").output.contains("ready, shadow"))

    // Who is no shadow is told so.
    let other = try station.run("shadow", "cooling")
    #expect(other.code == 5 && other.errors.contains("rule 'cooling' is no shadow"), "\(other)")
    #expect(try station.run("shadow", "nobody").code == 5)
    daemon.send(15)
    #expect(daemon.wait() == 0)
  }
}
