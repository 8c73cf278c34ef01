import EventLoop
import Glibc
import LauncherClient
import Linux
import Model
import TestKit
import Testing

@testable import AgentProcess

/// The folders that an agent sees because it lies there.
@Suite struct OwnFoldersTests {
  private let place: TemporaryFolder

  init() throws {
    place = try TemporaryFolder()
    for name in ["agents/a/agent.json", "agents/a/bin/run.py", "programs/run.py", "home/registry.db"] {
      try place.write(name, "x")
    }
  }

  private func folders(_ program: String, _ file: String? = nil) -> OwnFolders {
    let file = file ?? "\(place.path)/agents/a/agent.json"
    let manifest = Manifest(id: "a", name: "a", runtime: .init(driver: .process, entry: "x"), file: file)
    return OwnFolders(manifest, program: program.hasPrefix("/") ? program : "\(place.path)/\(program)")
  }

  @Test func aProgramBelowItsManifestSeesItsOwnFolderOnly() {
    #expect(folders("agents/a/run.py").all == ["\(place.path)/agents/a"])
    let inner = folders("agents/a/bin/run.py")
    #expect(inner.all == ["\(place.path)/agents/a/bin"] && inner.work == inner.all[0])
  }

  @Test func aProgramElsewhereSeesItsManifestsFolderToo() {
    let interpreter = folders("/usr/bin/python3")
    #expect(interpreter.all == ["\(place.path)/agents/a"] && interpreter.work == interpreter.all[0])
    let other = folders("programs/run.py")
    #expect(other.all == ["\(place.path)/agents/a", "\(place.path)/programs"] && other.work == other.all[0])
    #expect(folders("programs/run.py", "<request>").all == ["\(place.path)/programs"])
  }

  @Test(arguments: ["/x.py", "/tmp/x.py", "/run/x.py", "/srv/x.py", "/dev/shm/x.py", "/var/tmp/x.py", "/proc/1/x"])
  func aFolderOfEverybodyIsNobodysOwn(_ program: String) {
    let problem = folders(program, "<request>").problem(hidden: [])
    #expect(problem != nil && problem?.folder == Files.folder(of: program))
  }

  @Test func theDaemonsFoldersAreNobodysOwn() {
    let home = "\(place.path)/home"
    #expect(folders("home/x.py", "<request>").problem(hidden: [home])?.why.hasPrefix("belongs to the daemon") == true)
    #expect(folders("home/agents/a/x.py", "<request>").problem(hidden: [home]) == nil)
    #expect(folders("agents/a/run.py").problem(hidden: [home]) == nil)
  }

  @Test func theFolderForDataCoversNoneOfThem() {
    let own = OwnFolders(
      Manifest(id: "a", name: "a", runtime: .init(driver: .process, entry: "x"), file: "<request>"),
      program: "/data/agents/a/run.py")
    #expect(own.problem(hidden: []) == nil)
    #expect(own.problem(hasData: true, hidden: [])?.folder == "/data/agents/a")
  }

  @Test func anAgentInTheHomeReadsItsOwnFilesOnly() throws {
    try place.write("home/agents/b/data/x", "x")
    var manifest = Manifest(
      id: "b", name: "b", runtime: .init(driver: .process, entry: "run.py"),
      file: "\(place.path)/home/agents/b/agent.json")
    manifest.permissions.paths = ["data", "../../registry.db"]
    let shown = ShownPaths(of: manifest, folders: ["\(place.path)/home/agents/b"], hidden: ["\(place.path)/home"])
    #expect(shown.granted == ["\(place.path)/home/agents/b/data"] && shown.refused.count == 1)
    #expect(shown.mask().isEmpty)
  }

  /// Settings have paths relative to their own folder, and the launcher takes no plan with such a path.
  @Test func folderForDataIsAbsolute() throws {
    let launcher = LauncherLink(try EventLoop(), socket: nil, program: nil)
    var manifest = Manifest(id: "a", name: "a", runtime: .init(driver: .process, entry: "x"))
    manifest.permissions.data = 1
    let folders = DataFolders("missing/data", home: "home", launcher)
    #expect(folders.folder(of: manifest) == "\(try Files.resolve("."))/missing/data/a")
    #expect(DataFolders(nil, home: "home", launcher).path.hasPrefix("/"))
  }

  /// As a hard link to a socket is.
  @Test func anotherNameOfWhatIsHiddenIsNotGranted() throws {
    try place.write("run/engine.sock", "")
    #expect(unsafe link("\(place.path)/run/engine.sock", "\(place.path)/agents/harmless") == 0)
    var manifest = Manifest(
      id: "a", name: "a", runtime: .init(driver: .docker, entry: "x"), file: "\(place.path)/agents/agent.json")
    manifest.permissions.paths = ["harmless", "a"]
    let shown = ShownPaths(of: manifest, hidden: ["\(place.path)/run/engine.sock", "\(place.path)/agents/a"])
    #expect(shown.granted == [])
    #expect(
      shown.refused == [
        "harmless is another name of a file of the daemon, and no agent may see it",
        "a belongs to the daemon, and no agent may see it",
      ])
  }

  @Test func whatIsHiddenIsNotGranted() {
    var manifest = Manifest(
      id: "a", name: "a", runtime: .init(driver: .process, entry: "x"), file: "\(place.path)/agents/a/agent.json")
    manifest.permissions.paths = ["\(place.path)/home", "../../home/registry.db", place.path]
    let shown = ShownPaths(of: manifest, hidden: ["\(place.path)/home"])
    #expect(shown.granted == [place.path])
    #expect(
      shown.refused.count == 2
        && shown.refused.allSatisfy { $0.hasSuffix("belongs to the daemon, and no agent may see it") })
    #expect(shown.mask() == ["--size", "4096", "--tmpfs", "\(place.path)/home", "--remount-ro", "\(place.path)/home"])
  }
}
