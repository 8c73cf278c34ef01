import Linux
import Model

/// The daemon's own log: lines on standard error, with syslog's level in front when journald reads them
/// (sd-daemon(3): `<4>text`).
final class Journal {
  private let forJournald: Bool
  private let threshold: LogLevel
  private let output = LineOutput(2)

  /// - Parameters:
  ///   - environment: journald sets `JOURNAL_STREAM`; `OPENSTARRY_LOG` names the least serious level that is kept
  ///     (default `info`).
  init(environment: [String: String]) {
    forJournald = environment["JOURNAL_STREAM"] != nil
    threshold = environment["OPENSTARRY_LOG"].flatMap(Self.level) ?? .info
  }

  /// Writes a line; line breaks within become several.
  func log(_ level: LogLevel, _ text: String) {
    guard level <= threshold else { return }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let prefix = forJournald ? "<\(level.rawValue)>" : level <= .warning ? "openstarryd: \(level): " : "openstarryd: "
      output.write("\(prefix)\(line)")
    }
  }

  private static func level(_ name: String) -> LogLevel? {
    LogLevel.allCases.first { "\($0)" == name }
  }
}
