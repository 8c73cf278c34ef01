/// The text before `.format(…)`, taken apart (github.com/google/cel-go, ext/README.md, "Format").
struct FormatString {
  enum Piece {
    case text(String)
    case clause(Clause)
  }

  /// `%.2f`
  struct Clause {
    let verb: Verb
    /// The number of decimals of `%f` and `%e`.
    let precision: Int
  }

  enum Verb: Character {
    case string = "s"
    case decimal = "d"
    case fixed = "f"
    case scientific = "e"
    case hex = "x"
    case upperHex = "X"
    case octal = "o"
    case binary = "b"
  }

  /// The greatest number of decimals.
  static let greatestPrecision = 100

  private(set) var pieces: [Piece] = []

  /// - Throws: an unknown or an unfinished clause.
  init(_ format: String) throws(CELError) {
    let text = Array(format.utf8)
    var at = 0
    var plain: [UInt8] = []
    while at < text.count {
      guard text[at] == UInt8(ascii: "%") else {
        plain.append(text[at])
        at += 1
        continue
      }
      at += 1
      if at < text.count, text[at] == UInt8(ascii: "%") {
        plain.append(text[at])
        at += 1
        continue
      }
      if !plain.isEmpty { pieces.append(.text(String(decoding: plain, as: UTF8.self))) }
      plain = []
      pieces.append(.clause(try Self.clause(text, &at)))
    }
    if !plain.isEmpty { pieces.append(.text(String(decoding: plain, as: UTF8.self))) }
  }

  var clauses: [Clause] { pieces.compactMap { if case .clause(let clause) = $0 { clause } else { nil } } }

  /// - Parameter at: behind the `%`; moved behind the clause.
  private static func clause(_ text: [UInt8], _ at: inout Int) throws(CELError) -> Clause {
    var precision = 6
    if at < text.count, text[at] == UInt8(ascii: ".") {
      let digits = text[(at + 1)...].prefix(while: isDigit)
      at += 1 + digits.count
      guard let number = Int(String(decoding: digits, as: UTF8.self)), number <= greatestPrecision else {
        throw CELError(message: "format(): '%.' is followed by a number from 0 to \(greatestPrecision), as in %.2f")
      }
      precision = number
    }
    guard at < text.count else { throw CELError(message: "format(): the text ends within a clause; write %% for %") }
    guard let verb = Verb(rawValue: Character(Unicode.Scalar(text[at]))) else {
      let rest = String(decoding: text[at...].prefix(4), as: UTF8.self)
      throw CELError(
        message: "format(): unknown clause '%\(rest.prefix(1))'; there are %s %d %f %e %x %X %o %b, and %% for %")
    }
    at += 1
    return Clause(verb: verb, precision: precision)
  }
}

extension FormatString.Verb {
  /// The types that the clause takes.
  private var types: [CELType] {
    switch self {
    case .string:
      [
        .string, .bool, .bytes, .int, .uint, .double, .map(.dyn, .dyn), .list(.dyn), .type, .duration, .timestamp,
        .null,
      ]
    case .decimal, .fixed, .scientific: [.int, .uint, .double]
    case .hex, .upperHex: [.int, .uint, .string, .bytes]
    case .octal: [.int, .uint]
    case .binary: [.int, .uint, .bool]
    }
  }

  /// Whether a value of the type may fit.
  func takes(_ type: CELType) -> Bool { types.contains { type.fits($0) } }

  /// The error for a value that does not fit.
  func refusal(of type: CELType) -> String {
    "format(): %\(rawValue) does not take \(type), but \(types.map(\.description).joined(separator: ", "))"
  }
}
