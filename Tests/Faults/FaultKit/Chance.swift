/// A pseudo-random generator that depends only on a seed and a name (SplitMix64: Steele, Lea and Flood, 2014; the name
/// is hashed with FNV-1a).
package struct Chance: RandomNumberGenerator {
  private var state: UInt64

  /// An independent stream of a seed: draws from one stream do not affect another.
  package init(_ seed: UInt64, _ name: String, _ number: Int = 0) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    state = seed &* 0x9e37_79b9_7f4a_7c15 ^ hash ^ UInt64(bitPattern: Int64(number)) &* 0xd134_2543_de82_ef95
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }

  /// True with a probability of `percent` %.
  mutating func happens(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  mutating func within(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(within(range)) }

  mutating func one<Element>(of list: [Element]) -> Element { list[within(0...list.count - 1)] }
}
