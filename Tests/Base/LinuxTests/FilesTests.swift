import Glibc
import Linux
import TestKit
import Testing

/// The errno of the error that `body` throws; nil for success.
func errorNumber(_ body: () throws(SystemError) -> Void) -> Int32? {
  do throws(SystemError) {
    try body()
    return nil
  } catch {
    return error.errno
  }
}

@Suite struct FilesTests {
  @Test func filesAreReplacedReadAndListed() throws {
    let folder = try TemporaryFolder()
    let file = "\(folder.path)/a"
    try Files.replace(file, with: [1, 2, 3], mode: 0o600)
    #expect(try Files.read(file) == [1, 2, 3])
    try Files.replace(file, with: [])
    #expect(try Files.read(file) == [])
    let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    try Files.replace("\(folder.path)/b", with: large)
    #expect(try Files.read("\(folder.path)/b") == large)
    #expect(try Files.names(in: folder.path) == ["a", "b"])
    #expect(Files.size("\(folder.path)/b") == 300_000)
    #expect(Files.isFile(file) && !Files.isFolder(file) && Files.exists(file))
    #expect(Files.isFolder(folder.path) && Files.size(folder.path) == nil)
  }

  @Test func readingIsBounded() throws {
    let folder = try TemporaryFolder()
    let file = "\(folder.path)/a"
    try Files.replace(file, with: Array(repeating: 7, count: 100))
    #expect(try Files.read(file, limit: 100).count == 100)
    #expect(errorNumber { () throws(SystemError) in _ = try Files.read(file, limit: 99) } == EFBIG)
    #expect(errorNumber { () throws(SystemError) in _ = try Files.read("/dev/zero") } == SystemError.notRegular)
    #expect(errorNumber { () throws(SystemError) in _ = try Files.read(folder.path) } == EISDIR)
    #expect(errorNumber { () throws(SystemError) in _ = try Files.read("\(file)/x") } == ENOTDIR)
    _ = unsafe mkfifo("\(folder.path)/fifo", 0o600)
    // A pipe without another end neither blocks nor counts as empty.
    let fifo = "\(folder.path)/fifo"
    for flags in [O_RDONLY, O_WRONLY, O_RDWR] {
      #expect(
        errorNumber { () throws(SystemError) in _ = try Files.open(fifo, flags).number } == SystemError.notRegular)
    }
    #expect(errorNumber { () throws(SystemError) in try Files.copy(fifo, to: "\(file)2") } == SystemError.notRegular)
    #expect(errorNumber { () throws(SystemError) in try Files.copy(file, to: fifo) } == SystemError.notRegular)
    do throws(SystemError) { _ = try Files.read(fifo) } catch {
      #expect(error.description == "open \(fifo): it is not a regular file")
    }
  }

  @Test func linksThatLeadNowhereAreEntries() throws {
    let folder = try TemporaryFolder()
    let link = "\(folder.path)/link"
    #expect(!Files.hasEntry(link) && Files.target(ofLink: link) == nil)
    #expect(unsafe symlink("nowhere", link) == 0)
    #expect(Files.hasEntry(link) && !Files.exists(link) && Files.target(ofLink: link) == "nowhere")
    #expect(Files.hasEntry(folder.path) && Files.target(ofLink: folder.path) == nil)
  }

  @Test func aFailedReplacementKeepsTheOldFile() throws {
    let folder = try TemporaryFolder()
    #expect(errorNumber { () throws(SystemError) in try Files.replace("\(folder.path)/no/a", with: [1]) } == ENOENT)
    try Files.makeFolder("\(folder.path)/a")
    #expect(errorNumber { () throws(SystemError) in try Files.replace("\(folder.path)/a", with: [1]) } == EISDIR)
    #expect(try Files.names(in: folder.path) == ["a"])
  }

  /// A link planted at the path of the temporary file must not be followed.
  @Test func aReplacementFollowsNoPlantedLink() throws {
    let folder = try TemporaryFolder()
    try Files.replace("\(folder.path)/victim", with: [9])
    _ = unsafe symlink("\(folder.path)/victim", "\(folder.path)/a.new")
    _ = errorNumber { () throws(SystemError) in try Files.replace("\(folder.path)/a", with: [1]) }
    #expect(try Files.read("\(folder.path)/victim") == [9])
  }

  @Test func foldersAreMadeOnce() throws {
    let folder = try TemporaryFolder()
    try Files.makeFolder("\(folder.path)/x")
    try Files.makeFolder("\(folder.path)/x")
    #expect(Files.isFolder("\(folder.path)/x"))
    try Files.replace("\(folder.path)/f", with: [])
    #expect(errorNumber { () throws(SystemError) in try Files.makeFolder("\(folder.path)/f/y") } == ENOTDIR)
    #expect(errorNumber { () throws(SystemError) in try Files.makeFolder("\(folder.path)/f") } == ENOTDIR)
  }

  @Test func linksAreResolved() throws {
    let folder = try TemporaryFolder()
    let real = try Files.resolve(folder.path)
    try Files.replace("\(folder.path)/f", with: [])
    _ = unsafe symlink("f", "\(folder.path)/link")
    #expect(try Files.resolve("\(folder.path)/./link") == "\(real)/f")
    #expect(errorNumber { () throws(SystemError) in _ = try Files.resolve("\(folder.path)/none") } == ENOENT)
  }

  @Test func filesAreMovedAndCopied() throws {
    let folder = try TemporaryFolder()
    let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try Files.replace("\(folder.path)/a", with: content)
    try Files.copy("\(folder.path)/a", to: "\(folder.path)/b")
    try Files.move("\(folder.path)/a", to: "\(folder.path)/c")
    #expect(try Files.names(in: folder.path) == ["b", "c"])
    #expect(try Files.read("\(folder.path)/b") == content)
    #expect(try Files.read("\(folder.path)/c") == content)
    #expect(Files.remove("\(folder.path)/b") && Files.remove("\(folder.path)/b"))
    #expect(
      errorNumber { () throws(SystemError) in try Files.move("\(folder.path)/b", to: "\(folder.path)/d") } == ENOENT)
  }

  @Test func pathsAreJoinedAndSplit() {
    #expect(Files.folder(of: "/a/b") == "/a")
    #expect(Files.folder(of: "/a") == "/")
    #expect(Files.folder(of: "a") == ".")
    #expect(Files.join("/a", "b") == "/a/b")
    #expect(Files.join("/", "b") == "/b")
    #expect(Files.join("/a/", "b") == "/a/b")
    #expect(Files.join(".", "b") == "b")
    #expect(Files.join("/a", "/b") == "/b")
  }

  @Test func pathsAreResolvedAsFarAsTheyExist() throws {
    let folder = try TemporaryFolder()
    try folder.write("real/file", "x")
    #expect(unsafe symlink("\(folder.path)/real", "\(folder.path)/link") == 0)
    let real = try Files.resolve("\(folder.path)/real")
    #expect(Files.resolveExisting("\(folder.path)/link/file") == "\(real)/file")
    #expect(Files.resolveExisting("\(folder.path)/link/missing/../x") == "\(real)/missing/../x")
    #expect(Files.resolveExisting("/missing/x") == "/missing/x" && Files.resolveExisting("missing") == "missing")
  }
}
