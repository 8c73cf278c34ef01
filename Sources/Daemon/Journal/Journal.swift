import Linux
import Model

/// The daemon's own log: lines on standard error, with syslog's level in front when journald reads them
/// (sd-daemon(3): `<4>text`).
package final class Journal {
  private let forJournald: Bool
  private let threshold: LogLevel
  private let output = LineOutput(2)
  private let lines: FoldedLines

  /// - Parameters:
  ///   - environment: journald sets `JOURNAL_STREAM`; `OPENSTARRY_LOG` names the least serious level that is kept
  ///     (default `info`).
  package init(environment: [String: String]) {
    forJournald = environment["JOURNAL_STREAM"] != nil
    threshold = environment["OPENSTARRY_LOG"].flatMap(Self.level) ?? .info
    lines = FoldedLines { [output, forJournald] in Self.write($0, $1, to: output, forJournald: forJournald) }
  }

  /// Folds what repeats from now on.
  package func foldRepetition(by clock: any Timekeeper) { lines.begin(by: clock) }

  /// Writes what was counted and not written yet; nothing may be written after it.
  package func close() { lines.close() }

  /// Writes a line; line breaks within become several.
  package func log(_ level: LogLevel, _ text: String) { log(LineFold.Line(level: level, key: text), text) }

  /// Writes a line, or counts it where those like it were written just now.
  func log(_ line: LineFold.Line, _ text: String) {
    guard line.level <= threshold else { return }
    // What agents say besides is theirs, and held by their budgets.
    guard line.level <= .notice else { return Self.write(line.level, text, to: output, forJournald: forJournald) }
    lines.add(line, text)
  }

  private static func write(_ level: LogLevel, _ text: String, to output: LineOutput, forJournald: Bool) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      // journald keeps each line by itself; people read them together.
      let prefix = forJournald ? "<\(level.rawValue)>" : "openstarryd: "
      let says = !forJournald && number == 0 && level <= .warning ? "\(level): " : ""
      output.write("\(prefix)\(says)\(line.printable)")
    }
  }

  private static func level(_ name: String) -> LogLevel? {
    LogLevel.allCases.first { "\($0)" == name }
  }
}
