import Glibc
import Linux
import Model
import Testing

/// A plugin from its author to an agent, by the built programs.
@Suite struct PluginTests {
  private let station: Station

  init() throws {
    station = try Station(
      files: [
        "board.yaml": quietBoard, "tables/data.csv": "20,2338\n",
        "tables/plugin.json": #"{"name": "tables", "version": "1.0.0", "description": "vapour pressure"}"#,
        "agents/climate/agent.json": """
        {"identity": {"id": "climate", "name": "Climate"},
         "runtime": {"driver": "in-process", "entry": "climate", "lifecycle": "on-demand"},
         "capabilities": {"plugins": ["tables@^1.0"]}}
        """,
      ])
  }

  @Test func pluginIsSignedTrustedInstalledVerifiedAndRemoved() throws {
    #expect(try station.run("plugin", "list").output == "no plugins in home/plugins\n")
    let unsigned = try station.run("plugin", "install", "tables")
    #expect(unsigned.code == 1 && unsigned.errors.contains("tables@1.0.0 is not signed: 'openstarry plugin sign'"))
    #expect(try station.run("plugin", "key", "author").output.contains("author.pub: the public key, "))
    #expect(try station.run("plugin", "sign", "tables", "--key", "author").output == "tables@1.0.0 is signed\n")
    #expect(try station.run("plugin", "install", "tables").errors.contains("signed by a key that is not trusted"))
    #expect(try station.run("plugin", "trust", "ada", "author.pub").output.contains("  ada\n"))
    #expect(try station.run("plugin", "install", "tables").output == "tables@1.0.0 installed, signed by ada\n")
    let list = try station.run("plugin", "list")
    #expect(list.lines.count == 2 && list.output.contains("yes     ada"), "\(list.output)")
    #expect(try station.run("plugin", "info", "tables").output.contains("description  vapour pressure\n"))
    #expect(try station.run("plugin", "verify").output == "tables@1.0.0: as it was installed\n")
    #expect(try station.run("plugin", "info", "other").code == 5)

    let daemon = try station.daemon()
    let used = try station.run("plugin", "uninstall", "tables")
    #expect(used.code == 7 && used.errors.contains("tables@1.0.0 is used by climate"), "\(used.errors)")
    try station.write("home/plugins/tables@1.0.0/data.csv", "20,9999\n")
    let damaged = try station.run("plugin", "verify", "--json")
    let differences = damaged.json?["plugins"]?.list?.first?["differences"]?.list
    #expect(damaged.code == 1 && differences == ["'data.csv' has changed"])
    #expect(try station.run("plugin", "uninstall", "tables", "--force").output == "tables@1.0.0 removed\n")
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    #expect(try station.run("plugin", "verify", "tables").code == 5)
  }

  @Test func settingAllowsUnsignedPlugins() throws {
    try station.write("openstarry.yaml", "board: board.yaml\nplugins: shelf\nunsigned_plugins: allow\n")
    #expect(try station.run("plugin", "install", "tables").output == "tables@1.0.0 installed, unsigned\n")
    #expect(try Files.read("\(station.folder)/shelf/tables@1.0.0/data.csv") == Array("20,2338\n".utf8))
    #expect(try FileStatus("\(station.folder)/shelf/tables@1.0.0").mode & 0o777 == 0o755)
    // Whatever the umask: agents of another user read plugins.
    try station.write("other/plugin.json", #"{"name": "other", "version": "1.0.0"}"#)
    let program = try Station.executable("openstarry")
    let careful = try station.start("/bin/sh", ["-c", "umask 077; exec \(program) plugin install other"])
    #expect(careful.wait() == 0, "\(careful.errors)")
    #expect(try FileStatus("\(station.folder)/shelf/other@1.0.0").mode & 0o777 == 0o755)
    #expect(try station.run("plugin", "verify", "other").output == "other@1.0.0: as it was installed\n")
    #expect(try station.run("plugin", "install", "nowhere").code == 5)
    try station.write("openstarry.yaml", "board: board.yaml\nunsigned_plugins: yes\n")
    #expect(try station.run("plugin", "list").errors.contains("openstarry.yaml:2:19: 'unsigned_plugins' is"))
  }
}
