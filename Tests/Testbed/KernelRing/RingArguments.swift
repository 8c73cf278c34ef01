/// The command line of the ring.
struct RingArguments {
  /// The board file.
  var board = "board.yaml"
  /// Only tests whose names contain this.
  var filter = ""
  /// The file for the results as JUnit XML; nil for none.
  var junit: String?
  /// Only list the tests.
  var isList = false
  /// Measure the whole path instead of testing.
  var isBenchmark = false
  /// The number of rounds of the benchmark.
  var rounds = 1000
  /// The length of the test of many edges (RING_SECONDS).
  var edgeSeconds = 60

  struct Problem: Error, CustomStringConvertible { var description: String }

  static let usage = """
    kernel-ring [--board FILE] [--filter TEXT] [--junit FILE] [--list] [--bench [--rounds N]]
    RING_SECONDS: how long the test of many edges goes on, 60 unless set
    """

  init(_ words: [String], environment: [String: String]) throws(Problem) {
    if let text = environment["RING_SECONDS"] {
      guard let seconds = Int(text), seconds > 0 else { throw Problem(description: "RING_SECONDS is '\(text)'") }
      edgeSeconds = seconds
    }
    var rest = words[...]
    while let word = rest.popFirst() {
      switch word {
      case "--list": isList = true
      case "--bench": isBenchmark = true
      case "--board", "--filter", "--junit", "--rounds":
        guard let value = rest.popFirst() else { throw Problem(description: "\(word) needs a value\n\(Self.usage)") }
        switch word {
        case "--board": board = value
        case "--filter": filter = value
        case "--junit": junit = value
        default:
          guard let number = Int(value), number > 0 else { throw Problem(description: "--rounds is '\(value)'") }
          rounds = number
        }
      default: throw Problem(description: "'\(word)' is not known\n\(Self.usage)")
      }
    }
  }
}
