import Document
import Linux
import Model

/// The command's standard output and standard error.
package struct Terminal {
  /// Whether to use colours: standard output is a terminal, and neither NO_COLOR (no-color.org) nor TERM=dumb is set.
  package let colour: Bool

  /// Determines `colour` from the environment.
  package init() {
    let environment = Environment.current()
    let isRefused = !environment["NO_COLOR", default: ""].isEmpty || environment["TERM"] == "dumb"
    colour = System.isTerminal(1) && !isRefused
  }

  /// Writes a line to standard output, unbuffered.
  /// - Throws: `OutputClosed` when the reader has closed the pipe; otherwise `Failure`.
  package func line(_ text: String) throws { try write(Array(text.forTerminal.utf8) + [UInt8(ascii: "\n")]) }

  /// Writes a value to standard output as one line of JSON, unbuffered.
  package func json(_ value: Value) throws {
    try write(Array(JSON.text(value).printableJSON.utf8) + [UInt8(ascii: "\n")])
  }

  /// Writes lines to standard output with one call.
  package func lines(_ lines: [String]) throws {
    guard !lines.isEmpty else { return }
    try line(lines.joined(separator: "\n"))
  }

  /// Writes bytes to standard output unchanged: binary data, or text that needs no escaping.
  package func write(_ bytes: [UInt8]) throws {
    do throws(SystemError) {
      try System.writeAll(1, bytes)
    } catch {
      if error.isBrokenPipe { throw OutputClosed() }
      throw Failure(.failed, "standard output: \(SystemError.text(error.errno))")
    }
  }

  /// Writes a line to standard error, after the program's name. Ignores errors.
  package static func complain(_ text: String) {
    complain(asItIs: "openstarry: \(text)")
  }

  /// Writes a text without a line's end to standard error.
  static func prompt(_ text: String) { try? System.writeAll(2, Array(text.printableLines.utf8)) }

  /// Writes a failure to standard error: for people, or as one line of JSON for programs.
  static func complain(_ failure: Failure, asJSON: Bool) {
    if asJSON { complain(asItIs: JSON.text(failure.document).printableJSON) } else { complain("\(failure)") }
  }

  /// Writes lines to standard error without the program's name. There are no colours on standard error, so everything
  /// that a terminal interprets is escaped.
  static func complain(asItIs text: String) {
    try? System.writeAll(2, Array("\(text.printableLines)\n".utf8))
  }
}

/// The reader of standard output has closed the pipe, as `head` does. This ends the command successfully.
package struct OutputClosed: Error {}
