import Glibc
import Model
import TestKit
import Testing

/// Minds in their sandbox, with a model on loopback, the gateway's program and the daemon.
@Suite(.enabled(if: MindServer.absence == nil, "\(MindServer.absence ?? "")")) struct MindTests {
  private static let board = """
    name: greenhouse
    backend: simulated
    devices:
      temperature: { kind: sensor, unit: "°C", every: 1s }
      fan: { kind: actuator, lease: 1m }
      pump: { kind: actuator }
    """
  private static let keeper = """
    { "identity": { "id": "keeper" }, "cognition": {}, "guide": "You keep a greenhouse.",
      "capabilities": { "permissions": { "sensors": ["temperature"], "actuators": ["fan"] } },
      "budget": { "tokens": ["20k/h", "1M"] } }
    """
  private static let rules = """
    rules:
      - { id: odd, on: "sensor:temperature", if: "value > 30.0", action: "wake(keeper)", cooldown: 10m }
    """

  private func station(_ server: MindServer, manifest: String = keeper) throws -> Station {
    let station = try Station(
      settings: """
        models:
          - { name: gone, url: "http://127.0.0.1:9/v1" }
          - { name: local, url: "\(server.url)", price: { input: 1, output: 2 } }
        """,
      files: [
        "board.yaml": Self.board, "orchestration.yaml": Self.rules, "agents/keeper/agent.json": manifest,
      ])
    share(station, "keeper")
    return station
  }

  /// Agents run as a user of their own.
  private func share(_ station: Station, _ agent: String) {
    for folder in ["", "/agents", "/agents/\(agent)"] { _ = unsafe chmod("\(station.folder)\(folder)", 0o755) }
  }

  private func fan(_ station: Station) throws -> Value? {
    try station.run("devices", "--json").json?["devices"]?.list?.first { $0["device"] == "fan" }
  }

  @Test func aRuleWakesItAndItTurnsTheFanOn() throws {
    let server = try MindServer()
    try server.wish(#"controlActuator {"id": "fan", "command": "on", "lease_s": 20}"#)
    let station = try station(server)
    let daemon = try station.daemon()
    #expect(try station.run("simulate", "temperature", "41").code == 0)
    #expect(try station.waitFor("device:changed") { $0["payload"]?["device"] == "fan" }, "\(server.asked)")
    // The story goes from the fan through the answer and the rule to the sensor.
    let why = try station.run("why", "fan").output
    for part in [
      "temperature 41", "rule odd", "agent keeper woke", "model local answered", "controlActuator", "fan on",
    ] {
      #expect(why.contains(part), "\(part): \(why)")
    }
    // The first model cannot be reached, which says so and costs nothing.
    #expect(try station.waitFor("model:failed") { $0["payload"]?["model"] == "gone" })
    #expect(try station.waitFor("model:answered") { $0["payload"]?["tools"] == [] })
    let usage = try station.run("tokens", "--by", "model", "--json").json?["rows"]?.list
    let used = (usage?.first?["prompt_tokens"]?.int ?? 0) + 14
    #expect(usage?.count == 1 && usage?.first?["calls"] == 2 && usage?.first?["answer_tokens"] == 14 && used > 500)
    let budget = try station.run("budget", "keeper").output
    #expect(budget.contains("\(used)") && budget.contains("20000"), "\(budget)")
    // Its outputs end with it.
    let pid = try #require(
      try station.run("ps", "--json").json?["agents"]?.list?.first { $0["agent"] == "keeper" }?["pid"]?.int)
    #expect(try fan(station)?["holder"] == "agent/keeper")
    kill(Int32(pid), SIGKILL)
    #expect(
      try station.waitFor("device:changed") { $0["payload"]?["device"] == "fan" && $0["payload"]?["state"] == 0.0 })
    // What was used survives the daemon's own end.
    daemon.send(SIGKILL)
    _ = daemon.wait()
    let next = try station.daemon()
    #expect(try station.run("budget", "keeper").output.contains("\(used)"))
    next.send(SIGTERM)
    #expect(next.wait() == 0)
  }

  @Test func itAnswersPeople() throws {
    let server = try MindServer()
    let station = try station(server)
    let daemon = try station.daemon()
    let answer = try station.run("chat", "keeper", "how", "is", "the", "fern?")
    #expect(answer.code == 0 && answer.output == "It is done.\n", "\(answer)")
    #expect(server.asked.last?.contains("how is the fern?") == true)
    // A tool that it was not given moves nothing, and it is told so.
    try server.wish(#"controlActuator {"id": "pump", "command": "on", "lease_s": 20}"#)
    let refused = try station.run("chat", "keeper", "water", "it")
    #expect(refused.code == 0 && refused.errors.contains("controlActuator"), "\(refused)")
    #expect(try station.events("device:changed").allSatisfy { $0["payload"]?["device"] != "pump" })
    let lines = try station.run("chat", "keeper", "--json", "again").lines
    #expect(lines.last?.contains(#""kind":"end""#) == true, "\(lines)")
    #expect(try station.run("models").output.contains("gone"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  /// A script must not take the end of the daemon for an answer.
  @Test func aChatWithoutAnEndFails() throws {
    let server = try MindServer()
    try server.wish("silence")
    let station = try station(server)
    let daemon = try station.daemon()
    let chat = try station.start("openstarry", ["chat", "keeper", "hello"])
    #expect(eventually { !server.asked.isEmpty })
    daemon.send(SIGKILL)
    _ = daemon.wait()
    #expect(chat.wait() == 3, "\(chat.errors)")
    #expect(chat.errors.contains("the daemon has ended before"), "\(chat.errors)")
  }

  /// A mind that waits for a model.
  private func waiting(_ server: MindServer, in station: Station) throws -> Program {
    try server.wish("silence")
    let asked = server.asked.count
    let chat = try station.start("openstarry", ["chat", "keeper", "hello"])
    try #require(eventually { server.asked.count > asked }, "\(chat.errors)")
    return chat
  }

  private func wasRefused(_ station: Station, _ why: String) throws -> Bool {
    try station.waitFor("agent:refused") { $0["payload"]?["message"]?.string == why }
  }

  /// It hears of it, and ends by itself.
  @Test func aMindThatWaitsForAModelCanBeStopped() throws {
    let server = try MindServer()
    let station = try station(server)
    let daemon = try station.daemon()
    let chat = try waiting(server, in: station)
    #expect(try station.run("kill", "keeper", "--wait").code == 0)
    #expect(try wasRefused(station, "the agent is being stopped"))
    #expect(chat.wait() == 1 && chat.errors.contains("the agent was stopped while it was answering"), "\(chat.errors)")
    // The next instance may ask again.
    try server.wish("")
    #expect(try station.run("chat", "keeper", "hello").code == 0)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func whoLeavesAConversationEndsIt() throws {
    let server = try MindServer()
    let station = try station(server)
    let daemon = try station.daemon()
    let chat = try waiting(server, in: station)
    // Another one waits behind it, and learns why.
    let second = try station.start("openstarry", ["chat", "keeper", "and now?"])
    #expect(eventually { second.errors.contains("keeper is busy with another event; your message waits") })
    try server.wish("")
    chat.send(SIGINT)
    #expect(chat.wait() == 0)
    #expect(try wasRefused(station, "the person who asked has gone"))
    #expect(second.wait() == 0 && second.output == "It is done.\n", "\(second.errors)")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func aMindThatCrashesInItsAnswerHasNotAnswered() throws {
    let server = try MindServer()
    let station = try station(server)
    let daemon = try station.daemon()
    let chat = try waiting(server, in: station)
    let pid = try #require(
      try station.run("ps", "--json").json?["agents"]?.list?.first { $0["agent"] == "keeper" }?["pid"]?.int)
    kill(Int32(pid), SIGKILL)
    #expect(chat.wait() == 1 && chat.errors.contains("signal 9 ended it"), "\(chat.errors)")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  /// As users of OpenStarry have them, with LM Studio's server at its usual address.
  @Test func aManifestOfUpstreamRunsUnchanged() throws {
    guard let server = try? MindServer(port: 1234), server.port == 1234 else {
      print("skipped: port 1234 is taken")
      return
    }
    let manifest = """
      { "identity": { "id": "basic", "name": "Basic", "description": "Answers", "version": "0.1.0" },
        "cognition": { "provider": "lmstudio", "model": "some-model", "temperature": 0.7, "maxTokens": 512,
          "maxToolRounds": 10 },
        "capabilities": { "tools": ["fs.read", "fs.write", "fs.list", "fs.mkdir", "fs.delete"], "allowedPaths": ["."] },
        "policy": { "maxConcurrentTools": 1, "toolTimeout": 30000 }, "memory": { "slidingWindowSize": 5 },
        "plugins": [
          { "name": "@openstarry-plugin/provider-lmstudio", "config": { "baseUrl": "http://127.0.0.1:1234/v1" } },
          { "name": "@openstarry-plugin/provider-gemini-oauth" }, { "name": "@openstarry-plugin/standard-function-fs" },
          { "name": "@openstarry-plugin/guide-character-init" } ],
        "guide": "default-guide" }
      """
    let station = try Station(files: ["board.yaml": Self.board, "agents/basic/agent.json": manifest])
    share(station, "basic")
    let check = try station.run("check", ".")
    #expect(check.output.contains("0 error(s), 0 warning(s)"), "\(check)")
    let daemon = try station.daemon()
    let answer = try station.run("chat", "basic", "hello")
    #expect(answer.code == 0 && answer.output == "It is done.\n", "\(answer)")
    #expect(server.asked.last?.contains(#""model": "some-model""#) == true, "\(server.asked.last ?? "")")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
