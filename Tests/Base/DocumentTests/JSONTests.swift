import Document
import Model
import Testing

@Suite struct JSONTests {
  private static let meanings: [(String, Value)] = [
    ("null", nil), (" true ", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
    ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)), ("1.0", .double(1)),
    ("1e3", .double(1000)),
    ("-1.5E-3", -0.0015), ("1e-400", .double(0)), ("\"\"", ""), ("[]", []), ("{}", [:]), ("[[],{}]", [[], [:]]),
    ("\"\\u00e9\\ud83d\\ude00\\n\\/\\b\\f\\\"\\\\\"", "é😀\n/\u{8}\u{c}\"\\"), ("\"é😀\"", "é😀"),
    ("{\"b\": 1, \"a\": [1, 2.5, \"x\", null]}", ["b": 1, "a": [1, 2.5, "x", nil]]),
  ]

  @Test(arguments: meanings)
  func means(text: String, expected: Value) throws {
    #expect(json(text) == .value(expected))
    #expect(try JSON.decode(Array(text.utf8)[...]) == expected)
  }

  @Test(arguments: ["\n", "\r\n", "\r"])
  func everyValueHasItsLocation(end: String) throws {
    let lines = [
      "", "{ \"größe\\\"\" :\t\"é\",", "\"b\": [1,-2.5 , {}, [],", " true,{\"c\":null}]", ", \"d\": {\"e\": \"f\"} }",
    ]
    #expect(
      try JSON.parse(Array(lines.joined(separator: end).utf8), file: "f").places == [
        "2:1 map", "2:3 größe\":", "2:15 \"é\"", "3:1 b:", "3:6 list", "3:7 1", "3:9 -2.5", "3:16 map", "3:20 list",
        "4:2 true", "4:7 map", "4:8 c:", "4:12 null", "5:3 d:", "5:8 map", "5:9 e:", "5:14 \"f\"",
      ])
  }

  @Test func aByteOrderMarkIsSkippedInFiles() throws {
    #expect(try JSON.parse([0xEF, 0xBB, 0xBF, 0x31], file: "f").places == ["1:1 1"])
  }

  @Test(arguments: [
    ("", "f:1:1: the text is empty; expected a JSON value"),
    (" \n ", "f:2:2: the text is empty; expected a JSON value"),
    ("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "f:3:2: the key 'a' appears twice in one map; the first is at f:1:2"),
    (
      "[{\"a\": {\"a\": 1}, \"b\": [{\"x\": 1}], \"\\u0061\": 3}]",
      "f:1:35: the key 'a' appears twice in one map; the first is at f:1:3"
    ),
    ("[1,]", "f:1:4: expected a value, found ']' (JSON allows no trailing comma)"),
    ("{\"a\": 1,}", "f:1:9: expected a key in double quotes or '}', found '}'"),
    ("{a: 1}", "f:1:2: expected a key in double quotes or '}', found 'a'"),
    ("{\"a\" 1}", "f:1:6: expected ':' after the key, found '1'"),
    ("{\"a\": 1 \"b\": 2}", "f:1:9: expected ',' or '}', found '\"b\"'"),
    ("[1 2]", "f:1:4: expected ',' or ']', found '2'"),
    ("[1", "f:1:3: expected ',' or ']', found the end of the text"),
    ("{\"a\":", "f:1:6: expected a value, found the end of the text"),
    ("[1] [2]", "f:1:5: expected the end of the text after the value, found '['"),
    ("['a']", "f:1:2: expected a value, found ''a'' (JSON strings need double quotes)"),
    ("[NaN]", "f:1:2: expected a value, found 'NaN' (JSON has neither NaN nor infinities)"),
    ("[-Infinity]", "f:1:2: expected a value, found '-Infinity' (JSON has neither NaN nor infinities)"),
    ("[True]", "f:1:2: expected a value, found 'True' (JSON writes true, false and null in lower case)"),
    ("[None]", "f:1:2: expected a value, found 'None' (did you mean 'null'?)"),
    ("// c\n[1]", "f:1:1: expected a value, found '//' (JSON has no comments)"),
    (
      "[012]",
      "f:1:2: expected a value, found '012' "
        + "(JSON numbers are like 12, -3 or 1.5e3: no leading zero or '+', digits around the point)"
    ),
    (
      "[1.]",
      "f:1:2: expected a value, found '1.' "
        + "(JSON numbers are like 12, -3 or 1.5e3: no leading zero or '+', digits around the point)"
    ),
    (
      "[9223372036854775808]",
      "f:1:2: the integer '9223372036854775808' does not fit in 64 bits (±9.2e18); put it in quotes if it is a name"
    ),
    (
      "[-9223372036854775809]",
      "f:1:2: the integer '-9223372036854775809' does not fit in 64 bits (±9.2e18); put it in quotes if it is a name"
    ),
    ("[1e400]", "f:1:2: the number '1e400' is too large for a floating-point number (about ±1.8e308)"),
    ("[\"abc]", "f:1:2: the text that begins here has no closing quote"),
    ("[\"abc\n\"]", "f:1:2: the text that begins here has no closing quote on its line"),
    ("[\"a\tb\"]", "f:1:4: control characters must be escaped; write \\u0009 or \\t"),
    (
      "[\"é\\q\"]",
      "f:1:4: unknown escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hexadecimal digits"
    ),
    ("[\"\\u0000\"]", "f:1:2: text must not contain the character \\u0000"),
    ("{\"\\u0000\": 1}", "f:1:2: text must not contain the character \\u0000"),
    (
      "[\"\\ud800\"]",
      "f:1:2: this text has an invalid \\u escape: it takes four hexadecimal digits, and pairs "
        + "\\uD800–\\uDBFF with \\uDC00–\\uDFFF"
    ),
    (
      "[\"\\u12G4\"]",
      "f:1:2: this text has an invalid \\u escape: it takes four hexadecimal digits, and pairs "
        + "\\uD800–\\uDBFF with \\uDC00–\\uDFFF"
    ),
  ])
  func isRefused(text: String, message: String) {
    #expect(json(text) == .problems(message), "\(text)")
    let error = #expect(throws: Diagnostic.self) { try JSON.decode(Array(text.utf8)[...]) }
    #expect(error?.description == "<message>" + message.dropFirst().replacing("at f:", with: "at <message>:"))
  }

  @Test func aSliceIsReadOnItsOwn() throws {
    let buffer = Array("[1]\n{\"a\": 2}\n[3".utf8)
    #expect(try JSON.decode(buffer[4..<12]) == ["a": 2])
    let error = #expect(throws: Diagnostic.self) { try JSON.decode(buffer[13...]) }
    #expect(error?.location.column == 3)
  }

  private static let texts: [(Value, String)] = [
    (nil, "null"), (true, "true"), (.int(.min), "-9223372036854775808"), (.double(1), "1.0"), (0.1, "0.1"),
    (.double(1e21), "1e+21"), (.double(.leastNonzeroMagnitude), "5e-324"), (.double(.nan), "null"),
    (.double(-.infinity), "null"),
    (.string("a\"\\\n\r\t\u{0}\u{1f}é\u{7f}😀/"), "\"a\\\"\\\\\\n\\r\\t\\u0000\\u001fé\u{7f}😀/\""),
    (.bytes([]), "\"\""), (.bytes([0xFF]), "\"/w==\""), (.bytes([1, 2]), "\"AQI=\""), (.bytes([1, 2, 3]), "\"AQID\""),
    ([], "[]"), ([:], "{}"), (["b": [1, [:]], "a": nil], "{\"b\":[1,{}],\"a\":null}"),
  ]

  @Test(arguments: texts)
  func writes(value: Value, text: String) { #expect(JSON.text(value) == text) }

  @Test func prettyIsIndented() {
    #expect(
      JSON.text(["a": [1, ["b": []]], "c": [:]], pretty: true) == """
        {
          "a": [
            1,
            {
              "b": []
            }
          ],
          "c": {}
        }
        """)
  }
}
