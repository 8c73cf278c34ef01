import Document
import Model
import Testing

@Suite struct YAMLStructureTests {
  @Test(arguments: ["\n", "\r\n", "\r"])
  func everyValueHasItsLocation(end: String) throws {
    let lines = [
      "# board", "name: größe", "devices:", "  - id: \"fän\"  # one", "    pins: [1, {a: ~}]", "  - x", "last:",
    ]
    let node = try YAML.parse(Array(lines.joined(separator: end).utf8), file: "f")
    #expect(
      node.places == [
        "2:1 map", "2:1 name:", "2:7 \"größe\"", "3:1 devices:", "4:3 list", "4:5 map", "4:5 id:", "4:9 \"fän\"",
        "5:5 pins:", "5:11 list", "5:12 1", "5:15 map", "5:16 a:", "5:19 null", "6:5 \"x\"", "7:1 last:",
        "7:6 null",
      ])
    #expect(node.location == Location(file: "f", line: 2, column: 1))
  }

  @Test func columnsCountCharactersWithoutTheByteOrderMark() throws {
    let bytes = [0xEF, 0xBB, 0xBF] + Array("é😀: é".utf8)
    #expect(try YAML.parse(bytes, file: "f").places == ["1:1 map", "1:1 é😀:", "1:5 \"é\""])
  }

  @Test func aliasesHaveTheirOwnLocation() throws {
    let node = try YAML.parse(Array("a: &x [1]\nb: *x\nc: &x 2\nd: *x\n".utf8), file: "f")
    #expect(node.value == ["a": [1], "b": [1], "c": 2, "d": 2])
    #expect(node["b"]?.location == Location(file: "f", line: 2, column: 4))
    #expect(yaml("? &k key\n: 1\nother: *k\n") == .value(["key": 1, "other": "key"]))
  }

  @Test(arguments: [
    ("", "f:1:1: the text is empty; expected a YAML document"),
    ("# only a comment\n", "f:1:1: the text is empty; expected a YAML document"),
    ("a: 1\n---\nb: 2\n", "f:2:1: a second document begins here; expected one document in the file"),
    ("a: 1\nb: 2\na: 3\n", "f:3:1: the key 'a' appears twice in one map; the first is at f:1:1"),
    ("{x: {b: 1, \"b\": 2}}", "f:1:12: the key 'b' appears twice in one map; the first is at f:1:6"),
    ("base: &b {x: 1}\nuse:\n  <<: *b\n", "f:3:3: merge keys ('<<') are not supported; write the entries out"),
    ("1: a", "f:1:1: a key must be text, found an integer; write \"1\""),
    ("true: a", "f:1:1: a key must be text, found a boolean; write \"true\""),
    ("~: a", "f:1:1: a key must be text, found null; write \"~\""),
    ("? [a]\n: 1", "f:1:3: a key must be text, found a list"),
    ("{{a: 1}: 2}", "f:1:2: a key must be text, found a map"),
    ("a: &x [*x]\n", "f:1:8: the alias *x is inside the value that it refers to"),
    ("a:\n\tb: 1\n", "f:2:1: YAML does not allow a tab here; indent with spaces"),
    ("a:\n  b: 1\n  \tc: 1\n", "f:3:3: YAML does not allow a tab here; indent with spaces"),
    ("a: [1, 2\nb: 3\n", "f:2:2: expected ',' or ']' in the list that begins at line 1, column 4, found ':'"),
    ("a: {b: 1\nc: 3\n", "f:2:2: expected ',' or '}' in the map that begins at line 1, column 4, found ':'"),
    ("a: \"text\nb: 3\n", "f:1:4: the quoted text that begins here has no closing quote"),
    ("a: 'text", "f:1:4: the quoted text that begins here has no closing quote"),
    (
      "a: b: c\n",
      "f:1:5: a ':' is not allowed here; check the indentation, and put text that contains ': ' in quotes"
    ),
    ("a: 1\nb\nc: 2\n", "f:2:1: expected ':' after this key"),
    (
      "a: 1\n b: 2\n",
      "f:2:3: a ':' is not allowed here; check the indentation, and put text that contains ': ' in quotes"
    ),
    ("on: @home\n", "f:1:5: text cannot begin with '@'; put it in quotes"),
    ("a: `x`\n", "f:1:4: text cannot begin with '`'; put it in quotes"),
    ("a: \"\\q\"\n", "f:1:5: unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"),
    ("a: \"\\xZZ\"\n", "f:1:7: expected hexadecimal digits after \\x, \\u or \\U"),
    ("a: \"\\uD800\"\n", "f:1:7: this escape is not a Unicode character"),
    ("a: *\n", "f:1:5: expected a name after '&' or '*'; put text that begins with them in quotes"),
    ("a: !x!y z\n", "f:1:4: the tag is unknown; put text that begins with '!' in quotes"),
    ("a: !<%zz> b\n", "f:1:4: this is not a valid tag; put text that begins with '!' in quotes"),
    ("- a\nb: 1\n", "f:2:1: expected a '-' of the list that begins at line 1, column 1; check the indentation"),
    ("a: - b\n", "f:1:4: a list item is not allowed here; put it on a line of its own"),
    ("a: ]\n", "f:1:4: expected a value, found ']'"),
    ("'a' b\n", "f:1:5: expected the end of the document after its value; check the indentation and the quotes"),
    ("%YAML 3.0\n--- a\n", "f:1:1: expected YAML 1.1 or 1.2"),
    ("a: |x\n  t\n", "f:1:5: expected a line end here"),
    ("a: x\u{7}y\n", "f:1:5: YAML allows no control characters"),
    (
      "a: 'b'\n  'c': 1\n",
      "f:2:3: expected a key of the map that begins at line 1, column 1; check the indentation and the quotes"
    ),
  ])
  func isRefused(text: String, message: String) {
    #expect(yaml(text) == .problems(message), "\(text)")
  }

  @Test func wrongValuesAreReportedTogether() {
    #expect(
      yaml("a: .nan\n2: x\nb: !t 1\nc: [1, .inf]\na: 1\nd: [\n")
        == .problems(
          """
          f:1:4: .nan is not a number; expected a finite number, or text in quotes
          f:2:1: a key must be text, found an integer; write "2"
          f:3:4: the tag '!t' is unknown; expected none, or one of !!str, !!int, !!float, !!bool, !!null, !!seq and !!map
          f:4:8: .inf is infinite; expected a finite number, or text in quotes
          f:5:1: the key 'a' appears twice in one map; the first is at f:1:1
          f:7:1: expected a value, found the end of the text
          """))
  }

  @Test func reportingStopsAfterFiftyProblems() throws {
    let text = (0..<1000).map { "k\($0): .nan\n" }.joined()
    let problems = #expect(throws: Diagnostics.self) { try YAML.parse(Array(text.utf8), file: "f") }
    #expect(problems?.all.count == 51)
  }

  @Test func duplicatesAreFoundAmongManyKeys() {
    let text = (0..<100).map { "k\($0): 1\n" }.joined()
    #expect(
      yaml(text + "k99: 1\n")
        == .problems("f:101:1: the key 'k99' appears twice in one map; the first is at f:100:1"))
    #expect(
      yaml(text + "k3: 1\n") == .problems("f:101:1: the key 'k3' appears twice in one map; the first is at f:4:1"))
  }
}
