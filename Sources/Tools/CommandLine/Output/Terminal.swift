import Document
import Linux
import Model

/// Standard output and standard error of the command.
public struct Terminal {
  /// Whether standard output takes colours: it is a terminal, and neither NO_COLOR (no-color.org) nor TERM=dumb is set.
  public let colour: Bool

  /// Asks the system.
  public init() {
    let environment = Environment.current()
    let isRefused = !environment["NO_COLOR", default: ""].isEmpty || environment["TERM"] == "dumb"
    colour = System.isTerminal(1) && !isRefused
  }

  /// Writes a line to standard output, at once.
  /// - Throws: `OutputClosed` when nobody reads any more; any other failure as `Failure`.
  public func line(_ text: String) throws { try write(Array(text.forTerminal.utf8) + [UInt8(ascii: "\n")]) }

  /// Writes a value as one line of JSON to standard output, at once.
  public func json(_ value: Value) throws {
    try write(Array(JSON.text(value).printableJSON.utf8) + [UInt8(ascii: "\n")])
  }

  /// Writes lines to standard output in one go.
  public func lines(_ lines: [String]) throws {
    guard !lines.isEmpty else { return }
    try line(lines.joined(separator: "\n"))
  }

  /// Writes bytes to standard output as they are: what is no text, or nobody else's.
  public func write(_ bytes: [UInt8]) throws {
    do throws(SystemError) {
      try System.writeAll(1, bytes)
    } catch {
      if error.isBrokenPipe { throw OutputClosed() }
      throw Failure(.failed, "standard output: \(SystemError.text(error.errno))")
    }
  }

  /// Writes a line to standard error; what cannot be written there is lost.
  public static func complain(_ text: String) {
    complain(asItIs: "openstarry: \(text)")
  }

  /// The same, without the program's name.
  static func complain(asItIs text: String) {
    try? System.writeAll(2, Array("\(text.forTerminal)\n".utf8))
  }

  /// Writes a failure to standard error as one line of JSON, for programs.
  static func complain(_ failure: Failure) {
    try? System.writeAll(2, Array("\(JSON.text(failure.document))\n".utf8))
  }
}

/// Whoever read standard output has closed it, as `head` does: a reason to end, not an error.
public struct OutputClosed: Error {}
