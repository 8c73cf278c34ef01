import Model

/// The command line options of the campaign.
struct Options {
  /// The seed of a single run with a full trace; nil for a campaign.
  var seed: UInt64?
  /// The first seed of a campaign.
  var first: UInt64 = 1
  var runs = 1000
  /// The number of processes that share the runs.
  var jobs = 1
  /// No runs begin after this time; nil for no limit.
  var limit: Duration?
  /// The number of failing seeds after which the campaign gives up.
  var failures = 5

  static let help = """
    usage: fault-campaign [--seed N] [--first N] [--runs N] [--jobs N] [--for TIME]

      --seed N    one run, told event by event
      --first N   the first of the seeds (1)
      --runs N    how many (1000)
      --jobs N    in so many processes (1)
      --for TIME  begin no more runs after this time, e.g. 60s

    """

  struct Mistake: Error, CustomStringConvertible { var description: String }

  init(_ words: [String]) throws {
    var rest = words[...]
    while let word = rest.popFirst() {
      guard let value = rest.popFirst() else { throw Mistake(description: "\(word) needs a value") }
      switch word {
      case "--seed": seed = try Self.number(word, value)
      case "--first": first = try Self.number(word, value)
      case "--runs": runs = Int(try Self.number(word, value))
      case "--jobs": jobs = min(64, max(1, Int(try Self.number(word, value))))
      case "--for":
        guard let time = Quantity.duration(value) else { throw Mistake(description: "--for takes a time such as 60s") }
        limit = time
      default: throw Mistake(description: "unknown option \(word)")
      }
    }
  }

  private static func number(_ word: String, _ value: String) throws -> UInt64 {
    guard let number = UInt64(value), number < 1 << 62 else {
      throw Mistake(description: "\(word) takes a whole number, not '\(value)'")
    }
    return number
  }
}
