import Glibc
import Linux
import Plugins
import TestKit
import Testing

@testable import PluginInstallation

/// Archives are untrusted: none can put anything elsewhere, and a refused one leaves nothing behind.
@Suite struct ArchiveTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  @Test(arguments: ["a.tar", "a.tar.gz", "a.tar.xz", "a.zip"])
  func archivesAreUnpacked(_ name: String) throws {
    let path = try bench.archive(
      name,
      """
      add('tables-1/plugin.json', MANIFEST)
      add('tables-1/sub/größe.csv', b'1,2' * 50000)
      add('tables-1/run', b'#!/bin/sh', mode=0o755)
      """)
    #expect(try bench.install(path).manifest.folder == "tables@1.0.0")
    let place = "\(bench.plugins)/tables@1.0.0"
    #expect(try Files.read("\(place)/sub/größe.csv").count == 150_000)
    #expect(try FileStatus("\(place)/run").mode & 0o777 == 0o755)
    #expect(try FileStatus("\(place)/plugin.json").mode & 0o777 == 0o644)
    #expect(try Files.names(in: bench.plugins) == [".listings", ".lock", "lock.json", "tables@1.0.0"])
  }

  @Test(arguments: [
    ("add('../evil', b'x')", "'../evil' is refused: its path leads out"),
    ("add('a/../../evil', b'x')", "'a/../../evil' is refused: its path leads out"),
    ("add('/etc/evil', b'x')", "'/etc/evil' is refused: its path is absolute"),
    // A slash with a combining mark after it is one character to Swift, and a slash to the kernel.
    ("add('../\u{301}evil', b'x')", "is refused: its path leads out"),
    ("add('/\u{301}evil', b'x')", "is refused: its path is absolute"),
    ("add('link', type=tarfile.SYMTYPE, linkname='/etc/passwd')", "'link' is refused: it is a symbolic link"),
    ("add('inside', type=tarfile.SYMTYPE, linkname='plugin.json')", "'inside' is refused: it is a symbolic link"),
    ("add('hard', type=tarfile.LNKTYPE, linkname='plugin.json')", "'hard' is refused: it is a hard link"),
    ("add('null', type=tarfile.CHRTYPE, devmajor=1, devminor=3)", "'null' is refused: it is a device"),
    ("add('disk', type=tarfile.BLKTYPE, devmajor=8)", "'disk' is refused: it is a device"),
    ("add('pipe', type=tarfile.FIFOTYPE)", "'pipe' is refused: it is a device, a pipe"),
    ("add('su', b'x', mode=0o4755)", "'su' is refused: it has the set-user-id"),
    ("add('sg', b'x', mode=0o2755)", "'sg' is refused: it has the set-user-id, set-group-id"),
    ("add('twice', b'x'); add('twice', b'y')", "'twice' is refused: it is there twice"),
    ("add('./twice', b'x'); add('twice', b'y')", "'twice' is refused: it is there twice"),
    ("add('A', b'x'); add('a', b'y')", "'a' is refused: it differs from 'A' only in upper and lower case"),
    ("add('É/x', b'x'); add('é/y', b'y')", "differs from 'É' only in upper and lower case"),
    ("add('a', b'x'); add('a/b', b'y')", "'a' is refused: it is a file and a folder"),
    (#"add('a\\\\b', b'x')"#, "or a backslash"),
    (#"add('a\\x1b[2J', b'x')"#, "a control character"),
    (#"add('a\\nb', b'x')"#, "'a\\nb' is refused"),
    (#"add('a\\u202eb', b'x')"#, "a format character"),
    ("add('d/' * 40 + 'x', b'x')", "more than 32 folders deep"),
    ("add('n' * 300, b'x')", "longer than 255 bytes"),
    ("add('bomb', b'\\0' * (300 << 20))", "'bomb' is refused: the archive unpacks to more than 200 times its size"),
    ("[add('f%d' % number) for number in range(10001)]", "there are more than 10000 entries"),
  ])
  func hostileEntriesAreRefusedByName(_ script: String, _ why: String) throws {
    let path = try bench.archive("a.tar.gz", "add('plugin.json', MANIFEST)\n\(script)")
    let refusal = try #require(bench.refusal(path))
    #expect(refusal.contains(why), "\(refusal)")
    #expect(!Files.exists("\(bench.place.path)/evil") && !Files.exists("/etc/evil"))
  }

  @Test func zipEntriesAreHeldToTheSameRules() throws {
    for (script, why) in [
      ("add('../evil', b'x')", "its path leads out"), ("add('/evil', b'x')", "its path is absolute"),
      ("add('link', b'/etc/passwd', mode=0o120777)", "it is a symbolic link"),
      // libarchive reads a backslash in a zip as a slash.
      (#"add('..\\\\evil', b'x')"#, "its path leads out"), ("add('a', b'x'); add('a', b'y')", "it is there twice"),
    ] {
      let path = try bench.archive("a.zip", "add('plugin.json', MANIFEST)\n\(script)")
      #expect(bench.refusal(path)?.contains(why) == true, "\(script)")
    }
  }

  @Test func damagedArchivesAreRefused() throws {
    let whole = try Files.read(
      try bench.archive("a.tar.gz", "add('plugin.json', MANIFEST); add('x', bytes(range(256)) * 500)"))
    var dice = SeededGenerator(7)
    for _ in 0..<60 {
      var damaged = whole
      if Bool.random(using: &dice) {
        damaged.removeLast(Int.random(in: 1..<whole.count, using: &dice))
      } else {
        damaged[Int.random(in: 0..<whole.count, using: &dice)] ^= UInt8.random(in: 1...255, using: &dice)
      }
      let path = "\(bench.place.path)/damaged"
      try Files.replace(path, with: damaged)
      // Either it is refused, or the damage is where nothing reads it, as in the time of the gzip header.
      if let refusal = bench.refusal(path) {
        #expect(!refusal.isEmpty)
      } else {
        try bench.folder().uninstall("tables", PluginVersion(1, 0, 0))
      }
    }
    try Files.replace("\(bench.place.path)/text", with: Array("not an archive".utf8))
    let text = try #require(bench.refusal("\(bench.place.path)/text"))
    #expect(
      text.contains("/text: the archive is damaged, or no archive") && text.contains("Unrecognized archive format"))
    let long = String(repeating: "n", count: 30_000)
    let named = try bench.archive("long.tar", "add('\(long)', b'x')")
    #expect(try #require(bench.refusal(named)).utf8.count < 500)
    #expect(bench.refusal("\(bench.place.path)/none")?.hasSuffix("no such file or folder") == true)
  }

  @Test func cutOffArchiveIsCalledThat() throws {
    let path = try bench.archive("a.tar", "add('plugin.json', MANIFEST); add('x', b'x' * 100000)")
    try Files.replace(path, with: Array(try Files.read(path).prefix(60_000)))
    #expect(bench.refusal(path)?.contains("Truncated tar archive") == true, "\(bench.refusal(path) ?? "")")
  }

  /// The unpacker can do nothing but read and write its two descriptors, so a fault in it gains nothing.
  @Test func unpackerHasNoRights() throws {
    let path = try bench.archive("a.tar", "add('plugin.json', MANIFEST)")
    let status = try confinement(of: path)
    #expect(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "\(status)")
  }

  /// /proc/PID/status of an unpacker that waits for more of its archive.
  private func confinement(of archive: String) throws -> String {
    let input = try System.pipe()
    let output = try System.pipe()
    let ends = [input.reading, input.writing, output.reading, output.writing].map { Descriptor(owning: $0).release() }
    defer { for end in ends { _ = Descriptor(owning: end) } }
    var plan = SpawnPlan(Beside.path("openstarry-unpack"), ["openstarry-unpack"])
    plan.input = .descriptor(input.reading)
    plan.output = .descriptor(output.writing)
    let child = try Spawn.start(plan)
    defer {
      kill(child, SIGKILL)
      _ = try? Spawn.wait(for: child)
    }
    try System.writeAll(input.writing, Array(try Files.read(archive).prefix(512)))
    var status = ""
    for _ in 0..<1000 where !status.contains("Seccomp:\t2") {
      usleep(10_000)
      status = String(decoding: try Files.read("/proc/\(child)/status"), as: UTF8.self)
    }
    return status
  }
}
