import CEL
import Testing

@Suite struct OperatorTests {
  @Test func precedence() {
    expect("1 + 2 * 3", 7)
    expect("(1 + 2) * 3", 9)
    expect("10 - 4 - 3", 3)
    expect("2 + 3 == 5 && !false", true)
    expect("true || false && false", true)
    expect("false ? 1 : true ? 2 : 3", 2)
    expect("-2 * -3", 6)
    expect("1 < 2 == true", true)
    expect("!!true", true)
    expect("!!!true", false)
    expect("1 - -1", 2)
    expect("7 % 4 * 2", 6)
  }

  @Test func arithmetic() {
    expect("7 / 2", 3)
    expect("-7 / 2", -3)
    expect("-7 % 3", -1)
    expect("7 % -3", 1)
    expect("7u / 2u", .uint(3))
    expect("7u % 4u", .uint(3))
    expect("1.0 / 4.0", 0.25)
    expect("1.0 / 0.0 > 1e308", true)
    expect("'a' + 'b'", "ab")
    expect("b'a' + b'b'", .bytes([97, 98]))
    expect("[1] + [2, 3]", [1, 2, 3])
    expect("[1] + ['a']", [1, "a"])
  }

  @Test func overflow() {
    for text in [
      "9223372036854775807 + 1", "-9223372036854775808 - 1", "9223372036854775807 * 2", "-(-9223372036854775808)",
      "-9223372036854775808 / -1", "-9223372036854775808 % -1", "0u - 1u", "18446744073709551615u + 1u",
      "18446744073709551615u * 2u",
    ] {
      expectFailure(text, saying: "overflow")
    }
    expectFailure("1 / 0", saying: "division by zero")
    expectFailure("1 % 0", saying: "modulus by zero")
    expectFailure("1u / 0u", saying: "division by zero")
    expectFailure("x / y", ["x": 1, "y": 0], saying: "division by zero")
  }

  @Test func incompatibleOperandTypesAreRefused() {
    expectFailure("x + 1", ["x": 1.5], saying: "convert")
    expectFailure("x + 'a'", ["x": 1], saying: "no such overload")
    expectFailure("x % y", ["x": 3.0, "y": 2.0])
    expectRefused("x % 2.0")
    expectFailure("-x", ["x": "a"])
    expectFailure("!x", ["x": 1])
    expectFailure("x < 1", ["x": "a"])
    expectFailure("x < y", ["x": nil, "y": nil])
    expectFailure("x ? 1 : 2", ["x": 1])
  }

  @Test func equality() {
    expect("1 == 1", true)
    expect("1 == 1.0", true)
    expect("1u == 1", true)
    expect("dyn(1) == 'a'", false)
    expect("dyn(1) != 'a'", true)
    expect("null == null", true)
    expect("x == null", false, ["x": 1])
    expect("x == null", true, ["x": nil])
    expect("[1, 2] == [1, 2]", true)
    expect("[1, 2] == [2, 1]", false)
    expect("[1, [2]] == [1.0, [2u]]", true)
    expect("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", true)
    expect("{'a': 1} == {'a': 2}", false)
    expect("{'a': dyn(1)} == {'b': dyn(1)}", false)
    expect("double('NaN') == double('NaN')", false)
    expect("double('NaN') != double('NaN')", true)
    expect("9223372036854775807 == 9223372036854775808.0", true)
    expect("9223372036854775807 == 9223372036854777857.0", false)
    expect("9007199254740993 == 9007199254740992.0", true)
    expect("'e\\u0301' == '\\u00e9'", false)
    expect("b'a' == b'a'", true)
    expect("-0.0 == 0", true)
  }

  @Test func order() {
    expect("1 < 2", true)
    expect("2 <= 2", true)
    expect("1 < 1.5", true)
    expect("2u > 1", true)
    expect("-1 < 1u", true)
    expect("18446744073709551615u > -1", true)
    expect("1.5 >= 2u", false)
    expect("-9223372036854775808 >= -9223372036854775808.0", true)
    expect("1 < double('NaN')", false)
    expect("1 >= double('NaN')", false)
    expect("1 < double('Infinity')", true)
    expect("1 > double('-Infinity')", true)
    expect("-1 > -1.5", true)
    expect("'abc' < 'abd'", true)
    expect("'Z' < 'a'", true)
    expect("'ab' < 'abc'", true)
    expect("'\\uFFFF' < '\\U00010000'", true)
    expect("false < true", true)
    expect("b'a' < b'b'", true)
  }

