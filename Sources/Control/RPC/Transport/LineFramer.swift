/// Cuts a stream of bytes into lines, whatever pieces it arrives in.
///
/// Holds one incomplete line at most, and never more than `limit` bytes of it: a longer line is reported once, and
/// everything after it is ignored, since nobody can tell where the next message begins.
public struct LineFramer: Sendable {
  /// The longest line there may be, in bytes, without its line feed: 1 MiB.
  public static let limit = 1 << 20

  /// What the framer found.
  public enum Item: Sendable, Equatable {
    /// A line without its line feed; never empty.
    case line(ArraySlice<UInt8>)
    /// A line longer than `limit`; nothing comes after it.
    case tooLong
  }

  private enum State: Sendable { case open, overflowing, closed }

  private let limit: Int
  private var buffer: [UInt8] = []
  /// Where the first line that was not handed out begins.
  private var start = 0
  /// Up to here there is no line feed after `start`.
  private var scanned = 0
  private var state = State.open

  /// A framer with nothing in it.
  /// - Parameter limit: of a line, in bytes.
  public init(limit: Int = LineFramer.limit) { self.limit = limit }

  /// How many bytes wait for the rest of their line, or to be taken by `next`.
  public var buffered: Int { buffer.count - start }

  /// Whether a too long line has come: nothing is taken any more.
  public var isClosed: Bool { state != .open }

  /// Adds what arrived. Take the lines out with `next` before adding more, or they add up.
  public mutating func append(_ bytes: some Collection<UInt8>) {
    guard state == .open else { return }
    if start > 0 {
      buffer.removeFirst(start)
      scanned -= start
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next line; nil when none is complete.
  ///
  /// The slice shares the framer's memory: let go of it before `append`, or the memory is copied.
  public mutating func next() -> Item? {
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

  /// An idle connection keeps no memory.
  private mutating func releaseIfEmpty() {
    guard start == buffer.count, start > 0 else { return }
    buffer = []
    (start, scanned) = (0, 0)
  }
}
