import Linux
import TestKit
import Testing

/// The program openstarry-proxy, tried from both sides by `Tests/Companions/Proxy/proxy_test.py`.
@Suite(.enabled(if: Files.isFile("/usr/bin/python3"), "there is no /usr/bin/python3")) struct ProxyProcessTests {
  @Test func itsOwnTestsPass() throws {
    let folder = try TemporaryFolder()
    let output = try System.open("\(folder.path)/output", 0o1101, mode: 0o600)
    var plan = SpawnPlan(
      "/usr/bin/python3",
      ["python3", "-B", Repository.path("Tests/Companions/Proxy/proxy_test.py"), Beside.path("openstarry-proxy")])
    plan.output = .descriptor(output.number)
    plan.errors = .descriptor(output.number)
    let code = try Spawn.wait(for: try Spawn.start(plan))
    let text = String(decoding: try folder.bytes("output"), as: UTF8.self)
    #expect(code == 0, "\(text.suffix(4000))")
    #expect(text.contains("Ran ") && !text.contains("Ran 0 tests"))
  }
}
