import CEL
import TestKit
import Testing

@Suite struct ListTests {
  @Test(
    arguments: [
      ("[1, 2, 3].first().value()", 1), ("[1, 2, 3].last().value()", 3), ("[].first().orValue('test')", "test"),
      ("[].last().orValue('test')", "test"), ("[7].first() == [7].last()", true),
      ("[1,2,3,4].slice(1, 3)", [2, 3]), ("[1,2,3,4].slice(2, 4)", [3, 4]), ("[1,2,3,4].slice(0, 0)", []),
      ("[1,2,3,4].slice(4, 4)", []), ("[].slice(0, 0)", []),
      ("[5, 3, 1, 2].reverse()", [2, 1, 3, 5]), ("[].reverse()", []), ("'Ta©oCαt'.reverse()", "tαCo©aT"),
      ("[1, 2, 2, 3, 3, 3].distinct()", [1, 2, 3]), ("['b', 'b', 'c', 'a', 'c'].distinct()", ["b", "c", "a"]),
      ("[1, 'b', 2, 'b'].distinct()", [1, "b", 2]), ("[1, 1.0, 1u, 2].distinct()", [1, 2]),
      ("[[1], [1], {}, {}].distinct().size()", 2), ("[].distinct()", []),
      ("[[1], [2, 3], [4]].flatten()", [1, 2, 3, 4]), ("[1,[2,[3,4]]].flatten()", [1, 2, [3, 4]]),
      ("[1,2,[],[],[3,4]].flatten()", [1, 2, 3, 4]), ("[1,[2,[3,[4]]]].flatten(2)", [1, 2, 3, [4]]),
      ("[1,[2,[3,[4]]]].flatten(0)", [1, [2, [3, [4]]]]), ("[1, 2].flatten(1)", [1, 2]), ("[].flatten()", []),
      ("dyn([1, 2]).flatten()", [1, 2]), ("[1,[2,[3,[4]]]].flatten(9223372036854775807)", [1, 2, 3, 4]),
      ("[3, 2, 1].sort()", [1, 2, 3]), ("['b', 'c', 'a'].sort()", ["a", "b", "c"]), ("[].sort()", []),
      ("[true, false].sort()", [false, true]), ("[b'b', b'a'].sort() == [b'a', b'b']", true),
      ("['é', 'z', '😀', '\\uFFFD'].sort()", ["z", "é", "\u{FFFD}", "😀"]),
      ("[3u, 1u].sort()", [.uint(1), .uint(3)]), ("[1.5, -0.5].sort()", [-0.5, 1.5]),
      ("[duration('2s'), duration('1s')].sort()[0] == duration('1s')", true),
      ("[timestamp(2), timestamp(1)].sort()[0] == timestamp(1)", true),
      ("[-3, 1, 2].sortBy(e, math.abs(e))", [1, 2, -3]),
      ("['bb', 'a', 'cc', 'd'].sortBy(s, size(s))", ["a", "d", "bb", "cc"]),
      ("[{'n': 'foo', 's': 0}, {'n': 'bar', 's': -10}].sortBy(e, e.s).map(e, e.n)", ["bar", "foo"]),
      ("[].sortBy(e, e)", []), ("{'b': 1, 'a': 2}.sortBy(k, k)", ["a", "b"]),
      ("lists.range(5)", [0, 1, 2, 3, 4]), ("lists.range(0)", []), ("lists.range(-3)", []),
      ("lists.range(-9223372036854775808)", []),
    ] as [(String, CELValue)])
  func lists(_ text: String, _ wanted: CELValue) { expect(text, wanted) }

  @Test(
    arguments: [
      ("[1, 2, 3].sum()", 6), ("[].sum()", 0), ("[1u, 2u].sum()", .uint(3)), ("[0.5, 1.5].sum()", 2.0),
      ("[20, 0.5].sum()", 20.5), ("x.sum()", 3.5), ("[1, 2].avg()", 1.5), ("[5u].avg()", 5.0), ("x.avg()", 1.75),
      ("[3, 1, 2].min()", 1), ("[3, 1, 2].max()", 3), ("[1.5, -2.0].min()", -2.0), ("x.max()", 2.5), ("x.min()", 1),
      ("[18446744073709551615u].max()", .uint(.max)), ("x.map(v, v * 2).max()", 6),
    ] as [(String, CELValue)])
  func statistics(_ text: String, _ wanted: CELValue) {
    expect(text, wanted, ["x": text.hasPrefix("x.map") ? [3, 1] : [1, 2.5]])
  }

  @Test func failures() {
    expectFailure("[1, 2].slice(0, 3)", saying: "out of range")
    expectFailure("[1, 2].slice(-1, 1)", saying: "negative")
    expectFailure("[1, 2].slice(0, -1)", saying: "negative")
    expectFailure("[1, 2].slice(2, 1)", saying: "before")
    expectFailure("[1,[2]].flatten(-1)", saying: "negative")
    expectFailure("[1, 'b'].sort()", saying: "one type")
    expectFailure("[1, 1u].sort()", saying: "one type")
    expectFailure("x.sort()", ["x": [[1]]], saying: "no order")
    expectFailure("x.sort()", ["x": [nil]], saying: "no order")
    expectFailure("x.sort()", ["x": [1.5, .double(.nan)]], saying: "NaN")
    expectFailure("[1, 2].sortBy(e, x)", ["x": []], saying: "no order")
    expectFailure("[1, 2].sortBy(e, 1 / (e - 1))", saying: "division")
    expectFailure("[9223372036854775807, 1].sum()", saying: "overflow")
    for text in ["x.sum()", "x.avg()", "x.min()", "x.max()"] {
      expectFailure(text, ["x": ["a"]], saying: "no such overload")
      expectFailure(text, ["x": [1, "a"]], saying: "no such overload")
      expectFailure(text, ["x": "a"], saying: "no such overload")
    }
    for text in ["x.avg()", "x.min()", "x.max()"] { expectFailure(text, ["x": []], saying: "empty") }
    expectFailure("x.min()", ["x": [1.5, .double(.nan)]], saying: "NaN")
    for method in ["first()", "last()", "slice(0, 0)", "reverse()", "distinct()", "flatten()", "sort()"] {
      expectFailure("x.\(method)", ["x": 1], saying: "no such overload")
    }
  }

