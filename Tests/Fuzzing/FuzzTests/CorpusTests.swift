import FuzzKit
import TestKit
import Testing

/// Runs every stored input once, as a regression test.
@Suite struct CorpusTests {
  @Test(arguments: [
    "board", "agent", "rules", "settings", "cel", "cbor", "control", "mcp", "guardian", "launcher", "proxy", "model",
    "link", "process", "module", "plugin",
  ])
  func storedInputsPass(_ name: String) throws {
    let folder = try TemporaryFolder(in: "/dev/shm")
    let targets = FuzzTargets.all(
      in: folder.path, program: Beside.path("fuzz"), guardian: Beside.path("openstarry-guardian"))
    let target = try #require(targets.first { $0.name == name })
    let kept = try Corpus.read(target)
    #expect(!kept.isEmpty)
    let session = FuzzSession(target, seed: 1, inputs: kept.map(\.input))
    for (file, input) in kept {
      do { try session.begin(with: input) } catch { Issue.record("\(name)/\(file): \(error)") }
    }
    #expect(session.reach.marks > 0)
  }

  @Test func everyTargetHasACorpus() throws {
    let folder = try TemporaryFolder()
    for target in FuzzTargets.all(in: folder.path, guardian: nil) {
      #expect(try !Corpus.read(target).isEmpty, "\(target.name)")
    }
  }

  @Test func filesRoundTrip() throws {
    var random = SeededGenerator(1)
    for form in [InputForm.text, .bytes, .packets] {
      for _ in 0..<100 {
        let packets = (0..<Int.random(in: 1...5, using: &random)).map { _ in random.bytes(1...90) }
        let input = form == .packets ? Packets.join(packets) : packets.flatMap { $0 }
        #expect(try form.input(of: form.file(of: input)) == input)
      }
    }
    #expect(try InputForm.bytes.input(of: Array("00 1a # a comment\n# another\nff".utf8)) == [0, 0x1A, 0xFF])
    #expect(throws: Violation.self) { try InputForm.bytes.input(of: Array("0g".utf8)) }
    #expect(throws: Violation.self) { try InputForm.bytes.input(of: Array("012".utf8)) }
  }

  @Test func equalSeedsMakeEqualInputs() throws {
    let inputs = ([1, 1, 2] as [UInt64]).map { seed -> [[UInt8]] in
      let session = FuzzSession(PlantedTarget(), seed: seed, inputs: [Array("right".utf8), Array("left".utf8)])
      return (1...50).map { session.input($0) }
    }
    #expect(inputs[0] == inputs[1])
    #expect(inputs[0] != inputs[2])
  }
}
