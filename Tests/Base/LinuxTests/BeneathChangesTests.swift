import Glibc
import TestKit
import Testing

@testable import Linux

/// Files below a folder that are read and changed by untrusted paths.
@Suite struct BeneathChangesTests {
  private let folder: TemporaryFolder
  private let root: String

  init() throws {
    folder = try TemporaryFolder()
    root = "\(folder.path)/root"
    try folder.write("root/a.txt", "hello")
    try folder.write("secret.txt", "secret")
    for (target, name) in [("../secret.txt", "out"), ("a.txt", "near"), ("..", "up"), ("../new.txt", "dangling")] {
      let made = unsafe symlink(target, "\(root)/\(name)")
      try #require(made == 0)
    }
    let made = unsafe mkfifo("\(root)/pipe", 0o600)
    try #require(made == 0)
  }

  private func errno(_ action: () throws(SystemError) -> Void) -> Int32 {
    do throws(SystemError) {
      try action()
      return 0
    } catch { return error.errno }
  }

  @Test func partsOfAFile() throws {
    let (bytes, size) = try Beneath.part(of: "a.txt", in: root, at: 1, limit: 3)
    #expect(bytes == Array("ell".utf8) && size == 5)
    #expect(try Beneath.part(of: ".", in: "\(root)/a.txt", at: 0, limit: 9).bytes == Array("hello".utf8))
    #expect(try Beneath.part(of: "a.txt", in: root, at: 9, limit: 3).bytes == [])
    for (path, number) in [
      ("out", ELOOP), ("near", ELOOP), ("up/secret.txt", ELOOP), ("../secret.txt", EXDEV), ("/etc/passwd", EXDEV),
      (".", EISDIR), ("pipe", EACCES), ("none", ENOENT), ("a.txt/x", ENOTDIR),
    ] {
      #expect(
        errno { () throws(SystemError) in _ = try Beneath.part(of: path, in: root, at: 0, limit: 9) } == number,
        "\(path)")
    }
  }

  @Test func changesStayInside() throws {
    try Beneath.write([1, 2, 3], to: "a.txt", in: root)
    try Beneath.write([4], to: "a.txt", in: root)
    #expect(try folder.bytes("root/a.txt") == [4])
    try Beneath.makeFolder("b", in: root)
    try Beneath.makeFolder("b", in: root)
    try Beneath.write([5], to: "b/c", in: root)
    #expect(errno { () throws(SystemError) in try Beneath.remove("b", in: root) } == ENOTEMPTY)
    try Beneath.remove("b/c", in: root)
    try Beneath.remove("b", in: root)
    #expect(!Files.exists("\(root)/b"))

    for path in ["out", "dangling", "up/new.txt", "../new.txt", "/tmp/new.txt", "pipe", ".", "none/new.txt"] {
      #expect(errno { () throws(SystemError) in try Beneath.write([9], to: path, in: root) } != 0, "\(path)")
    }
    for path in ["up/new", "../new", "/new", "a.txt", "none/new"] {
      #expect(errno { () throws(SystemError) in try Beneath.makeFolder(path, in: root) } != 0, "\(path)")
    }
    for path in ["up/secret.txt", "../secret.txt", "none", "."] {
      #expect(errno { () throws(SystemError) in try Beneath.remove(path, in: root) } != 0, "\(path)")
    }
    // To Swift, a slash with a combining mark after it is another character.
    let mark = "\u{301}"
    for path in ["../\(mark)evil", "b/../../\(mark)evil", "..", "b/..", "/", ""] {
      #expect(errno { () throws(SystemError) in try Beneath.makeFolder(path, in: root) } != 0, "\(path)")
      #expect(errno { () throws(SystemError) in try Beneath.remove(path, in: root) } != 0, "\(path)")
    }
    try Beneath.makeFolder(mark, in: root)
    try Beneath.makeFolder("\(mark)/\(mark)b/", in: root)
    #expect(Files.isFolder("\(root)/\(mark)/\(mark)b"))
    try Beneath.remove("\(mark)/\(mark)b", in: root)
    #expect(try Files.names(in: "\(root)/\(mark)") == [])
    try Beneath.remove(mark, in: root)

    // A link is removed, not what it leads to.
    try Beneath.remove("out", in: root)
    #expect(try folder.bytes("secret.txt") == Array("secret".utf8))
    #expect(folder.names == ["root", "secret.txt"])
  }
}