  @Test func types() throws {
    for (text, type) in [
      ("[1].first()", .optional(.int)), ("[1].first().value()", .int), ("['a'].slice(0, 1)", .list(.string)),
      ("[1].reverse()", .list(.int)), ("'a'.reverse()", .string), ("x.reverse()", .dyn), ("[1].sort()", .list(.int)),
      ("[[1]].flatten()", .list(.int)), ("[1].sortBy(e, -e)", .list(.int)), ("lists.range(3)", .list(.int)),
      ("[1].sum()", .int), ("[1].avg()", .double), ("[1.5].max()", .double), ("x.sum()", .dyn), ("x.avg()", .double),
    ] as [(String, CELType)] {
      #expect(try CELProgram(text).type == type, "\(text)")
    }
    for text in [
      "['a'].sum()", "['a'].avg()", "['a'].min()", "[true].max()", "[1].avg() + 1", "[].min()", "[].max()", "[].avg()",
      "[[1]].sort()", "[null].sort()", "[1].sortBy(e, [e])", "[1].sortBy(1, 2)", "[1].sortBy(e)", "[1, 2].flatten()",
      "[1].flatten('a')", "[1].slice(1)", "[1].slice('a', 2)", "(1).first()", "lists.range('a')", "lists.range()",
      "range(3)", "[1].first() + 1", "sum([1])",
    ] {
      expectRefused(text)
    }
    expectRefused("['a'].sum()", saying: "list(string)")
  }

  @Test func limits() {
    let numbers = CELValue.list((0..<20_000).map { CELValue.int($0) })
    let texts = CELValue.list((0..<2_000).map { .string(String(repeating: "a", count: 5_000) + "\($0)") })
    expectFailure("lists.range(100001)", kind: .limit)
    expectFailure("lists.range(9223372036854775807)", kind: .limit)
    expectFailure("lists.range(90000).size() + lists.range(90000).size()", kind: .limit)
    expectFailure("x.sort()", ["x": numbers], kind: .limit)
    expectFailure("x.sort()", ["x": texts], kind: .limit)
    expectFailure("x.distinct()", ["x": numbers], kind: .limit)
    expectFailure("x.map(y, x).flatten()", ["x": numbers], kind: .limit)
    expectFailure("lists.range(10).all(i, x.sum() > 0)", ["x": numbers], kind: .limit)
    expectFailure("lists.range(10).all(i, x.reverse().slice(0, 20000) != [])", ["x": numbers], kind: .limit)
    let tree = "dyn(['x']" + String(repeating: ".map(s, [s, s])", count: 60) + ")"
    expectFailure("\(tree).flatten(1000)", kind: .limit)
    expect("lists.range(3000).sort().size()", 3000)
    expect("x.distinct().size()", 100, ["x": .list((0..<500).map { CELValue.int($0 % 100) })])
  }

  /// Sorting gives a permutation in ascending order, and is stable.
  @Test func sortIsAPermutation() throws {
    var dice = SeededGenerator(32)
    let (sort, byKey) = (try CELProgram("x.sort()"), try CELProgram("x.sortBy(e, e % 7)"))
    for _ in 0..<500 {
      let numbers = (0..<Int.random(in: 0...60, using: &dice)).map { _ in Int64.random(in: 0...40, using: &dice) }
      let scope = CELVariables(["x": .list(numbers.map { CELValue.int($0) })])
      #expect(try sort.evaluate(scope) == .list(numbers.sorted().map { CELValue.int($0) }))
      let stable = (0..<7).flatMap { (key: Int64) -> [Int64] in numbers.filter { $0 % 7 == key } }
      #expect(try byKey.evaluate(scope) == .list(stable.map { CELValue.int($0) }))
    }
  }

  /// Distinct elements are those of the list, once each; reversing twice and slicing in two changes nothing.
  @Test func laws() throws {
    var dice = SeededGenerator(33)
    let law = try CELProgram(
      """
      x.reverse().reverse() == x && x.slice(0, n) + x.slice(n, x.size()) == x && x.distinct().all(e, e in x) &&
      x.all(e, e in x.distinct()) && x.distinct().all(e, x.distinct().filter(d, d == e).size() == 1) &&
      [x, x].flatten() == x + x && x.sort().sum() == x.sum()
      """)
    for _ in 0..<200 {
      let numbers = (0..<Int.random(in: 0...20, using: &dice)).map { _ in
        CELValue.int(Int64.random(in: 0...9, using: &dice))
      }
      let cut = Int64.random(in: 0...Int64(numbers.count), using: &dice)
      #expect(try law.evaluate(CELVariables(["x": .list(numbers), "n": .int(cut)])) == true)
    }
  }
}
