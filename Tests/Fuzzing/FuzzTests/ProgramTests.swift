import Linux
import TestKit
import Testing

/// Tests the fuzzer with `PlantedTarget`: it finds inputs that crash the process like any others.
@Suite struct ProgramTests {
  private func run(_ words: [String], _ folder: TemporaryFolder) throws -> Int32 {
    let null = try System.open("/dev/null", 1)
    // Keep the fuzzer's output separate from the tests' output.
    return try Spawn.wait(
      for: Spawn.start(
        "/bin/sh", ["sh", "-c", "exec \"$0\" \"$@\" >&3", Beside.path("fuzz"), "--target", "planted"] + words,
        descriptors: [null.number]))
  }

  private func found(_ folder: TemporaryFolder) throws -> [String] {
    guard Files.isFolder("\(folder.path)/planted") else { return [] }
    return try Files.names(in: "\(folder.path)/planted").map {
      String(decoding: try folder.bytes("planted/\($0)"), as: UTF8.self)
    }
  }

  @Test func everyKindOfFaultIsFound() throws {
    let folder = try TemporaryFolder()
    let words = ["--seed", "1", "--runs", "600", "--for", "10m", "--seconds", "1", "--failures", "10"]
    #expect(try run(words + ["--found", folder.path], folder) == 1)
    let found = try found(folder)
    for fault in ["trap", "spin", "hoard", "leak", "wrong"] {
      #expect(found.contains { $0.contains(fault) }, "\(fault) is not among \(found)")
    }
    // An input that crashes the process is shrunk to the word that does it.
    #expect(found.contains("trap"), "\(found)")
  }

  @Test func oneInputCanBeRunAgain() throws {
    let folder = try TemporaryFolder()
    for (text, code) in [("right", 0), ("wrong", 1), ("trap", 1)] as [(String, Int32)] {
      try folder.write("input", text)
      #expect(try run(["--input", "\(folder.path)/input"], folder) == code, "\(text)")
    }
    #expect(try run(["--input", "\(folder.path)/nothing"], folder) == 1)
    #expect(try run(["--wrong", "1"], folder) == 64)
    #expect(try run(["--help"], folder) == 0)
  }
}
