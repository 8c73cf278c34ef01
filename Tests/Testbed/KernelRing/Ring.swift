import KernelTestKit
import Linux
import Model

/// One test: a name that states the expectation, and the code that checks it.
struct RingTest {
  var name: String
  var body: (Ring) throws -> Void

  init(_ name: String, _ body: @escaping (Ring) throws -> Void) {
    self.name = name
    self.body = body
  }
}

/// The result of a test.
struct RingResult {
  enum Outcome {
    case passed
    case failed(String)
    case skipped(String)
    /// Still running. This remains in the results if the process dies.
    case unfinished
  }

  var name: String
  var outcome: Outcome
  var seconds: Double
  /// The output of the test.
  var notes: [String]
}

/// Runs tests in sequence and stores their results.
final class Ring {
  let board: Board
  /// The length of the test of many edges.
  let edgeSeconds: Int
  private var results: [RingResult] = []
  private var notes: [String] = []

  init(board: Board, edgeSeconds: Int) {
    self.board = board
    self.edgeSeconds = edgeSeconds
  }

  /// Prints a measurement.
  func note(_ text: String) {
    notes.append(text)
    say("    \(text)")
  }

  /// - Returns: true if no test failed.
  func run(_ tests: [RingTest], _ arguments: RingArguments) -> Bool {
    let chosen = tests.filter { EventPattern("*\(arguments.filter)*").matches($0.name) }
    if arguments.isList {
      for test in chosen { say(test.name) }
      return true
    }
    if chosen.isEmpty {
      say("kernel-ring: no test's name contains '\(arguments.filter)'; --list shows them all")
      return false
    }
    for test in chosen {
      say("  … \(test.name)")
      results.append(RingResult(name: test.name, outcome: .unfinished, seconds: 0, notes: []))
      write(arguments.junit)
      results[results.count - 1] = run(test)
      write(arguments.junit)
    }
    return summarise()
  }

  private func run(_ test: RingTest) -> RingResult {
    notes = []
    let start = System.monotonicNanoseconds()
    let outcome: RingResult.Outcome
    do {
      try test.body(self)
      outcome = .passed
    } catch let skip as Skip {
      outcome = .skipped(skip.reason)
    } catch {
      outcome = .failed("\(error)")
    }
    let seconds = Double(System.monotonicNanoseconds() - start) / 1e9
    let result = RingResult(name: test.name, outcome: outcome, seconds: seconds, notes: notes)
    say(result.line)
    return result
  }

  private func summarise() -> Bool {
    say("\nkernel ring on board '\(board.name)':")
    var counts = (passed: 0, failed: 0, skipped: 0)
    for result in results {
      say(result.line)
      for note in result.notes { say("           \(note)") }
      switch result.outcome {
      case .passed: counts.passed += 1
      case .skipped: counts.skipped += 1
      case .failed, .unfinished: counts.failed += 1
      }
    }
    say("\(counts.passed) passed, \(counts.failed) failed, \(counts.skipped) skipped")
    return counts.failed == 0
  }

  private func write(_ file: String?) {
    guard let file else { return }
    do { try Files.replace(file, with: Array(JUnit.document(results).utf8), mode: 0o644) } catch {
      say("kernel-ring: results cannot be written: \(error)")
    }
  }
}

extension RingResult {
  /// `  ✔  0.12 s  name`
  var line: String {
    let mark =
      switch outcome {
      case .passed: "✔"
      case .failed: "✘"
      case .skipped: "–"
      case .unfinished: "…"
      }
    let hundredths = Int((seconds * 100).rounded())
    let fraction = "\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    let time = "\(hundredths / 100).\(fraction)"
    let text = "  \(mark) \(String(repeating: " ", count: max(0, 7 - time.count)))\(time) s  \(name)"
    return switch outcome {
    case .failed(let why): "\(text)\n      FAILED: \(why)"
    case .skipped(let why): "\(text) (skipped: \(why))"
    default: text
    }
  }
}

/// Prints a line without buffering, so that the last line survives a hang of the machine.
func say(_ text: String) {
  // A failure of standard output cannot be reported.
  try? System.writeAll(1, Array("\(text)\n".utf8))
}
