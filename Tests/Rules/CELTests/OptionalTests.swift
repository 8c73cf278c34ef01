import CEL
import Testing

/// Optional values; most cases are from cel-spec's optionals.textproto.
@Suite struct OptionalTests {
  @Test(
    arguments: [
      ("optional.of(null).hasValue()", true),
      ("optional.ofNonZeroValue(null).hasValue()", false),
      ("optional.none().or(optional.none()).orValue(42)", 42),
      ("optional.none().optMap(y, y + 1).hasValue()", false),
      ("{}.?key.optFlatMap(k, k.?subkey).hasValue()", false),
      ("{'key': {}}.?key.optFlatMap(k, k.?subkey).hasValue()", false),
      ("{'null_key': dyn(null)}.?null_key.hasValue()", true),
      ("{true: dyn(0)}[?false].absent.hasValue()", false),
      ("{}.?null_key.invalid.hasValue()", false),
      ("{'key': {'subkey': 'subvalue'}}.?key.optFlatMap(k, k.?subkey).value()", "subvalue"),
      ("{'key': {'subkey': ''}}.?key.optFlatMap(k, k.?subkey).value()", ""),
      ("{'key': {'subkey': ''}}.?key.optFlatMap(k, optional.ofNonZeroValue(k.subkey)).hasValue()", false),
      ("optional.of(42).optMap(y, y + 1).value()", 43),
      ("optional.ofNonZeroValue(42).or(optional.of(20)).value() == 42", true),
      ("(has({}.x) ? optional.of({}.x) : optional.none()).hasValue()", false),
      ("has({}.?x.y)", false),
      ("has({'x': {'y': 'z'}}.?x.y)", true),
      ("type(optional.none()) == optional_type", true),
      (
        "optional.ofNonZeroValue('').or(optional.of({'c': {'dashed-index': 'goodbye'}}.c['dashed-index'])).orValue('x')",
        "goodbye"
      ),
      ("{'c': {'dashed-index': 'goodbye'}}.c[?'dashed-index'].orValue('default value')", "goodbye"),
      ("{'c': {}}.c[?'missing-index'].orValue('default value')", "default value"),
      ("optional.of({'c': {'index': 'goodbye'}}).c.index.orValue('default value')", "goodbye"),
      ("optional.of({'c': {}}).c.missing.or(optional.none()[0]).orValue('default value')", "default value"),
      ("optional.of({'c': {}}).c.missing.or(optional.of(['list-value'])[0]).orValue('default value')", "list-value"),
      ("optional.of({'c': {'index': 'goodbye'}}).c['index'].orValue('default value')", "goodbye"),
      ("optional.of({'c': {}}).c['missing'].orValue('default value')", "default value"),
      (
        "has(optional.of({'c': {'entry': 'hello'}}).c) && !has(optional.of({'c': {'entry': 'hello'}}).c.missing)",
        true
      ),
      ("{'c': {'d-i': 'goodbye'}}.?c.missing.or({'c': {'d-i': 'goodbye'}}.?c['d-i']).orValue('').size()", 7),
      (
        "optional.ofNonZeroValue({?'nested_map': optional.ofNonZeroValue({?'map': optional.of({}).?c})}).hasValue()",
        false
      ),
      ("optional.of({}).?c.hasValue()", false),
      ("optional.none().?repeated_string.hasValue()", false),
      ("[][?0].hasValue()", false),
      ("optional.of([])[?0].hasValue()", false),
      ("optional.none()[?0].hasValue()", false),
      ("['foo'][?0].value()", "foo"),
      ("['foo'][?-1].hasValue()", false),
      ("optional.of(['foo'])[?0].value()", "foo"),
      ("{true: 1, 2: 2, 5u: 3}[?true].value()", 1),
      ("{1u: 1.0, 2: 2.0, 3u: 3.0}[?3.0].value()", 3.0),
      ("{1u: 1.0, 2: 2.0, 3u: 3.0}[?2u].value()", 2.0),
      ("{1u: 1.0, 2: 2.0, 3u: 3.0}[?1].value()", 1.0),
      ("optional.none() == optional.none()", true),
      ("optional.none() == optional.of(1)", false),
      ("optional.of(1) == optional.none()", false),
      ("optional.of(1) == optional.of(1)", true),
      ("optional.none() != optional.none()", false),
      ("optional.none() != optional.of(1)", true),
      ("optional.of(1) != optional.of(1)", false),
      ("has({'foo': optional.none()}.foo)", true),
      ("has({'foo': optional.none()}.foo.bar)", false),
      ("has({?'foo': optional.none()}.foo)", false),
    ] as [(String, CELValue)])
  func conforms(_ text: String, _ wanted: CELValue) { expect(text, wanted) }

  @Test func literals() {
    expect(
      "{?'nested_map': optional.ofNonZeroValue({?'map': {'c': {'dashed-index': 'goodbye'}}.?c})}"
        + " == {'nested_map': {'map': {'dashed-index': 'goodbye'}}}", true)
    expect("{?'nested_map': optional.ofNonZeroValue({?'map': {}.?c}), 'singleton': true} == {'singleton': true}", true)
    expect("[?{}.?c, ?optional.of(42), ?optional.none()]", [42])
    expect("[?optional.ofNonZeroValue({'c': []}.?c.orValue(dyn({})))]", [])
    expect("[1, ?x.?b, 3]", [1, 2, 3], ["x": .map(CELMap(["b": 2]))])
    expectFailure("[?x]", ["x": 1], saying: "optional")
    expectFailure("{?'a': x}", ["x": 1], saying: "optional")
    expectFailure("{?'a': optional.of(1), 'a': 2}", saying: "twice")
    expectRefused("[?1]", offset: 2, saying: "optional")
    expectRefused("{?'a': 1}", saying: "optional")
  }

