import CEL
import Testing

/// `cel.bind`, and the macros with two variables; most cases are from cel-spec's bindings_ext.textproto and
/// macros2.textproto.
@Suite struct MacroTests {
  @Test(
    arguments: [
      ("cel.bind(t, true, t)", true), ("cel.bind(msg, 'hello', msg + msg + msg)", "hellohellohello"),
      ("cel.bind(t1, true, cel.bind(t2, true, t1 && t2))", true),
      ("cel.bind(valid_elems, [1, 2, 3], [3, 4, 5].exists(e, e in valid_elems))", true),
      ("cel.bind(valid_elems, [1, 2, 3], ![4, 5].exists(e, e in valid_elems))", true),
      ("cel.bind(x, 0, x == 0)", true), ("cel.bind(x, {'y': 0}, x.y == 0)", true),
      ("cel.bind(a, x + 1, cel.bind(b, a * 2, a + b + x))", 31), ("cel.bind(a, x, cel.bind(a, a + 1, a) + a)", 15),
      ("[1, 2].map(i, cel.bind(j, i * x, j + 1))", [8, 15]), ("cel.bind(a, x, .x + a)", 14),
      ("cel.bind(a, [1, 2].map(i, i + x), a.map(i, i * 2))", [16, 18]),
      ("cel.bind(a, x, [1].map(a, a)[0] + a)", 8), ("cel.bind(x, x + 1, x)", 8),
      // The value is needed only where it is used.
      ("cel.bind(a, 1 / (x - x), true || a > 0)", true), ("cel.bind(a, 1 / (x - x), x)", 7),
      ("[0, 1].exists(i, cel.bind(a, 1 / i, a == 1))", true),
    ] as [(String, CELValue)])
  func bindings(_ text: String, _ wanted: CELValue) { expect(text, wanted, ["x": 7]) }

  @Test func failuresOfBindings() throws {
    expectFailure("cel.bind(a, 1 / x, a > 0)", ["x": 0], saying: "division")
    expectFailure("cel.bind(a, y, a > 0)", kind: .missing, saying: "'y'")
    expectFailure("cel.bind(a, lists.range(100001), true)", kind: .limit)
    expectRefused("cel.bind(a, 1)", offset: 4, saying: "cel.bind() takes")
    expectRefused("cel.bind(1, 1, 1)", offset: 9, saying: "plain name")
    expectRefused("cel.bind(a, 1, a + 'x')")
    expectRefused("cel.bind(a, x, 1) + 'x'")
    expectRefused("bind(a, 1, a)")
    #expect(try CELProgram("cel.bind(a, x, string(a))").type == .string)
    #expect(try CELProgram("cel.bind(a, x + y, a + z)").variables == ["x", "y", "z"])
    let program = try CELProgram("cel.bind(t, sensor('a'), t > 1.0 && sensor('b') < t)", functions: .rules)
    #expect(program.hostCalls.map(\.text) == ["a", "b"])
  }