  /// Integers with the same nearest double, as in cel-spec's comparisons.textproto.
  @Test(arguments: [
    ("<", [false, true, false, true, false, false]), (">", [false, false, false, false, false, true]),
    ("<=", [true, true, true, true, true, false]), (">=", [true, false, true, false, true, true]),
  ])
  func orderOfLargeIntegersAndDoubles(_ order: String, _ wanted: [Bool]) {
    let pairs = [
      ("9223372036854775807", "9223372036854775808.0"), ("9223372036854775807", "9223372036854777857.0"),
      ("9223372036854775808.0", "9223372036854775807"), ("18446744073709551615u", "18446744073709590000.0"),
      ("-9223372036854775808", "-9223372036854775809.0"), ("-9223372036854775808", "-9223372036854777857.0"),
    ]
    for (pair, holds) in zip(pairs, wanted) { expect("dyn(\(pair.0)) \(order) \(pair.1)", .bool(holds)) }
  }

  @Test func logicAbsorbsErrors() {
    let error = "1 / 0 > 0"
    expect("false && \(error)", false)
    expect("\(error) && false", false)
    expect("true || \(error)", true)
    expect("\(error) || true", true)
    expect("\(error) || \(error) || true", true)
    expect("missing || true", true)
    expect("false && missing", false)
    expect("x && false", false, ["x": 1])
    expect("x || true", true, ["x": "text"])
    expectFailure("true && \(error)")
    expectFailure("\(error) && true")
    expectFailure("false || \(error)")
    expectFailure("\(error) || false")
    expectFailure("x && true", ["x": 1], saying: "no such overload")
    expectFailure("!(\(error))")
    expectFailure("\(error) ? 1 : 2")
    expect("true ? 1 : 1 / 0", 1)
    expect("false ? 1 / 0 : 2", 2)
  }

  @Test func membership() {
    expect("1 in [1, 2]", true)
    expect("3 in [1, 2]", false)
    expect("1.0 in [1, 2]", true)
    expect("'a' in {'a': 1}", true)
    expect("'b' in {'a': 1}", false)
    expect("1u in {1: 'x'}", true)
    expect("dyn('a') in [1, 2]", false)
    expect("x in ['main', 'master']", true, ["x": "main"])
    expect("!(x in [1])", true, ["x": 2])
    expectFailure("1 in x", ["x": 1])
    expectRefused("'a' in 'abc'", saying: "contains")
    expectRefused("'a' in [1]")
  }

  @Test func fieldsAndIndices() {
    let map: CELValue = .map(CELMap(["a": ["b": [1, 2, 3]], "for": 7, "x-y": true]))
    expect("m.a.b[1]", 2, ["m": map])
    expect("m['a']['b'][0]", 1, ["m": map])
    expect("m.for", 7, ["m": map])
    expect("m.`x-y`", true, ["m": map])
    expect("[1, 2, 3][1]", 2)
    expect("[1, 2, 3][1u]", 2)
    expect("[1, 2, 3][dyn(1.0)]", 2)
    expect("has(m.a)", true, ["m": map])
    expect("has(m.a.c)", false, ["m": map])
    expect(".m.for", 7, ["m": map])
    expectFailure("[1][1]", kind: .missing, saying: "out of range")
    expectFailure("[1][-1]", kind: .missing)
    expectFailure("[1][dyn(0.5)]")
    expectFailure("m.nothing", ["m": map], kind: .missing, saying: "no such key")
    expectFailure("m['nothing']", ["m": map], kind: .missing)
    expectFailure("has(m.c.d)", ["m": map], kind: .missing)
    expectFailure("value > 30.0", kind: .missing, saying: "no such attribute 'value'")
    expectFailure("x.y", ["x": 1])
    expectFailure("has(x.y)", ["x": 1])
  }
}
