import Agent
import Glibc
import Linux
import Model
import Plugins
import TestKit
import Testing

@testable import PluginInstallation

@Suite struct InstallTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  @Test func folderIsInstalledWithoutItsHiddenEntries() throws {
    let source = try bench.source(
      extra: #", "description": "numbers", "services": ["lookup"]"#, files: ["a/b": "x", ".git/config": "secret"])
    let outcome = try bench.install(source)
    #expect(!outcome.wasThere && outcome.signer == nil && outcome.warnings.isEmpty)
    let all = try bench.folder().list()
    #expect(all.map { "\($0.name)@\($0.version)" } == ["tables@1.0.0"])
    #expect(
      all[0].isInUse && all[0].manifest?.summary == "numbers" && all[0].entry?.installed == "2026-01-02T03:04:05Z")
    #expect(try Files.names(in: all[0].place) == ["a", "plugin.json"])
    #expect(bench.folder().verify(all[0]) == [])
    // Once more changes nothing.
    #expect(try bench.install(source).wasThere)
  }

  @Test func otherContentOfTheSameVersionIsRefused() throws {
    try bench.install(try bench.source(files: ["a": "1"]))
    let error = #expect(throws: PluginError.self) { try bench.install(try bench.source(files: ["a": "2"])) }
    #expect(error?.description.contains("tables@1.0.0 is installed with other content") == true)
    #expect(try Files.read("\(bench.plugins)/tables@1.0.0/a") == Array("1".utf8))
  }

  @Test func versionsAreSideBySideAndTheLastOneIsInUse() throws {
    for version in ["2.0.0", "1.0.0", "1.5.0"] { try bench.install(try bench.source("@x/maps", version)) }
    let folder = bench.folder()
    #expect(try folder.list().map { "\($0.version) \($0.isInUse)" } == ["2.0.0 false", "1.5.0 true", "1.0.0 false"])
    try folder.uninstall("@x/maps", PluginVersion(1, 5, 0))
    #expect(try folder.list().map { "\($0.version) \($0.isInUse)" } == ["2.0.0 false", "1.0.0 true"])
    #expect(throws: PluginError.self) { try folder.uninstall("@x/maps", PluginVersion(1, 5, 0)) }
    try folder.uninstall("@x/maps", PluginVersion(2, 0, 0))
    try folder.uninstall("@x/maps", PluginVersion(1, 0, 0))
    #expect(try folder.list().isEmpty && PluginLock("\(bench.plugins)/lock.json") == PluginLock())
  }

  @Test func verifyNamesEachDifference() throws {
    try bench.install(try bench.source(files: ["a": "1", "b": "2", "run": "3"]))
    let place = "\(bench.plugins)/tables@1.0.0"
    try Files.replace("\(place)/a", with: Array("other".utf8), mode: 0o644)
    Files.remove("\(place)/b")
    try Files.replace("\(place)/c", with: [], mode: 0o644)
    Files.setMode("\(place)/run", 0o755)
    let found = bench.folder().verify(try bench.folder().list()[0])
    #expect(found == ["'a' has changed", "'b' is missing", "'run' has changed", "'c' is new"])
    Files.setMode("\(place)/c", 0o666)
    Files.setMode(place, 0o700)
    let modes = bench.folder().verify(try bench.folder().list()[0]).dropFirst(4)
    #expect(modes == ["its folder has mode 700, expected 755", "'c' has mode 666, expected 644"])
    try Files.makeFolder("\(bench.plugins)/own@1.0.0")
    let own = try #require(try bench.folder().list().first { $0.name == "own" })
    #expect(bench.folder().verify(own) == ["it was not installed by 'openstarry plugin install'"])
  }

  @Test func dependenciesAreAskedFor() throws {
    let needs = #", "dependencies": ["units@^1.2"], "criticality": "\#("required")""#
    #expect(
      bench.refusal(try bench.source(extra: needs))?.contains("tables@1.0.0 needs units@^1.2, which is not installed")
        == true)
    let degraded = needs.replacing("required", with: "optional-degraded")
    #expect(try bench.install(try bench.source("less", extra: degraded)).warnings.count == 1)
    let none = needs.replacing("required", with: "optional-no-effect")
    #expect(try bench.install(try bench.source("same", extra: none)).warnings == [])
    try bench.install(try bench.source("units", "1.3.0"))
    #expect(try bench.install(try bench.source(extra: needs)).warnings == [])
  }

  @Test(arguments: [
    ("{", "/source/plugin.json:1:"), ("{}", "has no 'name'"), (#"{"name": "a"}"#, "has no 'version'"),
    (#"{"name": "../a", "version": "1.0.0"}"#, "'name' is '../a', expected a name such as tables"),
    (#"{"name": "a", "version": "1.0"}"#, "'version' is '1.0', expected a version in quotes such as '1.2.0'"),
    (#"{"name": "a", "version": "1.0.0", "dependencies": ["b@x"]}"#, "expected a plugin such as tables@1"),
    (#"{"name": "a", "version": "1.0.0", "integrity": "12"}"#, "expected a SHA-512"),
    (
      #"{"name": "a", "version": "1.0.0", "integrity": {"algorithm": "rsa-sha256", "signature": "", "publicKey": ""}}"#,
      "'algorithm' is 'rsa-sha256'"
    ),
  ])
  func invalidManifestsAreRefused(_ text: String, _ why: String) throws {
    let source = "\(bench.place.path)/source"
    try Files.makeFolder(source)
    try Files.replace("\(source)/plugin.json", with: Array(text.utf8))
    #expect(bench.refusal(source)?.contains(why) == true, "\(bench.refusal(source) ?? "")")
  }

  @Test func folderWithoutAManifestIsNoPlugin() throws {
    let source = "\(bench.place.path)/source"
    try Files.makeFolder("\(source)/sub")
    #expect(bench.refusal(source)?.contains("no plugin.json") == true)
  }

  /// As after SIGKILL or a power cut at each step: nothing is half there, and the next installation tidies up.
  @Test func whatACutOffInstallationLeftIsRemovedByTheNext() throws {
    try Files.makeFolder("\(bench.plugins)/.installing-99/sub")
    try Files.replace("\(bench.plugins)/.installing-99/sub/half", with: [1, 2, 3])
    var lock = PluginLock()
    (lock.order["ghost"], lock.installed["ghost@1.0.0"]) = (
      [PluginVersion(1, 0, 0)], .init(digest: "ab", signer: nil, installed: "")
    )
    try Files.makeFolder("\(bench.plugins)/.listings")
    try Files.replace("\(bench.plugins)/.listings/ghost@1.0.0", with: [1])
    try Files.replace("\(bench.plugins)/lock.json", with: lock.contents)
    #expect(try bench.folder().list().isEmpty)
    try bench.install(try bench.source())
    #expect(try Files.names(in: bench.plugins) == [".listings", ".lock", "lock.json", "tables@1.0.0"])
    #expect(try Files.names(in: "\(bench.plugins)/.listings") == ["tables@1.0.0"])
    #expect(try bench.folder().list().map(\.name) == ["tables"])
  }

  /// As root tidies a folder that somebody else could write.
  @Test func tidyingNeverFollowsALink() throws {
    let other = "\(bench.place.path)/other"
    try Files.makeFolder(other)
    try Files.replace("\(other)/kept", with: [1])
    try Files.makeFolder(bench.plugins)
    for name in [".installing-9", "v@1.0.0", ".installing-removed"] {
      #expect(unsafe symlink(other, "\(bench.plugins)/\(name)") == 0)
    }
    try bench.install(try bench.source())
    #expect(throws: PluginError.self) { try bench.folder().uninstall("v", PluginVersion(1, 0, 0)) }
    try bench.folder().uninstall("tables", PluginVersion(1, 0, 0))
    #expect(Files.exists("\(other)/kept") && !Files.hasEntry("\(bench.plugins)/.installing-9"))
    #expect(unsafe rmdir("\(bench.plugins)/.listings") == 0 && symlink(other, "\(bench.plugins)/.listings") == 0)
    let error = #expect(throws: PluginError.self) { try bench.install(try bench.source()) }
    #expect(error?.description.contains(".listings is a symbolic link") == true)
  }

  @Test func folderThatOthersCanWriteIsRefused() throws {
    try Files.makeFolder(bench.plugins)
    Files.setMode(bench.plugins, 0o777)
    let error = #expect(throws: PluginError.self) { try bench.install(try bench.source()) }
    #expect(error?.kind == .denied && error?.description.contains("is writable by") == true)
  }

  @Test func pluginOfARunningInstanceCannotBeRemoved() throws {
    try bench.install(try bench.source())
    var manifest = Manifest(id: "a", name: "a", runtime: .init(driver: .process, entry: "a"))
    manifest.plugins = ["tables@1"]
    var used = try PluginStore(folder: bench.plugins).plugins(of: manifest)
    #expect(used.count == 1)
    let error = #expect(throws: PluginError.self) { try bench.folder().uninstall("tables", PluginVersion(1, 0, 0)) }
    #expect(error?.kind == .inUse && error?.description.contains("is used by an agent that runs") == true)
    used = []
    try bench.folder().uninstall("tables", PluginVersion(1, 0, 0))
    // Whoever holds the lock cannot keep the owner from removing it.
    try bench.install(try bench.source())
    used = try PluginStore(folder: bench.plugins).plugins(of: manifest)
    try bench.folder().uninstall("tables", PluginVersion(1, 0, 0), isForced: true)
    #expect(throws: AgentFailure.self) { try PluginStore(folder: bench.plugins).plugins(of: manifest) }
  }

  @Test func neededPluginsAreKnown() throws {
    for version in ["1.0.0", "1.1.0", "2.0.0"] { try bench.install(try bench.source("units", version)) }
    try bench.install(try bench.source(extra: #", "dependencies": ["units@1"]"#))
    let folder = bench.folder()
    func dependents(_ version: String) throws -> [String] {
      try folder.dependents(of: #require(try folder.list().first { $0.name == "units" && "\($0.version)" == version }))
    }
    #expect(try dependents("1.0.0") == [] && dependents("2.0.0") == [])
    try folder.uninstall("units", PluginVersion(1, 0, 0))
    #expect(try dependents("1.1.0") == ["tables@1.0.0"])
  }
}
