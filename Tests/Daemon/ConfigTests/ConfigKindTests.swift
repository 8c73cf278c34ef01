import Config
import Isolations
import Model
import Testing

@Suite struct ConfigKindTests {
  @Test(arguments: [
    ("Board/x/board.yaml", "", ConfigKind.board), ("a/agent.json", "", .agent), ("climate.agent.json", "", .agent),
    ("agent.yml", "", .agent), ("orchestration.yaml", "", .orchestration), ("night.rules.yaml", "", .orchestration),
    ("openstarry.yaml", "", .settings), ("x.yaml", "identity: {id: x}", .agent),
    ("x.yaml", "rules: [{on: x}]", .orchestration), ("x.yaml", "devices: {}", .board), ("x.yaml", "chips: {}", .board),
    ("x.yaml", "board: b.yaml\nrules: [a.yaml]", .settings),
  ])
  func aFileIsKnownByNameOrContent(_ name: String, _ text: String, _ kind: ConfigKind) throws {
    let node = try ConfigText.parse(Array((text.isEmpty ? "x: 1" : text).utf8), file: name == "x" ? name : "x.yaml")
    #expect(ConfigKind.guess(fileName: name, node) == kind)
  }

  @Test func anUnknownFileIsAnError() throws {
    let (kind, found) = ConfigText.check(
      Array("hello: world".utf8), file: "x.yaml", environment: [:], isolations: Isolations.known)
    #expect(kind == nil)
    #expect(
      found.map(\.description) == [
        "x.yaml: this is not one of the daemon's files, expected a board ('devices'), a manifest ('identity'), rules"
          + " ('rules'), settings ('board'), or a name such as board.yaml, agent.json, orchestration.yaml or"
          + " openstarry.yaml"
      ])
  }

  @Test func checkSaysErrorsAndWarningsOfAnyKind() {
    func check(_ text: String, _ file: String) -> [String] {
      ConfigText.check(Array(text.utf8), file: file, environment: [:], isolations: Isolations.known).found.map {
        "\($0.severity)"
      }
    }
    #expect(check("name: x", "board.yaml") == [])
    #expect(check("{", "board.yaml").allSatisfy { $0 == "error" })
    #expect(check("name: x\nworld: {a: 1}", "board.yaml") == ["warning"])
    #expect(check(#"{"identity": {"id": "x"}}"#, "agent.json") == ["warning"])
    #expect(check("rules: []", "orchestration.yaml") == [])
    #expect(check("rules: []", "openstarry.yaml") == ["error"])
  }
}
