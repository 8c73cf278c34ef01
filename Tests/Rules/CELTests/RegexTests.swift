import CEL
import TestKit
import Testing

@Suite struct RegexTests {
  @Test(arguments: [
    ("hello", "ell", true), ("hello", "^ell", false), ("hello", "^hello$", true), ("hello", "l{2}", true),
    ("hello", "l{3}", false), ("hello", "x*", true), ("", "", true), ("", "a", false), ("abc", "a.c", true),
    ("a\nc", "a.c", false), ("a\nc", "(?s)a.c", true), ("abc", "[a-c]+$", true), ("abd", "^[^c]+$", true),
    ("foo123", "^[a-z]+\\d{3}$", true), ("foo12", "^[a-z]+\\d{3,}$", false), ("foo1234", "\\d{2,3}$", true),
    ("ABC", "(?i)abc", true), ("ABC", "(?i:a)BC", true), ("ABC", "(?i:a)bc", false), ("a.b", "a\\.b", true),
    ("axb", "a\\.b", false), ("one two", "\\btwo\\b", true), ("onetwo", "\\btwo", false), ("onetwo", "\\Btwo", true),
    ("main", "^(main|master)$", true), ("mainx", "^(main|master)$", false), ("aab", "^a*?b", true),
    ("x\ny", "(?m)^y$", true), ("x\ny", "^y$", false), ("é", "^.$", true), ("é", "[à-ÿ]", true),
    ("tab\t", "\\s$", true), ("a-b", "[a\\-]+b", true), ("]", "[]]", true), ("x", "[[:alpha:]]", true),
    ("7", "[^[:alpha:]]", true), ("a{b", "a{b", true), ("é", "\\x{e9}", true), ("A", "\\x41", true),
    ("abcabc", "(?:abc){2}", true), ("abc", "(?P<name>b)", true), ("ab", "a|", true), ("d7", "[\\D]\\d", true),
    ("ac", "ab?c", true), ("abbc", "ab?c", false), ("a\n", "a$", false), ("ac", "^a{0}c|^ac", true),
    ("GRÖSSE ÄHNLICH", "(?i)größe|ähnlich", true), ("ähnlich", "Ähnlich", false), ("ПРИВЕТ", "(?i)привет", true),
    ("σ", "(?i)^ς$", true), ("ς", "(?i)^σ$", true), ("É", "(?i)[à-ÿ]", true), ("é", "(?i)^[^É]$", false),
    ("\u{212A}", "(?i)k", true), ("k", "(?i)\\x{212A}", true), ("ı", "(?i)i", false), ("ß", "(?i)ẞ", true),
  ])
  func fits(_ text: String, _ pattern: String, _ wanted: Bool) throws {
    let scope = CELVariables(["text": .string(text), "pattern": .string(pattern)])
    #expect(try CELProgram("text.matches(pattern)").evaluate(scope) == .bool(wanted))
    #expect(try CELProgram("matches(text, r'''\(pattern)''')").evaluate(scope) == .bool(wanted))
  }

  /// Any pattern is compiled or refused, and never ends the process.
  @Test func randomPatternsAreCompiledOrRefused() throws {
    var dice = SeededGenerator(20)
    let pieces = [
      "(", ")", "[", "]", "{", "}", "?", "*", "+", "|", "^", "$", ".", "\\", "(?", "P<", "<", ">", "=", "!", ":", "-",
      ",",
      "i", "a", "é", "1", "9", "[:", "alpha", ":]", "x{", "Q", "E", "d",
    ]
    let program = try CELProgram("x.matches(p)")
    var refused = 0
    for _ in 0..<3_000 {
      let pattern = (0..<Int.random(in: 1...8, using: &dice)).map { _ in pieces.randomElement(using: &dice)! }.joined()
      do { _ = try program.evaluate(CELVariables(["x": .string("aé1"), "p": .string(pattern)])) } catch { refused += 1 }
    }
    #expect((300..<3_000).contains(refused))
  }

  @Test(arguments: [
    "(", ")", "[a", "*a", "a**", "\\", "\\1", "(?=a)", "(?!a)", "(?<=a)", "\\pL", "a{2,1}", "a{1001}", "[b-a]",
    "(?x)a", "\\xZ", "(?P<n", "(?P<n)", "(?P<n)>a)", "(?<)", "(((((a{100}){100}){100}){100}){100})", "[a-\\",
    "(a{1000}){2}",
  ])
  func isRefused(_ pattern: String) {
    expectRefused("x.matches(r'''\(pattern) ''')".replacing(" '''", with: pattern.hasSuffix("\\") ? "''' + ''" : "'''"))
    expectFailure("x.matches(p)", ["x": "a", "p": .string(pattern)])
  }

  /// A pattern that takes exponential time in a backtracking implementation.
  @Test func isLinear() throws {
    let text = String(repeating: "a", count: 2000)
    #expect(try value("x.matches('^(a+)+$')", ["x": .string(text)]) == true)
    #expect(try value("x.matches('^(a+)+$')", ["x": .string(text + "b")]) == false)
  }
}
