import CLinux

/// A line for the daemon's log, put together without the formatting of the full library.
struct LineText {
  private var bytes: [UInt8] = []

  /// Begins a line, with syslog's level in front where journald reads it (sd-daemon(3)).
  /// - Parameter level: 3 error, 4 warning.
  init(_ text: StaticString, level: UInt8 = 3) {
    begin(level)
    add(text)
  }

  /// The same, with a text that came from elsewhere.
  init(_ text: [UInt8], level: UInt8) {
    begin(level)
    add(text)
  }

  private mutating func begin(_ level: UInt8) {
    if unsafe getenv("JOURNAL_STREAM") != nil {
      bytes = [0x3C, 0x30 + level, 0x3E]
    } else {
      add("openstarry-guardian: ")
    }
  }

  mutating func add(_ text: StaticString) {
    // SAFETY: the literal is there as long as the program.
    text.withUTF8Buffer { buffer in
      for index in 0..<buffer.count { bytes.append(unsafe buffer[index]) }
    }
  }

  /// Adds what came from elsewhere; whatever could disturb a log is left out, and what is no ASCII is a question mark:
  /// among it are characters that a terminal acts on.
  mutating func add(_ text: [UInt8]) {
    for byte in text where byte >= 0x20 && byte != 0x7F { bytes.append(byte < 0x7F ? byte : 0x3F) }
  }

  mutating func add(_ number: UInt64) {
    var digits: [UInt8] = []
    var rest = number
    repeat {
      digits.append(0x30 + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    for index in 0..<digits.count { bytes.append(digits[digits.count - 1 - index]) }
  }

  /// Adds the C library's words for an error (strerror(3)).
  mutating func add(error: Int32) {
    // SAFETY: a C string that is valid until the next call.
    guard var text = unsafe strerror(error) else { return add(UInt64(error.magnitude)) }
    while unsafe text.pointee != 0 {
      bytes.append(UInt8(bitPattern: unsafe text.pointee))
      unsafe text += 1
    }
  }

  /// Writes it, or leaves it out where nobody reads: a full pipe must not keep the guardian from its work.
  consuming func write() {
    bytes.append(0x0A)
    var watched = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one structure, which the kernel fills in; the array is valid for its count.
    guard unsafe poll(&watched, 1, 0) > 0 else { return }
    _ = unsafe CLinux.write(2, bytes, bytes.count)
  }
}
