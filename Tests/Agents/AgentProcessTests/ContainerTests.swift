import Agent
import AgentProcess
import Linux
import Model
import Plugins
import TestKit
import Testing

/// The command line of a container.
@Suite struct ContainerTests {
  private static let engine = ContainerEngine(
    runtime: "/usr/bin/crun", groups: "/sys/fs/cgroup", images: "/var/lib/openstarry-images")

  private func manifest(_ image: String = "localhost/a:1", arguments: [String] = []) -> Manifest {
    Manifest(
      id: "a", name: "a", runtime: .init(driver: .docker, entry: image, arguments: arguments),
      file: "/agents/a/agent.json")
  }

  private func confinement(
    _ manifest: Manifest, plugins: [InstalledPlugin] = [], engine: ContainerEngine = engine
  ) -> Confinement {
    var system = SystemFiles()
    system.roots = [("/bin", "usr/bin")]
    system.stage = "/usr/lib/openstarry/openstarry-launcher"
    system.python = "/usr/share/openstarry/python"
    return Container(
      manifest, image: manifest.runtime.entry, plugins: plugins, engine: engine, system: system
    ).confinement
  }

  @Test func podmanRunsInASandboxWithItsStageBefore() {
    let confinement = confinement(manifest(arguments: ["agent", "--fast"]))
    let line = confinement.words.joined(separator: " ")
    #expect(line.hasPrefix("/usr/bin/bwrap --unshare-all --unshare-user --uid 0 --gid 0 "))
    #expect(
      line.contains(" -- /usr/lib/openstarry/openstarry-launcher --container /.openstarry --limit-after "))
    #expect(line.hasSuffix(" localhost/a:1 agent --fast"))
    #expect(confinement.kind == .container && confinement.filter == nil)
    #expect(line.contains("--ro-bind /var/lib/openstarry-images/store /.openstarry/images"))
    #expect(line.contains("--ro-bind /usr/share/openstarry/python /openstarry/python"))
  }

  @Test func theContainerHasNoRights() {
    let words = confinement(manifest()).words
    for word in [
      "--pull=never", "--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all",
      "--security-opt=no-new-privileges", "--ipc=none", "--preserve-fds=1", "--log-driver=passthrough",
      "/openstarry:/openstarry:ro", "nofile=256:256", "nproc=64:64", "OPENSTARRY_AGENT_ID=a",
      "OPENSTARRY_HOME=/openstarry", "--cgroups=disabled",
    ] {
      #expect(words.contains(word), "\(word)")
    }
    for word in ["--privileged", "--device", "--env-host"] { #expect(!words.contains(word)) }
  }

  @Test func runcDoesWithoutTheOptionThatItRefuses() {
    var engine = Self.engine
    engine.runtime = "/usr/sbin/runc"
    engine.groups = nil
    let words = confinement(manifest(), engine: engine).words
    #expect(words.contains("/usr/sbin/runc") && !words.contains("--cgroups=disabled"))
    #expect(!words.contains("--ro-bind /sys/fs/cgroup"))
  }

  @Test func pathsOfTheManifestAreReadOnly() throws {
    let folder = try TemporaryFolder()
    try folder.write("data/x", "x")
    try folder.write("a:b/x", "x")
    var manifest = manifest()
    manifest.file = "\(folder.path)/agent.json"
    manifest.permissions.paths = ["data", "a:b", "missing"]
    let confinement = confinement(manifest)
    #expect(confinement.words.contains("\(folder.path)/data:\(folder.path)/data:ro"))
    #expect(
      confinement.refused == ["missing does not exist", "\(folder.path)/a:b has a colon, which podman cannot mount"])
    #expect(!confinement.words.contains { $0.contains("a:b") })
  }

  @Test(arguments: ["localhost/thermostat:1", "thermostat", "sha256:0a1b", "ghcr.io/x/y@sha256:00", "a_b.c-d"])
  func namesOfImages(_ name: String) throws {
    try ContainerDriver.isolation.check(manifest(name))
  }

  @Test(arguments: ["", "a b", "-v", "--privileged", "a;b", "ä", "a\n"])
  func whatIsNoNameIsAnError(_ name: String) {
    let failure = #expect(throws: AgentFailure.self) { try ContainerDriver.isolation.check(manifest(name)) }
    #expect(failure?.message.contains("is not the name of an image") == true)
  }

  @Test func hostsAreReachedThroughTheSandboxsLoopback() {
    var manifest = manifest()
    manifest.permissions.hosts = ["example.org"]
    let words = confinement(manifest).words
    #expect(words.contains("--network=host") && !words.contains("--network=none"))
    #expect(words.contains("--unshare-all") && !words.contains("--share-net"), "the host is the sandbox")
    #expect(words.joined(separator: " ").contains("--container /.openstarry --network 3128 "))
    #expect(words.contains("HTTPS_PROXY=http://127.0.0.1:3128"))
  }

  @Test func withoutImagesTheRemedyIsNamed() throws {
    // A machine without podman names that instead.
    let failure = #expect(throws: AgentFailure.self) { _ = try ContainerEngine.find(images: "/nowhere") }
    let text = failure?.message ?? ""
    #expect(text.contains("openstarry-images load") && text.contains("/nowhere") || text.contains("apt install"))
  }
}
