import Model

/// Makes event ids. Each is greater than the last, even within a millisecond and when the wall clock is set back.
struct ULIDGenerator {
  private var last = ULID(high: 0, low: 0)
  private var random = SystemRandomNumberGenerator()

  /// The next id.
  /// - Parameter milliseconds: wall time since 1970.
  mutating func next(at milliseconds: UInt64) -> ULID {
    if milliseconds > last.milliseconds {
      // Keep the top bit clear, so that successors never carry into the time.
      last = ULID(milliseconds: milliseconds, random: (random.next() & 0x7FFF, random.next()))
    } else {
      last = last.successor
    }
    return last
  }
}