  @Test func lists() {
    expect("optional.unwrap([optional.of(42), optional.none()])", [42])
    expect("[optional.of(42), optional.none()].unwrapOpt()", [42])
    expectFailure("x.unwrapOpt()", ["x": [1]])
    expectRefused("[1].unwrapOpt()")
  }

  @Test func zeroValues() {
    for text in [
      "null", "false", "0", "0u", "0.0", "''", "b''", "[]", "{}", "duration('0')", "timestamp(0)",
    ] {
      expect("optional.ofNonZeroValue(\(text)).hasValue()", false)
      expect("optional.of(\(text)).hasValue()", true)
    }
    for text in ["true", "1", "'a'", "[0]", "{'a': 0}", "duration('1s')", "int", "optional.none()"] {
      expect("optional.ofNonZeroValue(\(text)).hasValue()", true)
    }
  }

  @Test func fieldsOfTheEvent() {
    let x: [String: CELValue] = ["x": .map(CELMap(["a": ["b": [10, 20]], "n": 1]))]
    expect("x.?a.b[1].orValue(0)", 20, x)
    expect("x.?a.b[9].orValue(0)", 0, x)
    expect("x.?z.b[1].orValue(0)", 0, x)
    expect("x.?a.?b[?0].optMap(v, v * 2).orValue(0)", 20, x)
    expect("x.?n.orValue(5) + 1", 2, x)
    expect("[1, 2].map(i, x.?a.b[i].orValue(i))", [20, 2], x)
    expectFailure("x.?n.deeper.hasValue()", x, saying: "needs a map")
    expectFailure("x.?a.b['i'].hasValue()", x, saying: "no such overload")
    expectFailure("x.?z.value()", x, kind: .missing, saying: "no value")
  }

  @Test func alternativesAreEvaluatedOnDemand() {
    expect("optional.of(1).orValue(1 / x)", 1, ["x": 0])
    expect("optional.of(1).or(optional.of(1 / x)).value()", 1, ["x": 0])
    expectFailure("optional.none().orValue(1 / x)", ["x": 0], saying: "division")
    expectFailure("x.or(optional.none())", ["x": 1])
    expectFailure("optional.none().or(x)", ["x": 1])
    expectFailure("x.hasValue()", ["x": 1])
    expectFailure("x.optMap(y, y)", ["x": 1], saying: "optional")
    expectFailure("optional.of(1).optFlatMap(y, x)", ["x": 1], saying: "optional")
    expectFailure("{'null_key': dyn(null)}.?null_key.invalid.hasValue()")
    expectFailure("{true: dyn(0)}[?true].absent.hasValue()")
    expectFailure(
      "optional.ofNonZeroValue({'c': {'d': 1}}.a.z).orValue({'c': 1}.c)", kind: .missing, saying: "no such key")
  }

  @Test func types() throws {
    #expect(try CELProgram("optional.of(1)").type == .optional(.int))
    #expect(try CELProgram("optional.of(1).value()").type == .int)
    #expect(try CELProgram("{'a': 1}.?a").type == .optional(.int))
    #expect(try CELProgram("optional.of({'a': 1}).a").type == .optional(.int))
    #expect(try CELProgram("['a'][?0].orValue('b')").type == .string)
    #expect(try CELProgram("x.?a").type == .optional(.dyn))
    #expect(try CELProgram("x.?a.orValue(1.5)").type == .dyn)
    #expect(try CELProgram("x.?a.hasValue()").type == .bool)
    #expect(try CELProgram("optional.of(1).optMap(v, string(v))").type == .optional(.string))
    #expect(try CELProgram("x ? optional.of(1) : optional.none()").type == .optional(.dyn))
    #expect("\(CELType.optional(.int)), \(CELType.optional(.dyn))" == "optional_type(int), optional_type")
    expectRefused("optional.of(1) + 1", saying: "optional_type(int)")
    expectRefused("optional.of(1) == 1", saying: "never equal")
    expectRefused("optional.of(1) == optional.of('a')", saying: "never equal")
    expectRefused("optional.of(1) < optional.of(2)")
    expectRefused("optional.of(1).orValue('a')", saying: "no such overload")
    expectRefused("optional.of(1).or(1)")
    expectRefused("optional.of(1).a")
    expectRefused("optional.of('a')[0]")
    expectRefused("1.5.?a")
    expectRefused("[1].?a")
    expectRefused("[1][?'a']")
    expectRefused("(1).optMap(x, x)", saying: "optional")
    expectRefused("optional.of(1).optFlatMap(x, x)", saying: "optional")
    expectRefused("optional.of(1).optMap(1, x)", saying: "plain name")
    expectRefused("optional.of(1).optMap(x)", saying: "optMap() takes")
    expectRefused("optional.of()", saying: "takes 1 argument, not 0")
    expectRefused("optional.off(1)", offset: 9, saying: "did you mean 'optional.of'?")
    expectRefused("has(x.?y)", saying: "one field")
    expectRefused("of(1)", saying: "unknown function")
  }

  @Test func conversion() throws {
    #expect(try value("optional.of([1])").converted() == [1])
    #expect(try value("optional.none()").converted() == .null)
    #expect(try value("[optional.of(1), optional.none()]").description == "[optional.of(1), optional.none()]")
  }

  /// The variable and the payload field named like a namespace stay usable.
  @Test func namespacesAreNotReserved() throws {
    expect("optional + 1", 3, ["optional": 2])
    expect("math.x", 3, ["math": .map(CELMap(["x": 3]))])
    expect("[1].map(optional, optional + 1)", [2])
    #expect(try CELProgram("math.abs(value) > optional.of(1).value()", variables: ["value"]).variables == ["value"])
  }
}
