import TestKit

/// Mutates inputs as bytes, like people, editors, broken disks and attackers do.
package struct ByteMutator {
  private let words: [[UInt8]]
  private let longest: Int

  /// - Parameters:
  ///   - words: tokens to insert.
  ///   - longest: the maximum length of an input, in bytes.
  package init(words: [String], longest: Int) {
    self.words = (words + Self.usual).map { Array($0.utf8) }
    self.longest = longest
  }

  /// Difficult strings for any reader: limits of ranges, bidirectional marks, terminal escapes.
  static let usual = [
    "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e308", "-1e-320", "0x7f",
    "\u{0}", "\u{7F}", "\u{1B}[2J", "\u{9B}", "\u{202E}", "\u{2028}", "\u{FEFF}", "a\u{301}\u{301}", "\u{1F600}",
    "\r\n",
    "\n", "\t", "\"", "'", "\\", "\\u0000", "\\ud800", "null", "true", "~", "[]", "{}", "[[[[[[[[", "{{{{", "]", "}",
    "%s", "%n", "../../", "/", "*", "**", " ", "é", "ß",
  ]

  /// A new input made from inputs of the pool.
  package func mutate(_ pool: Pool, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = pool.any(&random)
    for _ in 0..<(1 << Int.random(in: 0...3, using: &random)) { change(&bytes, pool, &random) }
    return Array(bytes.prefix(longest))
  }

  private func change(_ bytes: inout [UInt8], _ pool: Pool, _ random: inout SeededGenerator) {
    let word = words.randomElement(using: &random) ?? []
    guard !bytes.isEmpty else {
      bytes = word
      return
    }
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, at + 1 + Int(random.next() % (1 << (random.next() % 7))))
    switch Int.random(in: 0..<11, using: &random) {
    case 0: bytes[at] ^= 1 << UInt8(random.next() % 8)
    case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes[at] = bytes[at] &+ UInt8.random(in: 0...16, using: &random) &- 8
    case 3: bytes.removeSubrange(at..<end)
    case 4: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
    case 5: bytes.insert(contentsOf: word, at: at)
    case 6: bytes.replaceSubrange(at..<min(bytes.count, at + word.count), with: word)
    case 7: swapLines(&bytes, &random)
    case 8: replaceNumber(&bytes, from: at, &random)
    case 9:
      let other = pool.any(&random)
      guard !other.isEmpty else { return }
      let from = Int.random(in: 0..<other.count, using: &random)
      bytes.replaceSubrange(at..<end, with: other[from..<min(other.count, from + end - at + 16)])
    default:
      // Many repetitions reveal limits and quadratic algorithms.
      let piece = Array(bytes[at..<end])
      let times = min(1 << Int.random(in: 1...8, using: &random), longest / piece.count + 1)
      bytes.insert(contentsOf: (0..<times).flatMap { _ in piece }, at: at)
    }
  }

  /// Swaps lines, which often keeps the grammar and changes the meaning.
  private func swapLines(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
    guard lines.count > 1 else { return }
    lines.swapAt(
      Int.random(in: 0..<lines.count, using: &random), Int.random(in: 0..<lines.count, using: &random))
    bytes = Array(lines.joined(separator: [10]))
  }

  private func replaceNumber(_ bytes: inout [UInt8], from at: Int, _ random: inout SeededGenerator) {
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    guard let start = bytes[at...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(start..<end, with: Array(Self.number(&random).utf8))
  }

  /// A number near a power of two.
  static func number(_ random: inout SeededGenerator) -> String {
    let power = Int128(1) << Int128(random.next() % 66)
    let number = power + Int128(random.next() % 3) - 1
    return Bool.random(using: &random) ? "\(number)" : "\(-number)"
  }
}
