import CEL
import TestKit
import Testing

/// The math extension; most cases are from cel-spec's math_ext.textproto.
@Suite struct MathTests {
  @Test(
    arguments: [
      ("math.greatest(-5)", -5), ("math.greatest(1, 1)", 1), ("math.greatest(3, -3)", 3), ("math.greatest(-7, 5)", 5),
      ("math.greatest(1, 9223372036854775807)", .int(.max)), ("math.greatest(-9223372036854775808, 1)", 1),
      ("math.greatest(1, 3, 10)", 10), ("math.greatest(-1, -2, -3)", -1), ("math.greatest(-5.0)", -5.0),
      ("math.greatest(5.0, -7.0)", 5.0), ("math.greatest(1, 1.797693e308)", 1.797693e308),
      ("math.greatest(5u, -7)", .uint(5)), ("math.greatest(-3, 3u)", .uint(3)),
      ("math.greatest(18446744073709551615u, 1u)", .uint(.max)),
      ("math.greatest(5.4, 10, 3u, -5.0, 9223372036854775807)", .int(.max)),
      ("math.greatest([5.4, 10, 3u, -5.0, 3.5])", 10),
      ("math.greatest([dyn(5.4), dyn(10), dyn(3u), dyn(-5.0), dyn(3.5)])", 10),
      ("math.greatest(1, 1.0)", 1), ("math.greatest(1.0, 1)", 1.0), ("math.greatest([1u, 2u])", .uint(2)),
      ("math.least(-5)", -5), ("math.least(5, -7)", -7), ("math.least(1, -9223372036854775808)", .int(.min)),
      ("math.least(1, 3, 0)", 0), ("math.least(-1.5, -2.5, -3.5)", -3.5), ("math.least(1u, 3u)", .uint(1)),
      ("math.least(5.4, 10, 3u, -5.0, 9223372036854775807)", -5.0), ("math.least([5.4, 10u, 3u, 1u, 3.5])", .uint(1)),
      ("math.least(-42.0, -21.5, -100.0)", -100.0),
      ("math.ceil(-1.2)", -1.0), ("math.ceil(1.2)", 2.0), ("math.floor(-1.2)", -2.0), ("math.floor(1.2)", 1.0),
      ("math.round(-1.6)", -2.0), ("math.round(-1.4)", -1.0), ("math.round(-1.5)", -2.0), ("math.round(1.2)", 1.0),
      ("math.round(1.5)", 2.0), ("math.round(2.5)", 3.0), ("math.isNaN(math.round(0.0/0.0))", true),
      ("math.trunc(-1.2)", -1.0), ("math.trunc(1.2)", 1.0), ("math.isNaN(math.trunc(0.0/0.0))", true),
      ("math.abs(1u)", .uint(1)), ("math.abs(-11)", 11), ("math.abs(1.5)", 1.5), ("math.abs(-11.5)", 11.5),
      ("math.sign(100u)", .uint(1)), ("math.sign(0u)", .uint(0)), ("math.sign(100)", 1), ("math.sign(-11)", -1),
      ("math.sign(0)", 0), ("math.sign(100.5)", 1.0), ("math.sign(-32.0)", -1.0), ("math.sign(-0.0)", 0.0),
      ("math.isNaN(math.sign(0.0/0.0))", true),
      ("math.isNaN(0.0/0.0)", true), ("math.isNaN(1.0/0.0)", false), ("math.isInf(1.0/0.0)", true),
      ("math.isInf(-1.0/0.0)", true), ("math.isInf(0.0/0.0)", false), ("math.isFinite(1.0/1.5)", true),
      ("math.isFinite(0.0/0.0)", false), ("math.isFinite(-1.0/0.0)", false),
      ("math.sqrt(81)", 9.0), ("math.sqrt(49.0)", 7.0), ("math.sqrt(0)", 0.0), ("math.sqrt(4u)", 2.0),
      ("math.sqrt(985.25)", 31.388692231439016), ("math.isNaN(math.sqrt(-15))", true),
    ] as [(String, CELValue)])
  func numbers(_ text: String, _ wanted: CELValue) { expect(text, wanted) }

