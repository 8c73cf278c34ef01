import Config
import Isolations
import Model
import TestKit
import Testing

/// Valid files with random damage: the result is a value, or errors with places.
@Suite struct FuzzTests {
  @Test(arguments: ConfigKind.allCases)
  func damagedFilesAreRefusedWithAPlaceOrRead(_ kind: ConfigKind) throws {
    var generator = SeededGenerator(0x5EED + UInt64(kind.rawValue.utf8.count))
    let (sources, file) = try Self.sources(kind)
    var refused = 0
    for round in 0..<800 {
      var bytes = sources[round % sources.count]
      for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.damage(&bytes, &generator) }
      do {
        switch kind {
        case .board: _ = try ConfigText.board(bytes, file: file)
        case .agent: _ = try ConfigText.manifest(bytes, file: file, environment: [:], isolations: Isolations.known)
        case .orchestration: _ = try ConfigText.rules(bytes, file: file)
        case .settings: _ = try ConfigText.settings(bytes, file: file, environment: [:])
        }
      } catch {
        refused += 1
        let errors = error.all.filter { $0.severity == .error }
        #expect(!errors.isEmpty, "refused without an error: \(String(decoding: bytes, as: UTF8.self))")
        #expect(
          error.all.allSatisfy { $0.location.file == file && !$0.message.isEmpty && !$0.message.hasSuffix(".") },
          "\(error)")
        #expect(error.all == Diagnostics(error.all).all, "not in the order of the file")
      }
    }
    #expect(refused > 100)
    #expect(refused < 800)
  }

  private static func sources(_ kind: ConfigKind) throws -> ([[UInt8]], String) {
    switch kind {
    case .board:
      (
        [
          try Repository.example("yaml", in: "docs/board-yaml.md"),
          try Repository.read("Board/raspberrypi4/board.yaml"),
        ], "board.yaml"
      )
    case .agent:
      (
        [
          try Repository.example("json", in: "docs/agent-json.md"),
          try Repository.read("Examples/greenhouse/agents/climate/agent.json"),
        ], "agent.yaml"
      )
    case .orchestration:
      (
        [
          try Repository.read("Examples/greenhouse/orchestration.yaml"),
          Array(
            """
            rules: [{on: 'x:y', action: "emit(a:b, x: 'q' + f([1, 2]), y: 2)"},
              {every: 1s, action: 'actuate(a, pulse 2s, lease: 1s)'}]
            """.utf8),
        ], "orchestration.yaml"
      )
    case .settings: ([try Repository.example("yaml", in: "docs/openstarry-yaml.md")], "openstarry.yaml")
    }
  }

  /// A random change of the kind that people, editors and power cuts make.
  private static func damage(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: 0..<bytes.count, using: &generator)
    let interesting = Array("0-+.:,{}[]()'\"*&!|>%@#$~ \n\tax9".utf8)
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: bytes[at] = interesting.randomElement(using: &generator) ?? 0
    case 1: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: at)
    case 2: bytes.remove(at: at)
    case 3:
      let end = min(bytes.count, at + Int.random(in: 1...40, using: &generator))
      bytes.append(contentsOf: bytes[at..<end])
    case 4:
      let end = min(bytes.count, at + Int.random(in: 1...12, using: &generator))
      bytes.removeSubrange(at..<end)
    default:
      // Swapping two lines keeps the grammar and changes the meaning.
      var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      guard lines.count > 2 else { return }
      let line = Int.random(in: 0..<lines.count - 1, using: &generator)
      lines.swapAt(line, line + 1)
      bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }
  }
}
