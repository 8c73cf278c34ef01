import Glibc
import TestKit

/// Deliberate faults for the fuzzer's own test: each word of an input triggers one. Runs only when it is named.
package final class PlantedTarget: FuzzTarget {
  package let name = "planted"
  package let longest = 64
  package let words = ["trap", "spin", "hoard", "leak", "wrong", "right"]

  /// Needs no files.
  package init() {}

  package func seeds() -> [[UInt8]] { [Array("right".utf8)] }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    let text = String(decoding: input, as: UTF8.self)
    seen.note("\(words.filter { text.has($0) })")
    if text.has("trap") { _ = [Int]()[input.count] }
    while text.has("spin") { isSpinning.toggle() }
    // Touches more memory than an input of 64 bytes may use.
    if text.has("hoard") { hoard = [UInt8](repeating: UInt8(input.count), count: 128 << 20) }
    hoard = []
    if text.has("leak") { _ = dup(2) }
    try require(!text.has("wrong"), "it is wrong")
  }

  private var hoard: [UInt8] = []
  /// Written in the endless loop, so that the compiler cannot remove it.
  private var isSpinning = false
}
