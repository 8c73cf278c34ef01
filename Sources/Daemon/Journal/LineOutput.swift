import Linux

/// Writes lines to a standard stream without ever blocking: a terminal paused with Ctrl-S must not delay the end of
/// leases.
final class LineOutput {
  private let descriptor: Int32
  private var dropped = 0

  /// - Parameter descriptor: 1 or 2; not closed.
  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Writes a line, or drops it when the stream takes none. The next line is preceded by the number of dropped ones.
  func write(_ line: String) {
    guard System.isWritable(descriptor) else {
      dropped += 1
      return
    }
    let note = dropped > 0 ? "(\(dropped) lines left out: nobody read them)\n" : ""
    dropped = 0
    // A closed stream leaves nowhere to report that.
    try? System.writeAll(descriptor, Array("\(note)\(line)\n".utf8))
  }
}
