import Model

/// Collects everything that is wrong with a file while it is read, so that people see all of it at once.
final class Findings {
  /// More than this helps nobody; the rest is counted, which bounds the memory a hostile file can take.
  static let limit = 500

  private var kept: [Diagnostic] = []
  private var dropped = 0
  private(set) var hasErrors = false

  /// Notes an error. The message is only built when it is kept.
  func error(_ location: Location, _ message: @autoclosure () -> String) {
    hasErrors = true
    keep(location, message, .error)
  }

  /// Notes something that people should know and that stops nothing.
  func warning(_ location: Location, _ message: @autoclosure () -> String) { keep(location, message, .warning) }

  /// Everything that was found, in the order of the file.
  var sorted: [Diagnostic] {
    var all = Diagnostics(kept).all
    if dropped > 0, let last = all.last {
      all.append(
        Diagnostic(last.location, "\(dropped) more of these are not shown", severity: hasErrors ? .error : .warning))
    }
    return all
  }

  /// What was read together with the warnings.
  /// - Throws: everything found, when anything of it is an error.
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
