import Agent
import Linux
import Model
import Plugins
import TestKit
import Testing

@Suite struct PluginStoreTests {
  private let place: TemporaryFolder
  private let store: PluginStore

  init() throws {
    place = try TemporaryFolder()
    store = PluginStore(folder: place.path)
    for folder in ["tables@1.0.0", "tables@1.2.0", "tables@2.0.0-beta", "@x/maps@0.1.0", "draft", ".installing-7"] {
      try Files.makeFolder("\(place.path)/\(folder)")
    }
  }

  private func found(_ text: String) throws -> String? {
    try store.place(of: #require(PluginReference(text))).map { String($0.dropFirst(place.path.utf8.count + 1)) }
  }

  /// What mounts it works in another folder.
  @Test func thePathIsAbsoluteAlsoWhereTheFolderIsNot() throws {
    let folder = try TemporaryFolder(in: ".")
    try Files.makeFolder("\(folder.path)/tables@1.0.0")
    let manifest = Manifest(
      id: "a", name: "a", runtime: .init(driver: .process, entry: "a"), plugins: ["tables"], file: "agent.json")
    let found = try PluginStore(folder: folder.path).plugins(of: manifest)
    #expect(try found.map(\.path) == [Files.resolve("\(folder.path)/tables@1.0.0")])
  }

  @Test func newestVersionWithinTheRangeIsUsed() throws {
    #expect(try found("tables") == "tables@1.2.0")
    #expect(try found("tables@1.0.0") == "tables@1.0.0")
    #expect(try found("tables@2.0.0-beta") == "tables@2.0.0-beta")
    #expect(try found("@x/maps@^0.1.0") == "@x/maps@0.1.0")
    #expect(try found("tables@3") == nil && found("other") == nil)
    #expect(store.versions(of: "tables").map(\.description) == ["2.0.0-beta", "1.2.0", "1.0.0"])
  }

  @Test func lockedVersionIsUsedWhereItFits() throws {
    var lock = PluginLock()
    // The last one for others does not change what an older range gets.
    lock.order["tables"] = [try #require(PluginVersion("2.0.0-beta")), PluginVersion(1, 0, 0), PluginVersion(1, 2, 0)]
    try Files.replace("\(place.path)/lock.json", with: lock.contents)
    #expect(try found("tables") == "tables@1.0.0" && found("tables@^1.1") == "tables@1.2.0")
    // A version that is gone decides nothing.
    lock.order["tables"] = [PluginVersion(9, 0, 0)]
    try Files.replace("\(place.path)/lock.json", with: lock.contents)
    #expect(try found("tables") == "tables@1.2.0")
    // Without the lock file's word none of several is taken silently.
    try Files.replace("\(place.path)/lock.json", with: [0x7B])
    let error = #expect(throws: PluginError.self) { try found("tables") }
    #expect(error?.description.contains("lock.json is damaged") == true)
    #expect(try found("tables@1.2.0") == "tables@1.2.0")
  }

  @Test func folderWithoutAVersionServesAnyRange() throws {
    #expect(try found("draft") == "draft" && found("draft@3") == "draft")
  }

  @Test func missingPluginIsNamedWithWhatThereIs() throws {
    var manifest = Manifest(id: "a", name: "a", runtime: .init(driver: .process, entry: "a"))
    manifest.plugins = ["tables@1", "tables@^4"]
    let error = #expect(throws: AgentFailure.self) { try store.plugins(of: manifest) }
    #expect(error?.reason == .startFailed)
    #expect(error?.message.contains("plugin 'tables@^4' of agent 'a' is not installed") == true)
    #expect(error?.message.contains("only version 2.0.0-beta, 1.2.0, 1.0.0") == true)
    manifest.plugins = ["tables@1", "@x/maps"]
    #expect(try store.plugins(of: manifest).map(\.name) == ["tables", "@x/maps"])
  }

  @Test func lockFileIsReadAsItIsWritten() throws {
    var lock = PluginLock()
    lock.order["@x/maps"] = [PluginVersion(0, 1, 0), PluginVersion(0, 0, 9)]
    lock.installed["@x/maps@0.1.0"] = .init(digest: "ab", signer: "ada", installed: "2026-01-02T03:04:05Z")
    lock.installed["tables@1.0.0"] = .init(digest: "cd", signer: nil, installed: "2026-01-02T03:04:06Z")
    try Files.replace("\(place.path)/lock.json", with: lock.contents)
    #expect(try PluginLock("\(place.path)/lock.json") == lock)
    #expect(try PluginLock("\(place.path)/none") == PluginLock())
  }
}
