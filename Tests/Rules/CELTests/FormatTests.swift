import CEL
import TestKit
import Testing

/// `format` and `strings.quote`; most cases are from cel-spec's string_ext.textproto.
@Suite struct FormatTests {
  @Test(
    arguments: [
      (#""no substitution".format([])"#, "no substitution"),
      (#""str is %s and some more".format(["filler"])"#, "str is filler and some more"),
      (#""%% and also %%".format([])"#, "% and also %"),
      (#""%%%s%%".format(["text"])"#, "%text%"),
      (#""%s%%".format(["percent on the right"])"#, "percent on the right%"),
      (#""%%%s".format(["percent on the left"])"#, "%percent on the left"),
      (#""%d %d, %s %s, %d, %s".format([1, 2, "A", "B", 4, "D"])"#, "1 2, A B, 4, D"),
      (#""%.3f".format([1.2345])"#, "1.234"), (#""%b".format([5])"#, "101"), (#""%b".format([uint(64)])"#, "1000000"),
      (#""%b".format([true])"#, "1"), (#""%b".format([-5])"#, "-101"), (#""%o".format([11])"#, "13"),
      (#""%o".format([uint(65535)])"#, "177777"), (#""%x".format([30])"#, "1e"), (#""%X".format([30])"#, "1E"),
      (#""%x".format([-255])"#, "-ff"), (#""%X".format([uint(6000)])"#, "1770"),
      (#""%x".format(["Hello world!"])"#, "48656c6c6f20776f726c6421"),
      (#""%X".format(["Hello world!"])"#, "48656C6C6F20776F726C6421"),
      (#""%x".format([b"byte string"])"#, "6279746520737472696e67"),
      (#""%X".format([b"byte string"])"#, "6279746520737472696E67"),
      (#""%.6e".format([1052.032911275])"#, "1.052033e+03"), (#""%f".format([2.71828])"#, "2.718280"),
      (#""%f".format([2])"#, "2.000000"), (#""%f".format([3u])"#, "3.000000"),
      (#""%e".format([2.71828])"#, "2.718280e+00"),
      (#""%e".format([2])"#, "2.000000e+00"), (#""%e".format([0.0])"#, "0.000000e+00"),
      (#""%e %e %e".format([double("NaN"), double("Infinity"), double("-Infinity")])"#, "NaN Infinity -Infinity"),
      (#""%d %d %d".format([double("NaN"), double("Infinity"), double("-Infinity")])"#, "NaN Infinity -Infinity"),
      (#""%f %f %f".format([double("NaN"), double("Infinity"), double("-Infinity")])"#, "NaN Infinity -Infinity"),
      (#""%d".format([uint(64)])"#, "64"), (#""%d".format([-64])"#, "-64"), (#""%d".format([1.5])"#, "1.5"),
      (#""%d".format([1e21])"#, "1000000000000000000000"), (#""%s".format([1e-7])"#, "0.0000001"),
      (#""%s".format([null])"#, "null"), (#""%s".format([999999999999])"#, "999999999999"),
      (#""%s".format([b"xyz"])"#, "xyz"), (#""%s".format([type("test string")])"#, "string"),
      (#""%s".format([timestamp("2023-02-03T23:31:20+00:00")])"#, "2023-02-03T23:31:20Z"),
      (#""%s".format([duration("1h45m47s")])"#, "6347s"),
      (
        #""%s".format([["abc", 3.14, null, [9, 8, 7, 6], timestamp("2023-02-03T23:31:20Z")]])"#,
        "[abc, 3.14, null, [9, 8, 7, 6], 2023-02-03T23:31:20Z]"
      ),
      (
        #""%s".format([{"key1": b"xyz", "key5": null, "key2": duration("2h"), "key4": true, "key3": 2.71828}])"#,
        "{key1: xyz, key2: 7200s, key3: 2.71828, key4: true, key5: null}"
      ),
      (
        #""%s".format([{1: "value1", uint(2): "value2", true: double("NaN")}])"#,
        "{1: value1, 2: value2, true: NaN}"
      ),
      (#""%s, %s".format([true, false])"#, "true, false"), (#""%s, %s".format([dyn(32), dyn(56.8)])"#, "32, 56.8"),
      (#""%x %X".format([dyn(22), dyn(26)])"#, "16 1A"), (#""%.3f".format([dyn(4.5)])"#, "4.500"),
      (#""%s".format([[double("NaN"), double("Infinity"), double("-Infinity")]])"#, "[NaN, Infinity, -Infinity]"),
      (#""%s".format([{"strKey":"x", 6:duration("422s"), true:42}])"#, "{6: 422s, strKey: x, true: 42}"),
      (#"text.format(["filler"])"#, "<filler>"),
      (#""%.0f %.0f %.0f".format([123.0, 3.5001, 3.4999])"#, "123 4 3"), (#""%.0f %.0f".format([1.5, 2.5])"#, "2 2"),
      (#""%.3f %.3f".format([123.4999, 123.4994])"#, "123.500 123.499"),
      (#""%.3f %.3f".format([-123.4999, -123.4994])"#, "-123.500 -123.499"), (#""%.5f".format([-1.2])"#, "-1.20000"),
      (#""%.2d".format([7])"#, "7"), (#""größe %s €".format(["ß"])"#, "größe ß €"), (#""%s".format([{}])"#, "{}"),
    ] as [(String, CELValue)])
  func formats(_ text: String, _ wanted: CELValue) { expect(text, wanted, ["text": "<%s>"]) }

  @Test func failures() {
    for text in [
      "'%a'.format([1])", "'%d %d %d'.format([0, 1])", "'%d'.format([0, 1])", "'%b'.format(['abc'])",
      "'%d'.format([duration('30m2s')])", "'%o'.format(['a string'])", "'%x'.format([0.5])", "'%E'.format([0.5])",
      "'%d'.format([null])", "'%e'.format([null])", "'%f'.format([null])", "'%x'.format([null])", "'%X'.format([null])",
      "'%b'.format([null])", "'%o'.format([null])", "'%'.format([1])", "'%.'.format([1])", "'%.f'.format([1.5])",
      "'%.101f'.format([1.5])", "'%.99999999999999999999f'.format([1.5])", "'%.2'.format([1.5])", "'%é'.format([1])",
      "'%s'.format([optional.of(1)])", "'%s'.format('a')", "'%s'.format()", "(1).format([])", "'%z'.format(x)",
    ] {
      expectRefused(text)
    }
    expectRefused("'%s %d'.format([1, 'a'])", offset: 19, saying: "%d does not take string")
    expectFailure("t.format([1])", ["t": "%a"], saying: "unknown clause '%a'")
    expectFailure("t.format([1])", ["t": "%s %s"], saying: "index 1 out of range")
    expectFailure("t.format(['a'])", ["t": "%d"], saying: "%d does not take string")
    expectFailure("'%d'.format([x])", ["x": "a"], saying: "%d does not take string")
    expectFailure("'%s'.format([x])", ["x": .optional(1)], saying: "%s does not take optional_type")
    expectFailure("'%s'.format([[x]])", ["x": .optional(1)], saying: "optional_type")
    // As in cel-go only literal lists have to be as long as there are clauses.
    expect("'%s'.format(x)", "1", ["x": [1, 2]])
  }

  @Test func limits() {
    let long = CELValue.string(String(repeating: "é", count: 100_000))
    expectFailure("lists.range(9).all(i, '%s%s%x'.format([x, x, x]) != '')", ["x": long], kind: .limit)
    expectFailure("'%s'.format([x])", ["x": .list((0..<100_000).map { CELValue.int($0) })], kind: .limit)
    expectFailure(
      "lists.range(5000).all(i, '%.100f'.format([x]) != '')", ["x": .double(.leastNonzeroMagnitude)], kind: .limit)
    let tree = "dyn(['x']" + String(repeating: ".map(s, [s, s])", count: 60) + ")"
    expectFailure("'%s'.format([\(tree)])", kind: .limit)
    expectFailure("lists.range(9).all(i, strings.quote(x + x) != '')", ["x": long], kind: .limit)
  }

  @Test func quotes() {
    expect("strings.quote('first\\nsecond')", "\"first\\nsecond\"")
    expect(
      "strings.quote(x)", .string(#""\"a\" \\ \a\b\f\n\r\t\v""#),
      ["x": "\"a\" \\ \u{7}\u{8}\u{C}\n\r\t\u{B}"])
    expect("strings.quote('größe 😀')", "\"größe 😀\"")
    expect("strings.quote('')", "\"\"")
    expectFailure("strings.quote(x)", ["x": 1])
    expectRefused("strings.quote(1)")
    expectRefused("strings.qoute('')", saying: "strings.quote")
  }

  /// Compared with printf(3) of the C library.
  @Test(
    arguments: [
      (0.125, 2, "0.12", "1.25e-01"),
      (0.375, 2, "0.38", "3.75e-01"),
      (2.5, 0, "2", "2e+00"),
      (3.5, 0, "4", "4e+00"),
      (0.5, 0, "0", "5e-01"),
      (1.5, 0, "2", "2e+00"),
      (0.05, 1, "0.1", "5.0e-02"),
      (9.995, 2, "9.99", "9.99e+00"),
      (999.9999, 2, "1000.00", "1.00e+03"),
      (1e+22, 0, "10000000000000000000000", "1e+22"),
      (1e+23, 1, "99999999999999991611392.0", "1.0e+23"),
      (Double.leastNonzeroMagnitude, 3, "0.000", "4.941e-324"),
      (1.7976931348623157e+308, 0, nil, "2e+308"),
      (2.2250738585072014e-308, 5, "0.00000", "2.22507e-308"),
      (123456789.98765433, 4, "123456789.9877", "1.2346e+08"),
      (1e-05, 3, "0.000", "1.000e-05"),
      (0.1, 20, "0.10000000000000000555", "1.00000000000000005551e-01"),
      (4.35, 2, "4.35", "4.35e+00"),
      (3.035766360112293e-65, 10, "0.0000000000", "3.0357663601e-65"),
      (5.3571065566190395e-264, 8, "0.00000000", "5.35710656e-264"),
      (3.1806214404100758e-83, 9, "0.000000000", "3.180621440e-83"),
      (2.6878898238430084e-176, 0, "0", "3e-176"),
      (2.54009231341739e-41, 6, "0.000000", "2.540092e-41"),
      (2.6713290337373985e-160, 1, "0.0", "2.7e-160"),
      (6.197688458744823e-47, 0, "0", "6e-47"),
      (4.569785438180719e+40, 1, "45697854381807186076330517827063778377728.0", "4.6e+40"),
      (4.940936846887147e-171, 10, "0.0000000000", "4.9409368469e-171"),
      (2.959712980820823e+51, 0, "2959712980820822908951561198314256413568477735944192", "3e+51"),
      (1.1386802021941775e+53, 6, "113868020219417749150764760759211536769764959335743488.000000", "1.138680e+53"),
      (6.17595625806472e-280, 8, "0.00000000", "6.17595626e-280"),
      (1.4707130206140743e-226, 4, "0.0000", "1.4707e-226"),
      (-161.72191285706947, 4, "-161.7219", "-1.6172e+02"),
      (-764.4155238432633, 2, "-764.42", "-7.64e+02"),
      (120.51455402562533, 5, "120.51455", "1.20515e+02"),
      (-638.547240152125, 4, "-638.5472", "-6.3855e+02"),
      (142.4087828235845, 1, "142.4", "1.4e+02"),
      (-255.20491454853754, 4, "-255.2049", "-2.5520e+02"),
      (424.22153149230735, 4, "424.2215", "4.2422e+02"),
      (-880.7976600675347, 1, "-880.8", "-8.8e+02"),
      (-7.171009773016408, 4, "-7.1710", "-7.1710e+00"),
      (-144.81538866119422, 2, "-144.82", "-1.45e+02"),
      (-68.79626832065196, 3, "-68.796", "-6.880e+01"),
      (-276.8352881108673, 1, "-276.8", "-2.8e+02"),
    ] as [(Double, Int, String?, String)])
  func decimals(_ number: Double, _ precision: Int, _ fixed: String?, _ scientific: String) {
    if let fixed { expect("'%.\(precision)f'.format([x])", .string(fixed), ["x": .double(number)]) }
    expect("'%.\(precision)e'.format([x])", .string(scientific), ["x": .double(number)])
  }

  /// Seventeen digits, and the digits of %s, give the same double again.
  @Test func doublesSurviveTheRoundTrip() throws {
    var dice = SeededGenerator(34)
    let program = try CELProgram("['%.16e', '%s', '%d'].map(f, double(f.format([x])))")
    for _ in 0..<2000 {
      let number = Double(bitPattern: dice.next())
      guard number.isFinite else { continue }
      let scope = CELVariables(["x": .double(number)])
      #expect(try program.evaluate(scope) == .list([CELValue](repeating: .double(number), count: 3)), "\(number)")
    }
  }

  /// Any format with any values gives a text or an error.
  @Test func anyFormatIsHandled() throws {
    var dice = SeededGenerator(35)
    let pieces = [
      "%", "%%", ".", "0", "2", "99", "s", "d", "f", "e", "x", "X", "o", "b", "a", "é", " ", "-", "%.3f", "%s",
    ]
    let values: [CELValue] = [
      nil, true, .int(.min), .uint(.max), 1e300, .double(-.infinity), .double(.nan), .double(.leastNonzeroMagnitude),
      "ß", .bytes([0, 255]),
      [1, [2.5]], .map(CELMap(["a": 1])), .duration(.seconds(-1)), .timestamp(CELTimestamp(milliseconds: 0)),
      .type(.int), .optional(nil),
    ]
    let program = try CELProgram("f.format(x)")
    var done = 0
    for _ in 0..<10_000 {
      let format = (0..<Int.random(in: 1...6, using: &dice)).map { _ in pieces.randomElement(using: &dice)! }.joined()
      let list = (0..<Int.random(in: 0...3, using: &dice)).map { _ in values.randomElement(using: &dice)! }
      let scope = CELVariables(["f": .string(format), "x": .list(list)])
      do throws(CELError) {
        let text = try program.evaluate(scope)
        #expect(text.type == .string)
        done += 1
      } catch {
        #expect(error.kind == .evaluation && !error.message.isEmpty, "\(format): \(error)")
      }
    }
    #expect(done > 500)
  }
}
