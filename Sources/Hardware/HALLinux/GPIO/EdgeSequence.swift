import HAL

/// Finds gaps in the sequence numbers of a line's edges (linux/gpio.h, `line_seqno`). The kernel also counts the edges
/// that it drops because its buffer is full.
struct EdgeSequence {
  private var last: UInt32?

  /// Starts after `last`; nil starts at the first edge.
  init(after last: UInt32? = nil) { self.last = last }

  /// Takes the next edge's number.
  /// - Returns: how many edges are missing before it.
  mutating func gap(before sequence: UInt32) -> Int {
    defer { last = sequence }
    guard let last else { return 0 }
    // The counter wraps after 2³² edges. A number that does not grow means that the counter has restarted.
    let distance = sequence &- last
    return distance == 0 || distance > UInt32.max / 2 ? 0 : Int(distance - 1)
  }
}
