import Agent
import AgentProcess
import EventLoop
import Glibc
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing
import Wire

/// What an agent can reach, tried from inside by `Tests/Agents/Sandbox/probe.py`.
@Suite(.enabled(if: SandboxRoom.absence == nil, "\(SandboxRoom.absence ?? "")")) struct SandboxTests {
  private static let probe = Repository.path("Tests/Agents/Sandbox/probe.py")

  @Test(arguments: [false, true]) func nothingCanBeReachedThatMustNotBe(_ hasHosts: Bool) throws {
    let room = try SandboxRoom()
    var manifest = try room.program("probe.py", String(decoding: Files.read(Self.probe), as: UTF8.self))
    if hasHosts { manifest.permissions.hosts = ["a.example"] }
    let hidden = try TemporaryFolder()
    try hidden.write("secret", "x")
    // The daemon's socket and home in the agent's own folder, open to everybody.
    let socket = "\(room.folder)/control.sock"
    let listener = try UnixSocket.listen(socket, mode: 0o666)
    try Files.makeFolder("\(room.folder)/home", mode: 0o777)
    try Files.replace("\(room.folder)/home/registry.db", with: [1], mode: 0o666)
    // Nor does a permission show them.
    manifest.permissions.paths = [socket, "home", "home/registry.db"]
    let sandbox = Sandbox(
      manifest, program: "\(room.folder)/probe.py", plugins: [], hidden: [socket, "\(room.folder)/home"])
    let variables = sandbox.environment.compactMap { $0.split(separator: "=").first.map(String.init) }
    var words =
      sandbox.words + ["--hidden", hidden.path, "--hidden", "\(room.folder)/home/registry.db", "--socket", socket]
    for variable in variables { words += ["--environment", variable] }
    // Nobody accepts there, but its port is listened on.
    if hasHosts { words += ["--proxy", "3128"] }
    let ends = try UnixSocket.pair()
    defer { for end in [ends.0, ends.1] { close(end) } }
    let (code, text) = try room.output(
      of: words, environment: sandbox.environment,
      filter: Beside.path(hasHosts ? "openstarry-agent-network.bpf" : "openstarry-agent.bpf"),
      door: hasHosts ? ends.1 : nil)
    let broken = text.split(separator: "\n").filter { $0.hasPrefix("BROKEN ") }
    #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    #expect(code == 0)
    #expect(try UnixSocket.accept(listener.number) == nil, "nobody has connected")
    #expect(text.split(separator: "\n").count(where: { $0.hasPrefix("held ") }) > 200, "\(text)")
  }

  /// docs/process-abi.md, 1.2.
  @Test func itsLogHasANumberAndNoName() throws {
    let room = try SandboxRoom()
    let manifest = try room.program(
      "agent.sh",
      """
      #!/bin/sh
      (echo x >/dev/stderr) 2>&1; (echo x >/proc/self/fd/2) 2>&1; cat /dev/stderr; echo number >&2; exit 3
      """)
    let host = RecordingHost()
    var failure: AgentFailure?
    room.driver.start(manifest, host: host, ended: { _ in }) { result in
      if case .failure(let found) = result { failure = found }
    }
    room.run { failure != nil }
    let ends = [
      "stderr: Read-only file system", "fd/2: No such device or address", "stderr: No such file or directory",
    ]
    let isAsDescribed = zip(host.lines, ends).allSatisfy { $0.hasSuffix($1) }
    #expect(isAsDescribed && host.lines.count == 4 && host.lines.last == "number", "\(host.lines)")
  }

  @Test func aLinkLeadsNowhereThatTheManifestMayNot() throws {
    let folder = try TemporaryFolder()
    try folder.write("p", "x")
    for (name, target) in [("devices", "/dev"), ("kernel", "/proc/sys"), ("all", "/")] {
      _ = unsafe symlink(target, "\(folder.path)/\(name)")
    }
    var manifest = Manifest(
      id: "a", name: "a", runtime: .init(driver: .process, entry: "p"), file: "\(folder.path)/agent.json")
    manifest.permissions.paths = ["devices", "kernel", "all", "nothing"]
    let sandbox = Sandbox(manifest, program: "\(folder.path)/p", plugins: [])
    #expect(
      sandbox.refused == [
        "devices is /dev, which no agent may see", "kernel is /proc/sys, which no agent may see",
        "all is /, which no agent may see", "nothing does not exist",
      ])
    #expect(sandbox.shows("\(folder.path)/p") && !sandbox.shows("/dev/mem") && !sandbox.shows("\(folder.path)2"))
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
