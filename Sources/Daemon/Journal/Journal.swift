import Linux
import Model

/// The daemon's log: lines on standard error. For journald they begin with the syslog level (sd-daemon(3): `<4>text`).
package final class Journal {
  private let forJournald: Bool
  private let threshold: LogLevel
  private let output = LineOutput(2)
  private let lines: FoldedLines

  /// - Parameters:
  ///   - environment: journald sets `JOURNAL_STREAM`; `OPENSTARRY_LOG` names the least serious level that is logged
  ///     (default `info`).
  package init(environment: [String: String]) {
    forJournald = environment["JOURNAL_STREAM"] != nil
    threshold = environment["OPENSTARRY_LOG"].flatMap(Self.level) ?? .info
    lines = FoldedLines { [output, forJournald] in Self.write($0, $1, to: output, forJournald: forJournald) }
  }

  /// Starts to fold repeated lines.
  package func foldRepetition(by clock: any Timekeeper) { lines.begin(by: clock) }

  /// Writes all counts that are left. Nothing may be logged afterwards.
  package func close() { lines.close() }

  /// Logs a text; each of its lines becomes a line of the log.
  package func log(_ level: LogLevel, _ text: String) { log(LineFold.Line(level: level, key: text), text) }

  /// Logs a line, or counts it when equal ones were written recently.
  func log(_ line: LineFold.Line, _ text: String) {
    guard line.level <= threshold else { return }
    // Less serious lines come from agents, and their budgets limit those.
    guard line.level <= .notice else { return Self.write(line.level, text, to: output, forJournald: forJournald) }
    lines.add(line, text)
  }

  private static func write(_ level: LogLevel, _ text: String, to output: LineOutput, forJournald: Bool) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      // journald stores each line separately, so each needs the prefix; on a terminal only the first names the level.
      let prefix = forJournald ? "<\(level.rawValue)>" : "openstarryd: "
      let says = !forJournald && number == 0 && level <= .warning ? "\(level): " : ""
      output.write("\(prefix)\(says)\(line.printable)")
    }
  }

  private static func level(_ name: String) -> LogLevel? {
    LogLevel.allCases.first { "\($0)" == name }
  }
}
