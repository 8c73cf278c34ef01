import Linux
import Model

/// The command line options of the fuzzer.
struct Options {
  /// The names of targets; empty for all.
  var targets: [String] = []
  /// The seed of all generated inputs.
  var seed: UInt64 = UInt64.random(in: 1...999_999_999)
  /// The number of the first generated input.
  var first: UInt64 = 1
  /// The maximum number of inputs per target.
  var runs: UInt64 = 1 << 40
  /// The time for all targets together.
  var time = Duration.seconds(60)
  /// The file of a single input to run; nil for a campaign.
  var input: String?
  /// The folder for inputs that increase coverage, which is read at the next start; nil for none.
  var keep: String?
  /// The number of failing inputs after which a target is given up.
  var failures = 5
  /// The CPU time limit of one input in seconds. The limit of elapsed time is six times as long.
  var seconds: UInt32 = 20
  /// The folder for failing inputs.
  var found = ".build/fuzz/found"
  /// The file in which a worker notes its current input, so that a crash can be attributed. Only for a worker.
  var note: String?
  /// Whether to print the usage and end.
  var showsHelp = false

  static let help = """
    usage: fuzz [--target NAME] [--for TIME] [--seed N] [--first N] [--runs N] [--input FILE] [--keep FOLDER] [--found FOLDER]

      --target NAME  one of board, agent, rules, settings, cel, control, mcp, guardian, process, module (all)
      --for TIME     how long all of them together run, e.g. 1h (60s)
      --seed N       what inputs follow from (chosen, and printed)
      --first N      the number of the first input (1)
      --runs N       how many inputs each target gets at most
      --input FILE   this one input, and no others; takes --target
      --keep FOLDER  keeps inputs that lead further, and begins with them the next time
      --seconds N    how long one input may compute (20); it may wait for six times as long
      --failures N   how many inputs that fail are looked at before a target is given up (5)
      --found FOLDER where inputs that fail are written (.build/fuzz/found)

    """

  struct Mistake: Error, CustomStringConvertible { var description: String }

  init(_ words: ArraySlice<String>) throws {
    var rest = words
    while let word = rest.popFirst() {
      if ["--help", "-h"].contains(word) {
        showsHelp = true
        return
      }
      guard let value = rest.popFirst() else { throw Mistake(description: "\(word) needs a value") }
      switch word {
      case "--target": targets.append(value)
      case "--seed": seed = try Self.number(word, value)
      case "--first": first = try Self.number(word, value)
      case "--runs": runs = try Self.number(word, value)
      case "--for":
        guard let time = Quantity.duration(value) else { throw Mistake(description: "--for takes a time such as 60s") }
        self.time = time
      case "--input": input = value
      case "--failures": failures = Int(try Self.number(word, value))
      case "--seconds": seconds = UInt32(clamping: max(1, try Self.number(word, value)))
      case "--keep": keep = value
      case "--found": found = value
      case "--note": note = value
      default: throw Mistake(description: "unknown option \(word)")
      }
    }
    if input != nil, targets.count != 1 { throw Mistake(description: "--input takes one --target") }
  }

  private static func number(_ word: String, _ value: String) throws -> UInt64 {
    guard let number = UInt64(value), number < 1 << 62 else {
      throw Mistake(description: "\(word) takes a whole number, not '\(value)'")
    }
    return number
  }
}
