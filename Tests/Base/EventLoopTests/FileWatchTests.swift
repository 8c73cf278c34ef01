import CLinux
import Linux
import Model
import TestKit
import Testing

@testable import EventLoop

@Suite struct FileWatchTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func link(_ target: String) throws {
    let path = "\(folder.path)/localtime"
    // SAFETY: the texts are valid during the calls.
    let isMade = unsafe symlink(target, "\(path).new") == 0 && rename("\(path).new", path) == 0
    #expect(isMade)
  }

  /// The ways of timedatectl and of a package: a new link, a new file, new contents.
  @Test func everyWayToChangeAFileIsSeen() throws {
    let loop = try EventLoop()
    try folder.write("other", "x")
    try link("a")
    var seen = 0
    try loop.watchFile("\(folder.path)/localtime") { seen += 1 }
    let changes: [() throws -> Void] = [
      { try link("b") }, { TemporaryFolder.remove("\(folder.path)/localtime") },
      { try folder.write("localtime", "1") }, { try folder.write("localtime", "2") },
    ]
    for change in changes {
      let before = seen
      try change()
      #expect(loop.turn { seen > before })
    }
  }

  @Test func otherFilesInTheFolderDoNotMatter() throws {
    let loop = try EventLoop()
    var seen = 0
    try loop.watchFile("\(folder.path)/localtime") { seen += 1 }
    for name in ["local", "localtime2", "localtime.new", "time"] { try folder.write(name, "x") }
    try folder.write("localtime", "x")
    #expect(loop.turn { seen > 0 })
    #expect(seen == 1)
  }

  @Test func aMissingFolderIsAnError() throws {
    let loop = try EventLoop()
    #expect(throws: SystemError.self) { try loop.watchFile("\(folder.path)/none/localtime") {} }
  }

  /// Watching the clock causes no turns unless the clock is set.
  @Test func watchingTheClockCausesNoWakeUps() throws {
    let loop = try EventLoop()
    try loop.watchClock { Issue.record("nobody has set the clock") }
    var done = false
    loop.schedule(after: .milliseconds(20)) { done = true }
    #expect(loop.turn { done })
    #expect(loop.turns <= 3)
  }
}
