import Glibc
import Linux
import TestKit
import Testing

/// Installations and removals of plugins that are killed before each of their changes to the disk.
@Suite(.enabled(if: Killer.library != nil, "no C compiler: \(Killer.absence)")) struct PluginKillTests {
  private let station: Station

  init() throws {
    station = try Station(
      files: [
        "board.yaml": quietBoard, "tables/data.csv": "20,2338\n", "tables/more/data.csv": "30,4246\n",
        "tables/plugin.json": #"{"name": "tables", "version": "1.0.0"}"#,
      ])
    try station.write("openstarry.yaml", "board: board.yaml\nplugins: shelf\nunsigned_plugins: allow\n")
  }

  /// Runs `openstarry plugin` and kills it before its change number `step`.
  /// - Returns: whether it was killed.
  private func isKilled(_ words: [String], at step: Int) throws -> Bool {
    let library = try #require(Killer.library)
    let command = try station.start(
      "openstarry", ["plugin"] + words, ["LD_PRELOAD": library, "KILL_AT": "\(step)"])
    let code = command.wait()
    #expect(code == 0 || code == 128 + SIGKILL, "\(step): \(code as Any) \(command.errors)")
    return code != 0
  }

  /// Kills a command at each step, from `before` on, and looks at what is there.
  private func sweep(_ words: [String], before: () throws -> Void) throws -> (steps: Int, present: Int) {
    var (step, present) = (0, 0)
    while true {
      try before()
      step += 1
      let isKilled = try isKilled(words, at: step)
      let list = try station.run("plugin", "list")
      #expect(list.code == 0, "\(step): \(list.errors)")
      let isThere = list.output.contains("tables")
      present += isThere ? 1 : 0
      let verify = try station.run("plugin", "verify")
      #expect(verify.code == 0, "\(step): \(verify.output) \(verify.errors)")
      #expect(verify.output.contains("tables@1.0.0: as it was installed") == isThere, "\(step): \(verify.output)")
      if !isKilled { return (step, present) }
      try #require(step < 500)
    }
  }

  @Test(arguments: ["tables", "tables.tar.gz"]) func anInstallationIsThereAsAWholeOrNotAtAll(_ source: String) throws {
    let archive = try station.start("tar", ["-czf", "tables.tar.gz", "tables"])
    try #require(archive.wait() == 0)
    let (steps, present) = try sweep(["install", source]) {
      _ = try station.run("plugin", "uninstall", "tables")
    }
    // Some at its end, when it is there, and the last, which nobody kills.
    #expect(steps > 10 && present > 1 && present < steps, "\(present) of \(steps)")
    #expect(try Files.names(in: "\(station.folder)/shelf") == [".listings", ".lock", "lock.json", "tables@1.0.0"])
  }

  @Test func aRemovalIsWholeOrNotAtAll() throws {
    let (steps, present) = try sweep(["uninstall", "tables"]) {
      if try !station.run("plugin", "list").output.contains("tables") {
        #expect(try station.run("plugin", "install", "tables").code == 0)
      }
    }
    #expect(steps > 3 && present > 0 && present < steps, "\(present) of \(steps)")
    #expect(try station.run("plugin", "install", "tables").code == 0)
    #expect(try Files.names(in: "\(station.folder)/shelf") == [".listings", ".lock", "lock.json", "tables@1.0.0"])
  }
}

/// A library that kills its process before a change to the disk; $KILL_AT counts them from 1.
private enum Killer {
  static let library: String? = try? made.get()
  static let absence: String = if case .failure(let error) = made { "\(error)" } else { "" }

  private static let place = try! TemporaryFolder()
  private static let made: Result<String, any Error> = Result {
    let folder = place
    atexit { TemporaryFolder.remove(Killer.place.path) }
    try folder.write("kill.c", text)
    let words = ["-shared", "-fPIC", "-o", "\(folder.path)/kill.so", "\(folder.path)/kill.c"]
    guard try Spawn.wait(for: Spawn.start("/usr/bin/env", ["env", "clang"] + words)) == 0 else {
      throw Failure(text: "clang fails")
    }
    return "\(folder.path)/kill.so"
  }

  private struct Failure: Error { let text: String }

  private static let text = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <signal.h>
    #include <stdlib.h>
    #include <sys/stat.h>
    #include <unistd.h>
    static int left = -1;
    static void step(void) {
      if (left < 0) left = getenv("KILL_AT") ? atoi(getenv("KILL_AT")) : 0;
      if (left > 0 && --left == 0) kill(getpid(), SIGKILL);
    }
    #define CHANGE(type, name, parameters, arguments) \
      type name parameters { \
        static type (*real) parameters; \
        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
        step(); \
        return real arguments; \
      }
    CHANGE(int, rename, (const char *a, const char *b), (a, b))
    CHANGE(int, renameat, (int f, const char *a, int g, const char *b), (f, a, g, b))
    CHANGE(int, renameat2, (int f, const char *a, int g, const char *b, unsigned flags), (f, a, g, b, flags))
    CHANGE(int, mkdir, (const char *a, mode_t mode), (a, mode))
    CHANGE(int, mkdirat, (int f, const char *a, mode_t mode), (f, a, mode))
    CHANGE(int, unlink, (const char *a), (a))
    CHANGE(int, unlinkat, (int f, const char *a, int flags), (f, a, flags))
    CHANGE(int, rmdir, (const char *a), (a))
    CHANGE(int, fsync, (int f), (f))
    CHANGE(int, fdatasync, (int f), (f))
    CHANGE(int, fchmod, (int f, mode_t mode), (f, mode))
    CHANGE(int, fchmodat, (int f, const char *a, mode_t mode, int flags), (f, a, mode, flags))
    CHANGE(int, chmod, (const char *a, mode_t mode), (a, mode))
    CHANGE(int, link, (const char *a, const char *b), (a, b))
    CHANGE(ssize_t, write, (int f, const void *bytes, size_t count), (f, bytes, count))
    CHANGE(ssize_t, pwrite, (int f, const void *bytes, size_t count, off_t place), (f, bytes, count, place))
    """#
}
