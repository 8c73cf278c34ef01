/// A place in a text, counted from 1.
public struct Location: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The file as the user named it, or a word for a text that is no file, e.g. `<request>`.
  public var file: String
  /// The line, from 1; 0 when the place is the file as a whole.
  public var line: Int
  /// The column in characters, from 1.
  public var column: Int

  /// Puts a place together.
  public init(file: String, line: Int = 0, column: Int = 0) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`, or the file alone; printable, as names of files come from files, too.
  public var description: String { line == 0 ? file.printable : "\(file.printable):\(line):\(column)" }

  public static func < (left: Location, right: Location) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// Something wrong in a file: where, what, and what would be right.
public struct Diagnostic: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where.
  public var location: Location
  /// What is wrong and what was expected, one sentence without a full stop.
  public var message: String
  /// Whether the file can be used all the same.
  public var severity: Severity

  /// How bad it is.
  public enum Severity: String, Sendable, Hashable { case error, warning }

  /// Puts a diagnostic together; what its message quotes is made printable, and cut.
  public init(_ location: Location, _ message: String, severity: Severity = .error) {
    self.location = location
    self.message = message.asMessage
    self.severity = severity
  }

  /// `file:line:column: message`, with `warning: ` before the message of a warning.
  public var description: String { "\(location): \(severity == .warning ? "warning: " : "")\(message)" }
}

/// Everything wrong with one or more files, in the order of their lines; at least one of them is an error.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// The errors and warnings.
  public var all: [Diagnostic]

  /// Sorts `all` by place.
  public init(_ all: [Diagnostic]) { self.all = all.sorted { $0.location < $1.location } }

  /// A line each.
  public var description: String { all.map(\.description).joined(separator: "\n") }
}
