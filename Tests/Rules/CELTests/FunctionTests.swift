import CEL
import Testing

@Suite struct FunctionTests {
  @Test func sizes() {
    expect("size('aé😀')", 3)
    expect("'abc'.size()", 3)
    expect("size(b'aé')", 3)
    expect("size([1, 2])", 2)
    expect("{'a': 1}.size()", 1)
    expect("'e\\u0301'.size()", 2)
    expectFailure("size(x)", ["x": 1])
  }

  @Test func texts() {
    expect("'hello'.contains('ell')", true)
    expect("'hello'.contains('')", true)
    expect("'hello'.contains('x')", false)
    expect("'hello'.startsWith('he')", true)
    expect("'hello'.startsWith('hello!')", false)
    expect("'hello'.endsWith('lo')", true)
    expect("'lo'.endsWith('hello')", false)
    expect("'héllo'.charAt(1)", "é")
    expect("'abc'.charAt(3)", "")
    expect("'hello mellow'.indexOf('ello')", 1)
    expect("'hello mellow'.indexOf('ello', 2)", 7)
    expect("'hello'.indexOf('x')", -1)
    expect("'hello'.indexOf('')", 0)
    expect("'hello mellow'.lastIndexOf('ello')", 7)
    expect("'hello mellow'.lastIndexOf('ello', 6)", 1)
    expect("'hello'.lastIndexOf('x')", -1)
    expect("'ABC é'.lowerAscii()", "abc é")
    expect("'abc é'.upperAscii()", "ABC é")
    expect("' \\t a b\\n '.trim()", "a b")
    expect("'   '.trim()", "")
    expect("'hello hello'.replace('he', 'we')", "wello wello")
    expect("'hello hello'.replace('he', 'we', 1)", "wello hello")
    expect("'hello hello'.replace('he', 'we', 0)", "hello hello")
    expect("'hello hello'.replace('he', 'we', -1)", "wello wello")
    expect("'aaa'.replace('', 'b')", "bababab")
    expect("'aaa'.replace('', 'b', 2)", "babaa")
    expect("'aaa'.replace('', 'b', 9)", "bababab")
    expect("'aaa'.replace('', 'b', 0)", "aaa")
    expect("''.replace('', 'b')", "b")
    expect("'a,b,c'.split(',')", ["a", "b", "c"])
    expect("'a,b,c'.split(',', 2)", ["a", "b,c"])
    expect("'a,b'.split(',', 0)", .list([CELValue]()))
    expect("'abc'.split('')", ["a", "b", "c"])
    expect("'abc'.split('', 1)", ["abc"])
    expect("'abc'.split('', 2)", ["a", "bc"])
    expect("'abc'.split('', 3)", ["a", "b", "c"])
    expect("'abc'.split('', 9)", ["a", "b", "c"])
    expect("''.split('')", [""])
    expect("',a,'.split(',')", ["", "a", ""])
    expect("'tacocat'.substring(4)", "cat")
    expect("'tacocat'.substring(0, 4)", "taco")
    expect("'abc'.substring(3)", "")
    expect("['a', 'b'].join()", "ab")
    expect("['a', 'b'].join('-')", "a-b")
    expect("'abc'.reverse()", "cba")
    expectFailure("'abc'.charAt(4)", saying: "out of range")
    expectFailure("'abc'.substring(2, 1)")
    expectFailure("'abc'.substring(-1)")
    expectFailure("'abc'.indexOf('a', 9)")
    expectFailure("x.join()", ["x": [1]])
  }

  @Test func conversions() {
    expect("int(3.9)", 3)
    expect("int(-3.9)", -3)
    expect("int(-9223372036854774784.0)", -9_223_372_036_854_774_784)
    expect("int('42')", 42)
    expect("int('-7')", -7)
    expect("int(5u)", 5)
    expect("int(timestamp('1970-01-01T00:01:00Z'))", 60)
    expect("uint(7)", .uint(7))
    expect("uint(7.9)", .uint(7))
    expect("uint('7')", .uint(7))
    expect("double(2)", 2.0)
    expect("double('1e3')", 1000.0)
    expect("string(1.5)", "1.5")
    expect("string(2.0)", "2")
    expect("string(-3)", "-3")
    expect("string(3u)", "3")
    expect("string(true)", "true")
    expect("string(b'abc')", "abc")
    expect("string(duration('90m'))", "5400s")
    expect("string(duration('-1500ms'))", "-1.5s")
    expect("string(timestamp('2026-01-01T00:00:00.500Z'))", "2026-01-01T00:00:00.5Z")
    expect("bool('true')", true)
    expect("bool('F' + 'ALSE')", false)
    expect("bytes('é')", .bytes([0xC3, 0xA9]))
    expect("dyn(1)", 1)
    for text in [
      "int('x')", "int('1.5')", "int(1e19)", "int(-9223372036854775808.0)", "int(9223372036854775807.0)",
      "int(double('NaN'))", "int(18446744073709551615u)", "uint(-1)",
      "uint(-0.5 - 1.0)", "uint('-1')", "double('x')", "double('')", "bool('yes')", "string(b'\\xff')",
    ] {
      expectFailure(text)
    }
  }

