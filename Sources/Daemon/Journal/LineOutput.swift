import Linux

/// A standard stream that is written a line at a time, and never waited for: a terminal that was stopped with Ctrl-S
/// must not stop leases from ending.
final class LineOutput {
  private let descriptor: Int32
  private var dropped = 0

  /// - Parameter descriptor: 1 or 2; stays the process's.
  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Writes a line, or leaves it out when nobody reads; how many were left out is said before the next one.
  func write(_ line: String) {
    guard System.isWritable(descriptor) else {
      dropped += 1
      return
    }
    let note = dropped > 0 ? "(\(dropped) lines left out: nobody read them)\n" : ""
    dropped = 0
    // Where the stream is gone there is nobody to tell.
    try? System.writeAll(descriptor, Array("\(note)\(line)\n".utf8))
  }
}
