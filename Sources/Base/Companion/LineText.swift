import CLinux

/// A line for the log, built without the formatting of the full standard library.
package struct LineText {
  private var bytes: [UInt8] = []

  /// Begins an empty line, with a prefix of syslog's level if journald reads it (sd-daemon(3)), and with the program's
  /// name otherwise.
  /// - Parameter level: 3 error, 4 warning.
  package init(program: StaticString, level: UInt8 = 3) {
    if unsafe getenv("JOURNAL_STREAM") != nil {
      bytes = [0x3C, 0x30 + level, 0x3E]
    } else {
      add(program)
      add(": ")
    }
  }

  /// Adds a literal.
  package mutating func add(_ text: StaticString) { bytes += [UInt8](text) }

  /// Adds untrusted text. Control characters are dropped and bytes outside ASCII become question marks, because some
  /// characters among them control terminals.
  package mutating func add(_ text: [UInt8]) {
    for byte in text where byte >= 0x20 && byte != 0x7F { bytes.append(byte < 0x7F ? byte : 0x3F) }
  }

  /// Adds a number.
  package mutating func add(_ number: UInt64) { bytes += [UInt8](digits: number) }

  /// Adds the text of an errno (strerror(3)).
  package mutating func add(error: Int32) {
    // SAFETY: a C string that is valid until the next call.
    guard var text = unsafe strerror(error) else { return add(UInt64(error.magnitude)) }
    while unsafe text.pointee != 0 {
      bytes.append(UInt8(bitPattern: unsafe text.pointee))
      unsafe text += 1
    }
  }

  /// Writes the line to standard error, or drops it if that is not writable: a full pipe must not block the program.
  package consuming func write() {
    bytes.append(0x0A)
    var watched = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one structure, which the kernel fills in; the array is valid for its count.
    guard unsafe poll(&watched, 1, 0) > 0 else { return }
    _ = unsafe CLinux.write(2, bytes, bytes.count)
  }
}
