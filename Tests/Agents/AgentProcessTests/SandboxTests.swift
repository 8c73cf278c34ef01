import AgentProcess
import EventLoop
import Glibc
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing

/// What an agent can reach, tried from inside by `Tests/Agents/Sandbox/probe.py`.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) struct SandboxTests {
  private static let probe =
    "\(#filePath)".split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }
    + "/Sandbox/probe.py"

  @Test func nothingCanBeReachedThatMustNotBe() throws {
    let room = try SandboxRoom()
    let manifest = try room.program("probe.py", String(decoding: Files.read(Self.probe), as: UTF8.self))
    let hidden = try TemporaryFolder()
    try hidden.write("secret", "x")
    let sandbox = Sandbox(manifest, program: "\(room.folder)/probe.py", plugins: [])
    let variables = sandbox.environment.compactMap { $0.split(separator: "=").first.map(String.init) }
    var words = sandbox.words + ["--hidden", hidden.path]
    for variable in variables { words += ["--environment", variable] }
    words[0] = "/usr/bin/bwrap"
    let (code, text) = try room.output(
      of: words, environment: sandbox.environment, filter: Beside.path("openstarry-agent.bpf"))
    let broken = text.split(separator: "\n").filter { $0.hasPrefix("BROKEN ") }
    #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    #expect(code == 0)
    #expect(text.split(separator: "\n").count(where: { $0.hasPrefix("held ") }) > 200, "\(text)")
  }

  @Test func theCommandLineShowsOnlyWhatTheManifestGrants() throws {
    var manifest = Manifest(
      id: "a", name: "a", runtime: .init(driver: .process, entry: "p", arguments: ["--fast", "-x"]),
      file: "/agents/a/agent.json")
    manifest.permissions.paths = ["/usr/share", "missing"]
    var system = SystemFiles()
    system.roots = [("/bin", "usr/bin"), ("/lib", nil)]
    system.stage = "/usr/lib/openstarry/openstarry-launcher"
    system.python = nil
    let words = Sandbox(manifest, program: "/agents/a/p", plugins: [], system: system).words.joined(separator: " ")
    #expect(words.contains("--symlink usr/bin /bin") && words.contains("--ro-bind /lib /lib"))
    #expect(words.contains("--ro-bind /agents/a /agents/a") && words.contains("--ro-bind /usr/share /usr/share"))
    #expect(!words.contains("missing") && !words.contains("/openstarry/stage"))
    #expect(words.hasSuffix("--own /tmp -- /agents/a/p --fast -x"))
    // Nothing is mounted once the root is read-only.
    let mounts = words.split(separator: " ").lastIndex(of: "--ro-bind") ?? 0
    #expect(mounts < words.split(separator: " ").lastIndex(of: "--remount-ro") ?? 0)
  }
}
