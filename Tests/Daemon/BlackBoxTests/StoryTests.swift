import Document
import Glibc
import Linux
import Model
import Testing

/// The output of `make run` for a newcomer.
@Suite(.serialized) struct StoryTests {
  private let config = "\(Station.repository)/Examples/greenhouse/openstarry.yaml"

  private func start(_ station: Station, _ arguments: String...) throws -> Program {
    try station.daemon(
      ["--home", "\(station.folder)/home", "--socket", station.socket] + arguments, config: config)
  }

  @Test(.timeLimit(.minutes(15))) func theGreenhouseTellsItsStory() throws {
    let station = try Station()
    let daemon = try start(station, "--story")
    func fan(_ state: Double) throws -> Bool {
      try station.waitFor("device:changed") { $0["source"] == "fan" && $0["payload"]?["state"]?.double == state }
    }
    #expect(try fan(1))
    let why = try station.run("why", "fan")
    // Sensor, rule, agent, command: one line each, below its cause.
    try #require(why.lines.count == 4, "\(why.output)\(why.errors)")
    for (line, part) in zip(why.lines, ["sensor:temperature", "rule:fired", "agent:activated", "device:changed"]) {
      #expect(line.hasSuffix("(\(part))"))
    }
    #expect(why.lines[0].contains("temperature 3") && why.lines[0].contains("°C"))
    #expect(why.lines[1].contains("rule too-hot") && why.lines[2].contains("agent climate"))
    #expect(why.lines[3].contains("fan on") && why.lines[3].contains("agent/climate"))
    let chain = try station.run("why", "fan", "--json").json
    #expect(
      chain?["events"]?.list?.map { $0["type"]?.string } == [
        "sensor:temperature", "rule:fired", "agent:activated", "device:changed",
      ])
    #expect(try station.waitFor("device:changed") { $0["source"] == "lamp" && $0["payload"]?["state"]?.double == 1 })
    #expect(try station.waitFor("camera:motion"))
    #expect(try station.waitFor("camera:snapshot"))
    #expect(try fan(0))
    let off = try station.events("device:changed").first {
      $0["source"] == "fan" && $0["payload"]?["state"]?.double == 0
    }
    #expect(try station.run("why", off?["id"]?.string ?? "").output.contains("rule cool-again"))
    let log = try station.run("logs", "climate").output
    #expect(log.contains("too warm, fan on") && log.contains("cool again, fan off"))
    #expect(try station.run("logs", "doorkeeper").output.contains("visitor number 1"))
    // Something must be on, so that the end switches it off.
    #expect(try station.run("set", "vent", "on").code == 0)
    daemon.send(SIGINT)
    #expect(daemon.wait() == 0)
    let story = daemon.output
    for part in ["temperature 3", "rule too-hot", "agent climate", "fan on", "fan off", "door", "cam0", "vent off"] {
      #expect(story.contains(part), "the story does not tell '\(part)':\n\(story)")
    }
    #expect(!Files.exists(station.socket))
    #expect(daemon.errors.split(separator: "\n").count == 1, "\(daemon.errors)")
  }

  @Test func itEndsByItself() throws {
    let station = try Station()
    let daemon = try start(station, "--for", "1s")
    #expect(daemon.wait(within: .seconds(15)) == 0)
    #expect(!Files.exists(station.socket))
  }
}
