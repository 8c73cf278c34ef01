import Config
import Model
import RuleTrial
import Rules
import TestKit
import Testing

/// A board file, a rule file and a script, run on time that is moved by hand.
struct Situation {
  let trial: RuleTrial
  /// The warnings of `openstarry check`.
  let warnings: [String]
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - devices: the entries of the board file under `devices:`, and what comes before them.
  ///   - start: the wall clock at the start.
  init(
    _ devices: String, _ rules: String, start: String = "2026-06-01T12:00:00Z", clock: String = "any",
    utcOffset: @escaping (Int64) -> Int = { _ in 0 }
  ) throws {
    folder = try TemporaryFolder()
    let text = "name: trial\nbackend: simulated\nclock: \(clock)\n\(devices)\n"
    let (board, _) = try ConfigText.board(Array(text.utf8), file: "board.yaml")
    trial = try RuleTrial(
      board, try Self.rules(rules, board), home: folder.path, wall: Self.seconds(start), utcOffset: utcOffset)
    warnings = []
  }

  /// A complete board file whose devices become simulated ones, with the values that the script begins with.
  init(board text: String, rules: String, script: String, start: String) throws {
    folder = try TemporaryFolder()
    let (board, doubts) = try ConfigText.board(Array(text.utf8), file: "board.yaml")
    let (declarations, others) = try ConfigText.rules(
      Array(rules.utf8), file: "rules.yaml", known: KnownNames(board: board))
    let compiled = try RuleSet(compiling: declarations.rules, variables: declarations.firstValues)
    warnings = (doubts + others + compiled.payloadWarnings + compiled.feedbackWarnings).map { "\($0)" }
    trial = try RuleTrial(
      board, try Self.rules(rules, board), home: folder.path, wall: Self.seconds(start),
      initial: TrialScript(script).opening(on: board))
  }

  static func rules(_ text: String, _ board: Board) throws -> RuleDeclarations {
    let known = KnownNames(board: board)
    let declarations = try ConfigText.rules(Array(text.utf8), file: "rules.yaml", known: known).0
    _ = try RuleSet(
      compiling: declarations.rules, variables: declarations.firstValues, complaint: known.complaint)
    return declarations
  }

  /// Runs a script, and records what it expected and did not find.
  func run(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) {
    for failure in failures(of: script) {
      Issue.record("\(failure)", sourceLocation: sourceLocation)
    }
  }

  /// Runs a script.
  /// - Returns: what it expected and did not find.
  func failures(of script: String) -> [TrialScript.Failure] { TrialScript(script).run(on: trial) }

  /// `2026-06-01T12:00:00Z` in seconds since 1970.
  static func seconds(_ text: String) -> Int64 {
    let numbers = text.split { !("0"..."9").contains($0) }.compactMap { Int($0) }
    return Civil.days(numbers[0], numbers[1], numbers[2]) * 86_400
      + Int64(numbers[3] * 3600 + numbers[4] * 60 + numbers[5])
  }
}

enum Civil {
  /// Days from 1970-01-01 to a date.
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
    var days: Int64 = 0
    for each in 1970..<year { days += each % 4 == 0 && (each % 100 != 0 || each % 400 == 0) ? 366 : 365 }
    let lengths = [
      31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
    ]
    return days + Int64(lengths.prefix(month - 1).reduce(0, +) + day - 1)
  }

  /// Central European time, as `utcOffset`: summer time from the last Sunday of March to that of October, 01:00Z.
  static func berlin(_ seconds: Int64) -> Int {
    let year = 1970 + Int(Double(seconds) / 31_556_952)
    func lastSunday(_ month: Int) -> Int64 {
      let last = days(year, month, 31)
      return (last - (last + 4) % 7) * 86_400 + 3600
    }
    return (lastSunday(3)..<lastSunday(10)).contains(seconds) ? 7200 : 3600
  }
}
