import Glibc
import Linux
import Model
import ModelServerKit
import TestKit
import Testing

/// The example minds with a real llama.cpp server, whose model is a reflex and no language model.
@Suite(.enabled(if: LlamaServer.absence == nil, "\(LlamaServer.absence ?? "")")) struct MindExampleTests {
  @Test func theExamplesRun() throws {
    let station = try Station(
      board: "greenhouse-sim",
      settings: "models: [{ name: reflex, url: \"\(LlamaServer.url)\", max_tokens: 300, sees: false }]")
    let names = ["keeper", "doorkeeper", "maintenance"]
    for name in names {
      let manifest = try Files.read("\(Station.repository)/Examples/minds/agents/\(name)/agent.json")
      try station.write("agents/\(name)/agent.json", String(decoding: manifest, as: UTF8.self))
    }
    let folders = [""] + ["agents"] + names.map { "agents/\($0)" }
    for folder in folders { _ = unsafe chmod("\(station.folder)/\(folder)", 0o755) }
    let check = try station.run("check", "\(Station.repository)/Examples/minds")
    #expect(check.output.contains("0 error(s), 0 warning(s)"), "\(check)")
    let daemon = try station.daemon()
    // The word makes the model ask for a tool; the server's grammar makes the call valid.
    let keeper = try station.run("chat", "keeper", "it", "is", "sultry")
    #expect(keeper.errors.contains("controlActuator"), "\(keeper)")
    #expect(try station.waitFor("model:answered") { $0["payload"]?["agent"] == "keeper" })
    let maintenance = try station.run("chat", "maintenance", "it", "is", "muggy")
    #expect(maintenance.errors.contains("getSensorData"), "\(maintenance)")
    // The model goes on asking for pictures, until the mind's bound.
    let doorkeeper = try station.run("chat", "doorkeeper", "hello")
    #expect(doorkeeper.code == 1 && doorkeeper.errors.contains("getCameraSnapshot"), "\(doorkeeper)")
    #expect(doorkeeper.errors.contains("openstarry: doorkeeper: ended: "), "\(doorkeeper)")
    let rows = try station.run("tokens", "--json").json?["rows"]?.list ?? []
    #expect(Set(rows.compactMap { $0["agent"]?.string }) == Set(names))
    #expect(rows.allSatisfy { ($0["prompt_tokens"]?.int ?? 0) > 50 })
    #expect(try station.run("transcript", "keeper").output.contains("it is sultry"))
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}

/// A mind with a real, if very small, language model: real tokens, real words, no judgement.
@Suite(.enabled(if: LlamaServer.SmolLM2.absence == nil, "\(LlamaServer.SmolLM2.absence ?? "")")) struct SmallModelTests
{
  @Test func itTalks() throws {
    let manifest = """
      { "identity": { "id": "talker" }, "cognition": { "maxTokens": 40, "temperature": 0 }, "guide": "You are brief.",
        "capabilities": { "tools": ["recall"] } }
      """
    let station = try Station(
      board: "greenhouse-sim",
      settings: "models: [{ name: small, url: \"\(LlamaServer.SmolLM2.url)\", timeout: 10m, sees: false }]",
      files: ["agents/talker/agent.json": manifest])
    for folder in ["", "agents", "agents/talker"] { _ = unsafe chmod("\(station.folder)/\(folder)", 0o755) }
    let daemon = try station.daemon()
    let answer = try station.run("chat", "talker", "What", "is", "a", "tomato?")
    #expect(answer.code == 0, "\(answer)")
    let row = try station.run("tokens", "--json").json?["rows"]?.list?.first
    #expect((row?["answer_tokens"]?.int ?? 0) > 0 && (row?["unreported_tokens"]?.int ?? 1) == 0)
    // A real tokenizer needs fewer tokens than were reserved.
    let prompt = row?["prompt_tokens"]?.int ?? 0
    let asked =
      try station.run("transcript", "talker", "--json").json?["exchanges"]?.list?.first?["messages"]?.list ?? []
    let bytes = asked.reduce(0) { $0 + ($1["content"]?.string?.utf8.count ?? 0) }
    #expect(prompt > 20 && prompt < bytes, "\(prompt) tokens, \(bytes) bytes")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }
}
