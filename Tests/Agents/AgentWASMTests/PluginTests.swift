import Agent
import Glibc
import Linux
import Model
import TestKit
import Testing

@testable import AgentWASM

/// Guests can read the plugin folder, and nothing else.
@Suite(.enabled(if: Workshop.engine != nil, "no engine: see the first line of output")) struct PluginTests {
  private let place: TemporaryFolder
  private var folder: String { place.path }
  private let files: GuestFiles
  private let quota = DescriptorQuota(20)

  init() throws {
    place = try TemporaryFolder()
    let folder = place.path
    let plugin = "\(folder)/plugins/tables"
    try Files.makeFolder("\(plugin)/sub")
    try Files.replace("\(plugin)/table.csv", with: Array("1,2,3\n".utf8))
    try Files.replace("\(plugin)/sub/deep", with: Array("deep".utf8))
    try Files.replace("\(folder)/secret", with: Array("secret".utf8))
    for (target, link) in [
      ("\(folder)/secret", "out"), ("..", "up"), ("table.csv", "inside"), ("/etc", "root"), ("sub", "folder"),
    ] {
      #expect(unsafe symlink(target, "\(plugin)/\(link)") == 0)
    }
    #expect(unsafe mkfifo("\(plugin)/pipe", 0o600) == 0)
    files = GuestFiles([PluginFolder(name: "/plugins/tables", path: plugin)], quota)
  }

  private func error(_ path: String, in number: UInt32 = 3) -> Int32? {
    do throws(GuestFault) {
      try files.close(try files.open(path, in: number, mustBeFolder: false))
      return nil
    } catch {
      guard case .refused(let error) = error else { return -1 }
      return error.number
    }
  }

  @Test func filesAreReadInPieces() throws {
    let file = try files.open("table.csv", in: 3, mustBeFolder: false)
    #expect(file == 4 && quota.used == 1)
    #expect(try files.read(file, at: nil, 4) == Array("1,2,".utf8))
    #expect(try files.read(file, at: nil, 100) == Array("3\n".utf8))
    #expect(try files.read(file, at: nil, 100) == [])
    #expect(try files.read(file, at: 2, 1) == Array("2".utf8))
    #expect(try files.status(file).size == 6)
    #expect(try files.status("sub", in: 3).kind == .folder)
    let sub = try files.open("sub", in: 3, mustBeFolder: true)
    #expect(try files.entries(sub).map(\.name) == ["deep"])
    #expect(try files.entries(3).map(\.name) == ["folder", "inside", "out", "pipe", "root", "sub", "table.csv", "up"])
    let deep = try files.open("deep", in: sub, mustBeFolder: false)
    #expect(try files.read(deep, at: nil, 9) == Array("deep".utf8))
    for number in [file, sub, deep] { try files.close(number) }
    #expect(quota.used == 0)
    #expect(throws: GuestFault.refused(.badDescriptor)) { try files.close(file) }
  }

  @Test func pathsCannotLeaveThePlugin() throws {
    #expect(error("table.csv") == nil && error("./sub/../table.csv") == nil && error(".") == nil)
    for path in ["..", "../tables", "sub/../..", "sub/../../../secret", "/etc/passwd", "/", "../../secret"] {
      #expect(error(path) == WASIError.notCapable.number, "\(path)")
    }
    for path in ["out", "inside", "up/tables/table.csv", "root/passwd", "folder/deep"] {
      #expect(error(path) == WASIError.link.number, "\(path)")
    }
    // Only regular files are opened: opening a pipe would wait for a writer.
    #expect(error("pipe") == WASIError.accessDenied.number)
    #expect(error("table.csv/x") == WASIError.notFolder.number)
    #expect(error("") == WASIError.notFound.number && error("none") == WASIError.notFound.number)
    #expect(error("table.csv", in: 4) == WASIError.badDescriptor.number)
    for number: UInt32 in [0, 1, 2, 4, 99, .max] { #expect(error(".", in: number) == WASIError.badDescriptor.number) }
    let sub = try files.open("sub", in: 3, mustBeFolder: true)
    #expect(error("..", in: sub) == WASIError.notCapable.number)
    #expect(error("../table.csv", in: sub) == WASIError.notCapable.number)
  }

  /// Random paths from path components, with a seeded generator.
  @Test func randomPathsCannotLeaveThePlugin() throws {
    let secret = try FileStatus("\(folder)/secret").inode
    let root = try FileStatus("/").inode
    let inside = Set(
      try ["", "/sub", "/sub/deep", "/table.csv"].map { try FileStatus("\(folder)/plugins/tables\($0)").inode })
    let pieces = [
      "..", ".", "/", "//", "sub", "deep", "table.csv", "up", "out", "root", "etc", "a", "\u{301}", "secret",
    ]
    var random = SeededGenerator(31)
    var found = 0
    for _ in 0..<5000 {
      let count = Int.random(in: 1...7, using: &random)
      let path = (0..<count).map { _ in pieces.randomElement(using: &random)! + (Bool.random(using: &random) ? "/" : "")
      }
      .joined()
      guard let status = try? files.status(path, in: 3) else { continue }
      found += 1
      // The status of a link itself is allowed; following it is not.
      #expect(status.inode != secret && status.inode != root)
      #expect(inside.contains(status.inode) || status.kind == .other, "\(path)")
    }
    #expect(found > 50)
  }

  @Test func descriptorsAreLimited() throws {
    for _ in 0..<GuestFiles.limit { _ = try files.open("table.csv", in: 3, mustBeFolder: false) }
    #expect(error("table.csv") == WASIError.tooManyFiles.number)
    // Another guest shares the rest of the common quota.
    var other: GuestFiles? = GuestFiles(files.plugins, quota)
    for _ in 0..<4 { _ = try other?.open("table.csv", in: 3, mustBeFolder: false) }
    #expect(throws: GuestFault.refused(.tooManyFiles)) {
      _ = try other?.open("table.csv", in: 3, mustBeFolder: false)
    }
    #expect(quota.used == 20)
    other = nil
    #expect(quota.used == 16)
    try files.close(7)
    #expect(try files.open(".", in: 3, mustBeFolder: true) == 7)
  }

  @Test func guestsFindTheirPlugins() throws {
    let bench = try GuestBench()
    let source = """
      IMPORT("wasi_snapshot_preview1", "fd_prestat_get") u32 prestat(u32, u32);
      IMPORT("wasi_snapshot_preview1", "fd_prestat_dir_name") u32 name(u32, u32, u32);
      IMPORT("wasi_snapshot_preview1", "path_open") u32 path_open(u32, u32, u32, u32, u32, u64, u64, u32, u32);
      IMPORT("wasi_snapshot_preview1", "fd_read") u32 fd_read(u32, u32, u32, u32);
      IMPORT("wasi_snapshot_preview1", "environ_get") u32 environ_get(u32, u32);
      IMPORT("wasi_snapshot_preview1", "path_unlink_file") u32 unlink(u32, u32, u32);
      HANDLE u32 handle(u32 e, u32 l) {
        static u32 pair[2]; static char text[64]; static u32 fd, count; static u32 vector[4];
        if (prestat(3, P(pair)) || pair[0] || prestat(4, P(pair)) != 8) return fail("no folder", 9);
        if (name(3, P(text), sizeof text)) return fail("no name", 7);
        log_write(6, P(text), pair[1]);
        if (path_open(3, 0, LIT("table.csv"), 1, 2, 2, 0, P(&fd)) != 76) return fail("created", 7);
        if (path_open(3, 0, LIT("table.csv"), 0, 2 | 64, 2, 0, P(&fd)) != 76) return fail("written", 7);
        if (path_open(3, 0, LIT("\\xFF"), 0, 2, 2, 0, P(&fd)) != 25) return fail("no text", 7);
        if (path_open(3, 0, LIT("../../secret"), 0, 2, 2, 0, P(&fd)) != 76) return fail("out", 3);
        if (unlink(3, LIT("table.csv")) != 52) return fail("removed", 7);
        if (path_open(3, 0, LIT("table.csv"), 0, 2, 2, 0, P(&fd))) return fail("not opened", 10);
        vector[0] = P(text); vector[1] = 2; vector[2] = P(text + 32); vector[3] = 32;
        if (fd_read(fd, P(vector), 2, P(&count)) || count != 6) return fail("not read", 8);
        log_write(6, P(text), 2); log_write(6, P(text + 32), 3);
        environ_get(P(pair), P(text)); log_write(6, P(text), 25); log_write(6, P(text + 26), 17);
        return ok();
      }
      """
    try #require(Workshop.isReady)
    try Files.makeFolder("\(bench.folder)/plugins/tables")
    try Files.replace("\(bench.folder)/plugins/tables/table.csv", with: Array("1,2,3\n".utf8))
    var manifest = try bench.manifest(try Workshop.build(source, in: bench.folder))
    manifest.plugins = ["tables@1"]
    let started: Result<any AgentInstance, AgentFailure> = bench.wait {
      bench.driver.start(manifest, host: bench.host, ended: { _ in }, $0)
    }
    let instance = try started.get()
    let result: Result<Void, AgentFailure> = bench.wait { instance.activate(GuestBench.event, $0) }
    #expect(result.failureText == "")
    #expect(
      bench.host.log == [
        "info /plugins/tables", "info 1,", "info 2,3", "info OPENSTARRY_AGENT_ID=guest", "info OPENSTARRY_HOME=/",
      ])
    manifest.plugins = ["maps@2"]
    let refused = #expect(throws: AgentFailure.self) { try bench.driver.validate(manifest) }
    #expect(refused?.message.contains("plugin 'maps@2' of agent 'guest' is not installed") == true)
    #expect(refused?.message.contains("/plugins/maps@2 or ") == true)
  }
}
