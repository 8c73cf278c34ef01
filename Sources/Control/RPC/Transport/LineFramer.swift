/// Splits a stream of bytes into lines.
///
/// A line longer than `limit` is reported once, and everything after it is ignored: the start of the next message is
/// unknown.
package struct LineFramer: Sendable {
  /// The greatest length of a line without its line feed: 1 MiB.
  package static let limit = 1 << 20

  /// A line, or the report of a line that is too long.
  package enum Item: Sendable, Equatable {
    /// A line without its line feed; never empty.
    case line(ArraySlice<UInt8>)
    /// A line longer than the limit; always the last item.
    case tooLong
  }

  private enum State: Sendable { case open, overflowing, closed }

  private let limit: Int
  private var buffer: [UInt8] = []
  /// The index of the first undelivered line.
  private var start = 0
  /// There is no line feed between `start` and this index.
  private var scanned = 0
  private var state = State.open

  /// Creates an empty framer.
  /// - Parameter limit: the greatest length of a line, in bytes.
  package init(limit: Int = LineFramer.limit) { self.limit = limit }

  /// The number of bytes that `next` has not delivered, including those of an incomplete line.
  package var buffered: Int { buffer.count - start }

  /// Whether a line was too long; further bytes are ignored.
  package var isClosed: Bool { state != .open }

  /// Adds received bytes. Call `next` until it returns nil before adding more, because the buffer has no bound.
  package mutating func append(_ bytes: some Collection<UInt8>) {
    guard state == .open else { return }
    if start > 0 {
      buffer.removeFirst(start)
      scanned -= start
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next line; nil when none is complete. Skips blank lines.
  ///
  /// The slice shares the framer's buffer: release it before `append`, which otherwise copies the buffer.
  package mutating func next() -> Item? {
    while state == .open {
      guard let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
        scanned = buffer.count
        if buffered > limit { state = .overflowing } else { releaseIfEmpty() }
        break
      }
      let line = buffer[start..<end]
      start = end + 1
      scanned = start
      if line.count > limit {
        state = .overflowing
      } else if !line.allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ") }) {
        return .line(line)
      }
    }
    guard state == .overflowing else { return nil }
    state = .closed
    buffer = []
    (start, scanned) = (0, 0)
    return .tooLong
  }

  /// Frees the buffer, so that idle connections use no memory for it.
  private mutating func releaseIfEmpty() {
    guard start == buffer.count, start > 0 else { return }
    buffer = []
    (start, scanned) = (0, 0)
  }
}