  @Test(
    arguments: [
      ("[1, 2, 3].exists(i, v, i > -1 && v > 0)", true), ("[1, 2, 3].exists(i, v, i == 1 && v == 2)", true),
      ("[1, 2, 3].exists(i, v, i > 2 && v > 3)", false), ("[1, 'foo', 3].exists(i, v, i == 1 && v != '1')", true),
      ("[1, 'foo', 3].exists(i, v, i == 3 || v == '10')", false), ("[].exists(i, v, i == 0 || v == 2)", false),
      ("{'key1':1, 'key2':2}.exists(k, v, k == 'key2' && v == 2)", true),
      ("!{'key1':1, 'key2':2}.exists(k, v, k == 'key3' || v == 3)", true),
      ("{'key':1, 1:21}.exists(k, v, k != 2 && v != 22)", true),
      ("[1, 2, 3].all(i, v, i > -1 && v > 0)", true), ("[1, 2, 3].all(i, v, i == 1 && v == 2)", false),
      ("[1, 'foo', 3].all(i, v, i == 0 || v == 1)", false), ("[0, 'foo', 3].all(i, v, v % 2 == i)", false),
      ("[1, 2, 3].all(i, v, 6 / (2 - v) == i)", false), ("[].all(i, v, i > -1 || v > 0)", true),
      ("{'key1':1, 'key2':2}.all(k, v, k == 'key2' && v == 2)", false),
      ("[].existsOne(i, v, i == 3 || v == 7)", false), ("[7].existsOne(i, v, i == 0 && v == 7)", true),
      ("[5, 7, 8].existsOne(i, v, v % 5 == i)", true), ("[0, 1, 2, 3, 4].exists_one(i, v, v % 2 == i)", false),
      ("{6: 'six', 7: 'seven', 8: 'eight'}.existsOne(k, v, k % 5 == 2 && v == 'seven')", true),
      ("[].transformList(i, v, i / v)", []), ("[3].transformList(i, v, v * v + i)", [9]),
      ("[3].transformList(i, v, i == 0 && v == 3, v * v + i)", [9]),
      ("[2, 4, 6].transformList(i, v, v / 2 + i)", [1, 3, 5]),
      ("[2, 4, 6].transformList(i, v, i != 1 && v != 4, v / 2 + i)", [1, 5]),
      ("{'greeting': 'hello', 'farewell': 'goodbye'}.transformList(k, _, k)", ["greeting", "farewell"]),
      ("{}.transformMap(k, v, k + v) == {}", true), ("{'foo': 'bar'}.transformMap(k, v, k + v)['foo']", "foobar"),
      ("{'foo': 'bar', 'baz': 'bux'}.transformMap(k, v, k != 'baz', k + v) == {'foo': 'foobar'}", true),
      ("[1, 2, 3].transformMap(i, v, (i * v) + v) == {0: 1, 1: 4, 2: 9}", true),
      ("[1, 2, 3].transformMap(i, v, i % 2 == 0, (i * v) + v) == {0: 1, 2: 9}", true),
      ("{'greeting': 'hello'}.transformMapEntry(k, v, {v: k}) == {'hello': 'greeting'}", true),
      ("[1, 2, 3].transformMapEntry(i, v, {v: i}) == {1: 0, 2: 1, 3: 2}", true),
      ("[1, 2, 3].transformMapEntry(i, v, v > 1, {v: i}) == {2: 1, 3: 2}", true),
      ("[1, 2].transformMapEntry(i, v, {}) == {}", true),
      ("{'h': ['hello', 'hi'], 'j': ['joke', 'jog']}.all(k, vals, vals.all(v, v.startsWith(k)))", true),
      ("[[1, 2], [3]].transformList(i, l, l.transformList(j, v, i * 10 + j + v))", [[1, 3], [13]]),
      ("x.transformList(k, v, v)", [1, true]),
    ] as [(String, CELValue)])
  func twoVariables(_ text: String, _ wanted: CELValue) {
    expect(text, wanted, ["x": .map(CELMap(["a": 1, "b": true]))])
  }

  @Test func failuresWithTwoVariables() throws {
    expectFailure("[1, 2, 3].exists(i, v, v / i == 17)", saying: "division")
    expectFailure("[1, 2, 3].all(i, v, v / i != 17)", saying: "division")
    expectFailure("[0, 'foo', 5].all(i, v, v % 3 == i)", saying: "overload")
    expectFailure("[3, 2, 1, 0].existsOne(i, v, v / i > 1)")
    expectFailure("[2, 1, 0].transformList(i, v, v / i)")
    expectFailure("[2, 1, 0].transformList(i, v, v / i > 0, v)")
    expectFailure("{'foo': 2, 'baz': 0}.transformMap(k, v, 4 / v)")
    expectFailure("{'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k})", saying: "twice")
    expectFailure("[1, 1u].transformMapEntry(i, v, {v: i})", saying: "twice")
    expectFailure("[1].transformMapEntry(i, v, x)", ["x": 1], saying: "must be a map")
    expectFailure("x.transformList(i, v, v)", ["x": 1], saying: "no such overload")
    expectRefused("[1].all(x, x, true)", offset: 11, saying: "must differ")
    expectRefused("[1].all(x, 1, true)", saying: "second argument")
    expectRefused("[1].transformList(x, x)", saying: "transformList() takes")
    expectRefused("[1].filter(i, v, true)", saying: "filter() takes")
    expectRefused("[1].transformMapEntry(i, v, v)", saying: "map")
    expectRefused("['a'].all(i, v, i == 'a')", saying: "never equal")
    expectRefused("{'a': 1}.exists(k, v, k == v)", saying: "never equal")
    #expect(try CELProgram("[1].transformMap(i, v, string(v))").type == .map(.int, .string))
    #expect(try CELProgram("{'a': 1}.transformList(k, v, k)").type == .list(.string))
    #expect(try CELProgram("{'a': 1}.transformMapEntry(k, v, {v: k})").type == .map(.int, .string))
    #expect(try CELProgram("x.transformMapEntry(k, v, y)").type == .map(.dyn, .dyn))
    let big = CELValue.list((0..<300).map { CELValue.int($0) })
    expectFailure("x.all(i, v, x.all(j, w, i != -1))", ["x": big], kind: .limit)
    expectFailure(
      "cel.bind(m, x.transformMap(i, v, v), x.transformMapEntry(i, v, m))", ["x": big], kind: .limit)
  }
}
