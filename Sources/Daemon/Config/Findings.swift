import Model

/// Collects the errors and warnings of a file, so that people see all of them at once.
final class Findings {
  /// The greatest number of stored findings; the rest is only counted. This bounds the memory for a hostile file.
  static let limit = 500

  private var kept: [Diagnostic] = []
  private var dropped = 0
  private(set) var hasErrors = false

  /// Adds an error. The message is only built if it is stored.
  func error(_ location: Location, _ message: @autoclosure () -> String) {
    hasErrors = true
    keep(location, message, .error)
  }

  /// Adds a warning.
  func warning(_ location: Location, _ message: @autoclosure () -> String) { keep(location, message, .warning) }

  /// All findings in the order of the file, with the number of those not stored at the end.
  var sorted: [Diagnostic] {
    var all = Diagnostics(kept).all
    if dropped > 0, let last = all.last {
      all.append(
        Diagnostic(last.location, "\(dropped) more findings are not shown", severity: hasErrors ? .error : .warning))
    }
    return all
  }

  /// Returns the result of reading with the warnings.
  /// - Throws: all findings if one is an error, or `read` is nil.
  func finish<Read>(_ read: Read?) throws(Diagnostics) -> (Read, warnings: [Diagnostic]) {
    guard !hasErrors, let read else { throw Diagnostics(sorted) }
    return (read, sorted)
  }

  private func keep(_ location: Location, _ message: () -> String, _ severity: Diagnostic.Severity) {
    guard kept.count < Self.limit else {
      dropped += 1
      return
    }
    kept.append(Diagnostic(location, message(), severity: severity))
  }
}
