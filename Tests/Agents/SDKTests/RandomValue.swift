import Model
import TestKit

extension Value {
  /// Any value that JSON has, at most `depth` lists and maps deep.
  static func random(_ dice: inout SeededGenerator, depth: Int) -> Value {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &dice) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &dice))
    case 2: return .int(Int64(bitPattern: dice.next()) >> Int64.random(in: 0..<64, using: &dice))
    case 3:
      let value = Double(bitPattern: dice.next())
      return .double(value.isFinite ? value : 0.1)
    case 4: return .double(Double(Int.random(in: -100_000...100_000, using: &dice)) / 100)
    case 5: return .string(randomText(&dice))
    case 6: return .list((0..<Int.random(in: 0..<5, using: &dice)).map { _ in random(&dice, depth: depth - 1) })
    default:
      return .map(
        Fields(
          (0..<Int.random(in: 0..<25, using: &dice)).map { _ in (randomText(&dice), random(&dice, depth: depth - 1)) })
      )
    }
  }

  private static func randomText(_ dice: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0..<6, using: &dice) {
      let ranges: [ClosedRange<UInt32>] = [1...0x7F, 1...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0x10FFFF]
      let code = UInt32.random(in: ranges.randomElement(using: &dice)!, using: &dice)
      text.unicodeScalars.append(Unicode.Scalar(code)!)
    }
    return text
  }
}
