import CEL
import Testing

@Suite struct LiteralTests {
  @Test func numbers() {
    expect("42", 42)
    expect("-7", -7)
    expect("0x1F", 31)
    expect("-0x10", -16)
    expect("9223372036854775807", .int(.max))
    expect("-9223372036854775808", .int(.min))
    expect("1u", .uint(1))
    expect("0xFFu", .uint(255))
    expect("18446744073709551615u", .uint(.max))
    expect("1.5", 1.5)
    expect(".5", 0.5)
    expect("1e3", 1000.0)
    expect("1.5e-2", 0.015)
    expect("-2.5E+1", -25.0)
    expect("--4", 4)
    expect("---4", -4)
    expect("- 4", -4)
  }

  @Test func wrongNumbers() {
    expectRefused("9223372036854775808", offset: 0, saying: "too large")
    expectRefused("-9223372036854775809")
    expectRefused("18446744073709551616u", offset: 0)
    expectRefused("1 + 0x", offset: 4, saying: "hexadecimal")
    expectRefused("10s", offset: 0, saying: "duration('10s')")
    expectRefused("1e999", saying: "double")
    expectRefused("1.")
    expectRefused("-1u", saying: "'-' needs")
  }

  @Test func texts() {
    expect("'a'", "a")
    expect(#""it's""#, "it's")
    expect(#"'say "x"'"#, #"say "x""#)
    expect(#"'\a\b\f\n\r\t\v\\\?\"\'\`'"#, "\u{7}\u{8}\u{C}\n\r\t\u{B}\\?\"'`")
    expect(#"'\x41\101\u00e9\U0001F600'"#, "AAé😀")
    expect(#"r'\n\x'"#, #"\n\x"#)
    expect(#"R"a\"# + "\"", #"a\"#)
    expect("'''a\n'b' ''c'''", "a\n'b' ''c")
    expect("\"\"\"two\nlines\"\"\"", "two\nlines")
    expect("r'''\\d''' + ''", "\\d")
    expect("''", "")
    expect("'ünïcode'", "ünïcode")
  }

  @Test func bytes() {
    expect("b'abc'", .bytes([97, 98, 99]))
    expect(#"b'\xff\000\377'"#, .bytes([255, 0, 255]))
    expect(#"br'\n'"#, .bytes([92, 110]))
    expect("b'ÿ'", .bytes([0xC3, 0xBF]))
    expectRefused(#"b'\u00e9'"#, offset: 2, saying: "bytes")
  }

  @Test func wrongTexts() {
    expectRefused("'abc", offset: 0, saying: "closing quote")
    expectRefused("1 == 'abc\n'", offset: 5)
    expectRefused(#"'\q'"#, offset: 1, saying: "escape")
    expectRefused(#"'\x4'"#, offset: 1)
    expectRefused(#"'\ud800'"#, offset: 1, saying: "Unicode")
    expectRefused(#"'\U00110000'"#, offset: 1)
    expectRefused("'''abc''")
    expectRefused(#"'abc\"#)
  }

  @Test func constantsListsAndMaps() throws {
    expect("true", true)
    expect("false", false)
    expect("null", nil)
    expect("[1, 'a', 2.5, null]", [1, "a", 2.5, nil])
    expect("[1, 2,]", [1, 2])
    expect("[]", .list([CELValue]()))
    expect("{'a': 1, 2: 'b', true: 3u, 4u: 0}.size()", 4)
    expect("{'a': 1,}['a']", 1)
    expect("{1: 'a'}[1u]", "a")
    expect("{1u: 'a'}[1]", "a")
    expect("{1: 'a'}[dyn(1.0)]", "a")
    expect("{}.size()", 0)
    expectFailure("{'a': 1, 'a': 2}.size()", saying: "twice")
    expectFailure("{1: 1, 1u: 2}.size()", saying: "twice")
    expectFailure("{x: 1}.size()", ["x": 1.5], saying: "keys")
    expectRefused("{1.5: 1}", saying: "keys")
    expectRefused("{null: 1}")
  }

  @Test func commentsAndBlanks() {
    expect("1 + // one\n 2", 3)
    expect("\t1\r\n+\u{C}1 ", 2)
  }
}
