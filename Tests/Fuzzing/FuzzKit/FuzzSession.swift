import CFuzz
import Linux
import TestKit

/// Generates and runs inputs for one target. Equal seeds give equal inputs, as long as corpus and code are the same.
package final class FuzzSession {
  private let target: any FuzzTarget
  private let mutator: ByteMutator
  private let pool: Pool
  private let seed: UInt64
  private var edges = [UInt32](repeating: 0, count: 1 << 16)
  private var counts = [UInt8](repeating: 0, count: 1 << 16)
  /// How many descriptors were open after the last input.
  private var open = 0
  private var runs = 0
  /// The maximum growth of peak memory by one input, in bytes.
  private static let growth: UInt64 = 96 << 20

  /// - Parameters:
  ///   - seed: the seed of generated inputs.
  ///   - inputs: the corpus; pass each to `begin` first.
  package init(_ target: any FuzzTarget, seed: UInt64, inputs: [[UInt8]]) {
    self.target = target
    self.seed = seed
    mutator = ByteMutator(words: target.words, longest: target.longest)
    pool = Pool(inputs)
  }

  /// The number of different marks of all inputs so far, and the size of the pool.
  package var reach: (marks: Int, inputs: Int) { (pool.reach, pool.count) }

  /// Generates the input with this number.
  package func input(_ number: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed &* 0x9E37_79B9_7F4A_7C15 ^ number)
    return Array((target.make(&random, pool) ?? mutator.mutate(pool, &random)).prefix(target.longest))
  }

  /// Runs an input of the corpus. It stays in the pool even when it has no new marks.
  package func begin(with input: [UInt8]) throws { pool.know(try seen(input)) }

  /// Runs an input.
  /// - Returns: whether it had new marks.
  /// - Throws: `Violation`, or an error of the target.
  package func run(_ input: [UInt8], _ number: UInt64) throws -> Bool {
    var random = SeededGenerator(number)
    return pool.add(input, try seen(input), &random)
  }

  private func seen(_ input: [UInt8]) throws -> Seen {
    var seen = Seen()
    let peak = fuzz_peak()
    _ = unsafe fuzz_take_edges(&edges, &counts, 0)
    try target.run(input, &seen)
    let count = unsafe fuzz_take_edges(&edges, &counts, edges.count)
    for index in 0..<count { seen.note(edge: Int(edges[index]), count: counts[index]) }
    runs += 1
    let more = fuzz_peak() - peak
    // The first inputs also allocate what is made only once, such as an engine.
    try require(runs < 8 || more <= Self.growth, "\(input.count) bytes of input take \(more >> 20) MiB")
    try lookForDescriptors()
    return seen
  }

  private func lookForDescriptors() throws {
    // All of them: a leak need not take the lowest free number. A loop's worker threads may end later than the run.
    var names = try Files.names(in: "/proc/self/fd")
    for _ in 0..<80 where runs >= 8 && names.count > open {
      Pause.wait(nanoseconds: 25_000_000)
      names = try Files.names(in: "/proc/self/fd")
    }
    // A leak is reported once, and is no reason to wait again.
    let left = runs < 8 ? 0 : names.count - open
    open = names.count
    try require(
      left <= 0,
      "\(left) descriptors are left open; open are "
        + names.map { Files.target(ofLink: "/proc/self/fd/\($0)") ?? "another" }.joined(separator: ", "))
  }
}