  @Test func types() {
    expect("type(1) == int", true)
    expect("type(1u) == uint", true)
    expect("type('a') == string", true)
    expect("type(1.5) == double", true)
    expect("type([1]) == list", true)
    expect("type({}) == map", true)
    expect("type(null) == null_type", true)
    expect("type(b'') == bytes", true)
    expect("type(true) == bool", true)
    expect("type(type(1)) == type", true)
    expect("type(duration('1s')) == google.protobuf.Duration", true)
    expect("type(timestamp(0)) == google.protobuf.Timestamp", true)
    expect("type(1) == type(2)", true)
    expect("type(1) == type('a')", false)
    // A payload field of that name takes precedence.
    expect("type == 'door'", true, ["type": "door"])
    expect("list[0]", 1, ["list": [1]])
  }

  @Test func macros() {
    expect("[1, 2, 3].all(x, x > 0)", true)
    expect("[1, 2, 3].all(x, x > 1)", false)
    expect("[].all(x, false)", true)
    expect("[1, 2, 3].exists(x, x > 2)", true)
    expect("[].exists(x, true)", false)
    expect("[1, 2, 3].exists_one(x, x > 2)", true)
    expect("[1, 2, 3].exists_one(x, x > 1)", false)
    expect("[1, 2, 3].existsOne(x, x == 2)", true)
    expect("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3])
    expect("[1, 2, 3].map(x, x * 2)", [2, 4, 6])
    expect("[1, 2, 3].map(x, x > 1, x * 2)", [4, 6])
    expect("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"])
    // A leading point means the name outside the macro (cel-spec's namespace.textproto).
    expect("['compre'].exists(y, .y == 'y')", true, ["y": "y"])
    expect("['compre'].exists(y, y == 'y')", false, ["y": "y"])
    expect("[1].map(x, [2].map(x, .x + x))", [[5]], ["x": 3])
    expect("[1].map(x, .x.y)", [7], ["x": .map(CELMap(["y": 7]))])
    expect("[1].map(int, .int == type(int))", [true])
    expectRefused("[1].map(.x, 1)", saying: "plain name")
    // A macro variable takes precedence over a type of the same name.
    expect("[{'protobuf': {'Duration': 1}}].map(google, google.protobuf.Duration)", [1])
    expect("{'a': 1, 'b': 2}.exists(k, k == 'b')", true)
    expect("[[1, 2], [3]].map(x, x.map(y, y + size(x)))", [[3, 4], [4]])
    expect("[1, 2].map(x, [10, 20].map(x, x))", [[10, 20], [10, 20]])
    expect("[1, 2].exists(x, [2, 3].exists(y, x == y))", true)
    expect("[1].map(x, x) + [x]", [1, 5], ["x": 5])
  }

  @Test func macrosAndErrors() {
    expect("[1, 0, 2].exists(x, 4 / x == 2)", true)
    expect("[1, 0, 2].all(x, 4 / x == 4)", false)
    expectFailure("[1, 0].exists(x, 4 / x == 2)", saying: "division")
    expectFailure("[4, 0].all(x, 4 / x == 1)")
    expectFailure("[1, 0].exists_one(x, 4 / x == 4)")
    expectFailure("[0].map(x, 1 / x)")
    expectFailure("[0].filter(x, 1 / x > 0)")
    expectFailure("x.all(y, true)", ["x": 1])
    expectFailure("[1].all(y, x)", ["x": 1], saying: "bool")
  }

  @Test func excessiveWorkHitsTheStepLimit() {
    let list = "[" + Array(repeating: "1", count: 100).joined(separator: ",") + "]"
    let body = "\(list).all(a, \(list).all(b, \(list).all(c, \(list).all(d, true))))"
    expectFailure(body, kind: .limit)
    expectFailure("(\(body)) || true", kind: .limit)
    expectFailure("x.all(y, \(body))", ["x": [1]], kind: .limit)
    let doubling = "['x']" + String(repeating: ".map(s, s + s)", count: 60)
    expectFailure("\(doubling)[0].size() > 0", kind: .limit)
    let tree = "dyn(['x']" + String(repeating: ".map(s, [s, s])", count: 60) + ")"
    expectFailure("[\(tree)].all(t, t == \(tree) || true)", kind: .limit)
    let long = CELValue.string(String(repeating: "a", count: 200_000))
    expectFailure("[1,2,3,4,5,6,7,8].all(i, x.contains(x + 'b') || x.replace('a', x) != '')", ["x": long], kind: .limit)
    expectFailure("x.matches('(a*)*b' + '')", ["x": long], kind: .limit)
    let big = CELValue.list((0..<10_000).map { CELValue.int($0) })
    expectFailure("x.all(y, x == x)", ["x": big], kind: .limit)
    expectFailure("x.all(y, !(-1 in x))", ["x": big], kind: .limit)
  }
}
