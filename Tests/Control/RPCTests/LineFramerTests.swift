import RPC
import TestKit
import Testing

@Suite struct LineFramerTests {
  private func lines(_ framer: inout LineFramer) -> [String] {
    var found: [String] = []
    while let item = framer.next() {
      switch item {
      case .line(let line): found.append(String(decoding: line, as: UTF8.self))
      case .tooLong: found.append("<too long>")
      }
    }
    return found
  }

  @Test func aLineMayArriveInAnyTwoPieces() {
    let text = Array("{\"id\":1}\n\nzwei äöü\n\r\n3\nrest".utf8)
    for split in 0...text.count {
      var framer = LineFramer()
      framer.append(text[..<split])
      var found = lines(&framer)
      framer.append(text[split...])
      found += lines(&framer)
      #expect(found == ["{\"id\":1}", "zwei äöü", "3"], "split at \(split)")
      #expect(framer.buffered == 4)
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>) func aStreamMayArriveInAnyPieces(seed: UInt64) {
    var random = SeededGenerator(seed)
    let expected = (0..<40).map { _ in
      String(repeating: "x", count: Int.random(in: 1...300, using: &random))
    }
    let stream = Array((expected.joined(separator: "\n") + "\n").utf8)
    var framer = LineFramer(limit: 300)
    var found: [String] = []
    var rest = stream[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int.random(in: 1...700, using: &random))
      rest = rest.dropFirst(piece.count)
      framer.append(piece)
      found += lines(&framer)
    }
    #expect(found == expected)
    #expect(framer.buffered == 0)
  }

  @Test func aLineOfExactlyTheLimitPasses() {
    var framer = LineFramer(limit: 8)
    framer.append(Array("12345678\n123456789\nafter\n".utf8))
    #expect(lines(&framer) == ["12345678", "<too long>"])
    #expect(framer.isClosed)
    #expect(framer.next() == nil)
  }

  @Test func tenMegabytesWithoutALineFeedAreReportedOnceAndNotKept() {
    var framer = LineFramer()
    let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
    var reports = 0
    var most = 0
    for _ in 0..<160 {
      framer.append(chunk)
      while let item = framer.next() { if item == .tooLong { reports += 1 } }
      most = max(most, framer.buffered)
    }
    #expect(reports == 1)
    #expect(most <= LineFramer.limit)
    #expect(framer.buffered == 0)
  }

  @Test func anyBytesAreALine() {
    let bytes: [UInt8] = [0, 0xFF, 0xC0, 0x80, 0]
    var framer = LineFramer()
    framer.append(bytes + [UInt8(ascii: "\n")])
    #expect(framer.next() == .line(bytes[...]))
  }
}
