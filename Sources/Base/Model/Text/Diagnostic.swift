/// A location in a text.
package struct Location: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The file as the user named it, or a name such as `<request>` for a text without a file.
  package var file: String
  // Every value of a file has a location: 24 bytes instead of 32.
  private var lineNumber: Int32
  private var columnNumber: Int32

  /// A location; without line and column it is the file as a whole.
  package init(file: String, line: Int = 0, column: Int = 0) {
    self.file = file
    lineNumber = Int32(clamping: line)
    columnNumber = Int32(clamping: column)
  }

  /// The line, counted from 1; 0 for the file as a whole.
  package var line: Int {
    get { Int(lineNumber) }
    set { lineNumber = Int32(clamping: newValue) }
  }

  /// The column in Unicode scalars, counted from 1.
  package var column: Int {
    get { Int(columnNumber) }
    set { columnNumber = Int32(clamping: newValue) }
  }

  /// `file:line:column`, or the file alone. Printable, as file names can come from other files.
  package var description: String { line == 0 ? file.printable : "\(file.printable):\(line):\(column)" }

  package static func < (left: Location, right: Location) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// A problem in a file.
package struct Diagnostic: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where the problem is.
  package var location: Location
  /// The problem and the expected text: one sentence without a full stop.
  package var message: String
  /// Whether the file is unusable (error) or usable (warning).
  package var severity: Severity

  /// The severity of a problem.
  package enum Severity: String, Sendable, Hashable { case error, warning }

  /// A diagnostic. The message is made printable and cut to about 2 KiB.
  package init(_ location: Location, _ message: String, severity: Severity = .error) {
    self.location = location
    self.message = message.asMessage
    self.severity = severity
  }

  /// `file:line:column: message`, with `warning: ` before the message of a warning.
  package var description: String { "\(location): \(severity == .warning ? "warning: " : "")\(message)" }
}

/// All problems of one or more files, sorted by location; at least one is an error.
package struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// The errors and warnings.
  package var all: [Diagnostic]

  /// Sorts the problems by location.
  package init(_ all: [Diagnostic]) { self.all = all.sorted { $0.location < $1.location } }

  /// The problems, one per line.
  package var description: String { all.map(\.description).joined(separator: "\n") }
}