  @Test(
    arguments: [
      ("math.bitAnd(1, 2)", 0), ("math.bitAnd(1, 3)", 1), ("math.bitAnd(1, -1)", 1), ("math.bitAnd(-3, -5)", -7),
      ("math.bitAnd(1u, 3u)", .uint(1)), ("math.bitOr(1, 2)", 3), ("math.bitOr(4, -2)", -2),
      ("math.bitOr(1u, 4u)", .uint(5)), ("math.bitXor(1, 3)", 2), ("math.bitXor(4, -2)", -6),
      ("math.bitXor(1u, 3u)", .uint(2)), ("math.bitNot(1)", -2), ("math.bitNot(-1)", 0), ("math.bitNot(0)", -1),
      ("math.bitNot(1u)", .uint(.max - 1)), ("math.bitNot(0u)", .uint(.max)),
      ("math.bitShiftLeft(1, 2)", 4), ("math.bitShiftLeft(-1, 2)", -4), ("math.bitShiftLeft(1, 63)", .int(.min)),
      ("math.bitShiftLeft(1, 64)", 0), ("math.bitShiftLeft(1, 200)", 0), ("math.bitShiftLeft(-1, 200)", 0),
      ("math.bitShiftLeft(1u, 2)", .uint(4)), ("math.bitShiftLeft(1u, 9223372036854775807)", .uint(0)),
      ("math.bitShiftRight(1024, 2)", 256), ("math.bitShiftRight(1024, 64)", 0),
      ("math.bitShiftRight(-1024, 0)", -1024),
      ("math.bitShiftRight(-1024, 3)", 2_305_843_009_213_693_824), ("math.bitShiftRight(-1024, 64)", 0),
      ("math.bitShiftRight(1024u, 2)", .uint(256)), ("math.bitShiftRight(1024u, 200)", .uint(0)),
    ] as [(String, CELValue)])
  func bits(_ text: String, _ wanted: CELValue) { expect(text, wanted) }

  @Test func failures() {
    for text in [
      "math.ceil(dyn(1))", "math.floor(dyn(1))", "math.round(dyn(1))", "math.trunc(dyn(1))", "math.sign(dyn(true))",
      "math.isNaN(dyn(true))", "math.isInf(dyn(true))", "math.isFinite(dyn(true))", "math.bitAnd(2u, dyn(''))",
      "math.bitOr(dyn(1.2), 1)", "math.bitXor(dyn([]), dyn([1]))", "math.bitNot(dyn(''))",
      "math.bitShiftLeft(dyn(4.3), 1)", "math.bitShiftRight(dyn(b'123'), 1)", "math.greatest(x)", "math.least(1, x)",
      "math.greatest([1, x])", "math.abs(dyn('a'))", "math.sqrt(dyn('a'))",
    ] {
      expectFailure(text, ["x": "a"], saying: "no such overload")
    }
    expectFailure("math.abs(-9223372036854775808)", saying: "overflow")
    expectFailure("math.bitShiftLeft(1u, -1)", saying: "negative offset")
    expectFailure("math.bitShiftRight(1, -1)", saying: "negative offset")
    expectFailure("math.greatest(x)", ["x": []], saying: "empty")
    expectFailure("math.least(x, 1.0)", ["x": .double(.nan)], saying: "NaN")
    expectFailure("math.greatest(x)", ["x": [1.0, .double(.nan)]], saying: "NaN")
    let big = CELValue.list((0..<60_000).map { CELValue.int($0) })
    expectFailure("math.greatest(x) > math.least(x)", ["x": big], kind: .limit)
  }

  @Test func types() throws {
    #expect(try CELProgram("math.greatest(1, 2)").type == .int)
    #expect(try CELProgram("math.greatest(1, 2.0, x)").type == .dyn)
    #expect(try CELProgram("math.greatest([1.0, x])").type == .dyn)
    #expect(try CELProgram("math.least([1u])").type == .uint)
    #expect(try CELProgram("math.abs(x)").type == .dyn)
    #expect(try CELProgram("math.isNaN(x)").type == .bool)
    for text in [
      "math.greatest()", "math.greatest('string')", "math.greatest(1, 'a')", "math.least(['a'])", "math.least([])",
      "math.greatest(1, [2])", "math.least({})", "math.ceil(1)", "math.sqrt('a')", "math.abs('a')", "math.abs()",
      "math.bitAnd(1, 2u)", "math.bitAnd(1)", "math.bitNot(1.5)", "math.bitShiftLeft(1, 1u)", "math.isNaN(1)",
      "ceil(1.5)", "x.ceil()", "math.sqr(4)",
    ] {
      expectRefused(text)
    }
    expectRefused("math.sqr(4)", saying: "did you mean 'math.sqrt'?")
  }

  /// The greatest and the least number of a random list are elements of it, and no element is beyond them.
  @Test func extremesAreExtreme() throws {
    var dice = SeededGenerator(31)
    let (greatest, least) = (try CELProgram("math.greatest(x)"), try CELProgram("math.least(x)"))
    for _ in 0..<500 {
      let numbers = (0..<Int.random(in: 1...20, using: &dice)).map { _ -> CELValue in
        switch Int.random(in: 0..<3, using: &dice) {
        case 0: .int(Int64.random(in: -50...50, using: &dice))
        case 1: .uint(UInt64.random(in: 0...50, using: &dice))
        default: .double(Double(Int.random(in: -99...99, using: &dice)) / 2)
        }
      }
      let scope = CELVariables(["x": .list(numbers)])
      let (most, fewest) = (try greatest.evaluate(scope), try least.evaluate(scope))
      #expect(numbers.contains(most) && numbers.contains(fewest))
      let bounds = CELVariables(["x": .list(numbers), "most": most, "fewest": fewest])
      #expect(try CELProgram("x.all(n, fewest <= n && n <= most)").evaluate(bounds) == true)
    }
  }
}
