import Linux
import Testing

/// The text of paths as the kernel reads it: byte by byte.
@Suite struct PathTests {
  /// A slash with a combining mark after it is one character to Swift.
  private let mark = "\u{301}"

  @Test func aSlashIsAByte() {
    #expect(Files.parts(of: "/a//b/") == ["a", "b"] && Files.parts(of: "/") == [] && Files.parts(of: "") == [])
    #expect(Files.parts(of: "../\(mark)x/..") == ["..", "\(mark)x", ".."])
    #expect(Files.name(of: "a/\(mark)b") == "\(mark)b" && Files.name(of: "/") == nil)
    #expect(Files.folder(of: "a/\(mark)b") == "a" && Files.folder(of: "/\(mark)") == "/")
    #expect(Files.isAbsolute("/\(mark)a") && !Files.isAbsolute("a/") && !Files.isAbsolute(""))
    #expect(Files.join("/home", "/\(mark)a") == "/\(mark)a" && Files.join("/home/", "a") == "/home/a")
  }

  @Test(
    arguments: [
      ("/a", "/a", ""), ("/a", "/a/b/c", "b/c"), ("/", "/a", "a"), ("/", "/", ""), ("/a/", "/a/b", "b"),
      ("/a", "/ab", nil), ("/a/b", "/a", nil), ("/a", "a", nil), ("/\u{65}\u{301}", "/\u{E9}/x", nil),
      ("/ä", "/ä/ü", "ü"), ("/a", "/a/\u{301}b", "\u{301}b"),
    ] as [(String, String, String?)])
  func whatLiesInAFolder(_ folder: String, _ path: String, _ rest: String?) {
    let found = Files.rest(of: path, in: folder)
    #expect(found.map { Array($0.utf8) } == rest.map { Array($0.utf8) })
    #expect(Files.contains(folder, path) == (rest != nil))
  }
}
