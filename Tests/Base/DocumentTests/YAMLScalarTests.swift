import Document
import Model
import Testing

@Suite struct YAMLScalarTests {
  private static let meanings: [(String, Value)] = [
    ("null", nil), ("~", nil), ("Null", nil), ("NULL", nil), ("nULL", "nULL"), ("''", ""), ("\"\"", ""),
    ("true", true), ("True", true), ("FALSE", false), ("tRUE", "tRUE"),
    ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("'true'", "true"), ("\"1\"", "1"),
    ("0", 0), ("-0", 0), ("+12", 12), ("010", 10), ("0o10", 8), ("0x1F", 31), ("0xfF", 255), ("-0x1F", "-0x1F"),
    ("0o8", "0o8"), ("0x", "0x"), ("0b1", "0b1"), ("1_000", "1_000"), ("12:30", "12:30"),
    ("9223372036854775807", 9_223_372_036_854_775_807), ("-9223372036854775808", .int(.min)),
    ("1.5", 1.5), ("1.", .double(1)), (".5", 0.5), ("-.5", -0.5), ("+1e3", .double(1000)), ("1E-2", 0.01),
    ("30.0", .double(30)), (".", "."), ("-", "-"), ("+", "+"), ("1e", "1e"), ("e1", "e1"), ("1.2.3", "1.2.3"),
    ("1 m", "1 m"), ("-.", "-."), ("--1", "--1"), ("1e-400", .double(0)),
    ("git:commit_pushed", "git:commit_pushed"), ("2024-01-02", "2024-01-02"), (".info", ".info"), ("<<", "<<"),
    ("!!str 1", "1"), ("! 1", "1"), ("!!float 1", .double(1)), ("!!int '7'", 7), ("!!null ''", nil),
    ("!!bool \"true\"", true), ("!!seq [1]", [1]), ("!!map {a: 1}", ["a": 1]),
    ("\"a\\tb\\u00e9\\x41\\\"\"", "a\tbé\u{41}\""), ("'it''s'", "it's"), ("|\n  a\n  b\n", "a\nb\n"),
    (">-\n  a\n  b\n", "a b"), ("plain\n  over lines", "plain over lines"), ("a#b", "a#b"), ("a # b", "a"),
  ]

  @Test(arguments: meanings)
  func means(text: String, expected: Value) throws {
    let isBlock = text.contains("\n") || text == "-"
    if !isBlock { #expect(yaml("{k: \(text)\n}") == .value(["k": expected]), "\(text)") }
    if text != "-" { #expect(yaml("k: \(text)") == .value(["k": expected]), "\(text)") }
    #expect(text == "-" || yaml(text) == .value(expected), "\(text)")
  }

  @Test func integersAndFloatingPointAreDistinct() throws {
    guard case .int = try YAML.parse(Array("1".utf8), file: "f").content else { return #expect(Bool(false)) }
    guard case .double = try YAML.parse(Array("1.0".utf8), file: "f").content else { return #expect(Bool(false)) }
  }

  @Test(arguments: [
    (".nan", "f:1:4: .nan is not a number; expected a finite number, or text in quotes"),
    ("-.inf", "f:1:4: -.inf is infinite; expected a finite number, or text in quotes"),
    (".Inf", "f:1:4: .Inf is infinite; expected a finite number, or text in quotes"),
    ("1e400", "f:1:4: '1e400' is too large for a floating-point number (about ±1.8e308)"),
    (
      "9223372036854775808",
      "f:1:4: the integer '9223372036854775808' does not fit in 64 bits (±9.2e18); put it in quotes if it is a name"
    ),
    (
      "0xFFFFFFFFFFFFFFFF",
      "f:1:4: the integer '0xFFFFFFFFFFFFFFFF' does not fit in 64 bits (±9.2e18); put it in quotes if it is a name"
    ),
    ("\"a\\0b\"", "f:1:4: text must not contain the character U+0000"),
    ("!!int x", "f:1:4: 'x' does not match its tag '!!int'"),
    (
      "!secret x",
      "f:1:4: the tag '!secret' is unknown; expected none, or one of "
        + "!!str, !!int, !!float, !!bool, !!null, !!seq and !!map"
    ),
    (
      "!!set {a}",
      "f:1:4: the tag '!!set' is unknown; expected none, or one of "
        + "!!str, !!int, !!float, !!bool, !!null, !!seq and !!map"
    ),
    ("*b", "f:1:4: the alias *b has no anchor &b before it"),
  ])
  func isRefused(text: String, message: String) {
    #expect(yaml("k: \(text)\n") == .problems(message))
  }
}
