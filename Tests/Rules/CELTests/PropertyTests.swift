import CEL
import Model
import TestKit
import Testing

@Suite struct PropertyTests {
  /// Integer arithmetic gives the results of Swift's checked operators.
  @Test func integersAgreeWithSwift() throws {
    var dice = SeededGenerator(1)
    let edges: [Int64] = [0, 1, -1, 2, -2, .max, .min, .max - 1, .min + 1, 1 << 32, -(1 << 32)]
    let programs = try ["+", "-", "*", "/", "%"].map { try CELProgram("a \($0) b") }
    for _ in 0..<4000 {
      let a =
        Bool.random(using: &dice) ? edges.randomElement(using: &dice)! : Int64.random(in: .min ... .max, using: &dice)
      let b =
        Bool.random(using: &dice) ? edges.randomElement(using: &dice)! : Int64.random(in: -1000...1000, using: &dice)
      let scope = CELVariables(["a": .int(a), "b": .int(b)])
      let wanted = [
        a.addingReportingOverflow(b), a.subtractingReportingOverflow(b), a.multipliedReportingOverflow(by: b),
        a.dividedReportingOverflow(by: b), a.remainderReportingOverflow(dividingBy: b),
      ]
      for (program, wanted) in zip(programs, wanted) {
        let found = try? program.evaluate(scope)
        if wanted.overflow {
          #expect(found == nil, "\(a), \(b): \(program.text)")
        } else {
          #expect(found == .int(wanted.partialValue), "\(a), \(b): \(program.text)")
        }
      }
    }
  }

  @Test func unsignedIntegersAndDoublesAgreeWithSwift() throws {
    var dice = SeededGenerator(2)
    let programs = try ["+", "-", "*", "/"].map { try CELProgram("a \($0) b") }
    for _ in 0..<2000 {
      let (a, b) = (
        UInt64.random(in: 0 ... .max, using: &dice) >> (dice.next() % 64), dice.next() >> (dice.next() % 64)
      )
      let integers: [(UInt64, Bool)] = [
        a.addingReportingOverflow(b), a.subtractingReportingOverflow(b), a.multipliedReportingOverflow(by: b),
        a.dividedReportingOverflow(by: b),
      ].map { ($0.partialValue, $0.overflow) }
      let (x, y) = (Double(bitPattern: dice.next()), Double(bitPattern: dice.next()))
      let doubles = [x + y, x - y, x * y, x / y]
      for (index, program) in programs.enumerated() {
        let found = try? program.evaluate(CELVariables(["a": .uint(a), "b": .uint(b)]))
        #expect(found == (integers[index].1 ? nil : .uint(integers[index].0)))
        guard case .double(let double) = try program.evaluate(CELVariables(["a": .double(x), "b": .double(y)])) else {
          Issue.record("no double")
          continue
        }
        #expect(double == doubles[index] || (double.isNaN && doubles[index].isNaN))
      }
    }
  }

  /// Integers and doubles are ordered by their exact values; compared with 128-bit integers.
  @Test func mixedOrderIsExact() throws {
    var dice = SeededGenerator(3)
    let less = try CELProgram("a < b")
    let equal = try CELProgram("a == b")
    for _ in 0..<4000 {
      let drawn = Int64.random(in: .min ... .max, using: &dice) >> Int64(dice.next() % 64)
      guard let integer = Int64(exactly: Double(drawn)) else { continue }
      let near = Double(integer) + Double(Int(dice.next() % 5) - 2) * 0.5
      guard near.magnitude < 1e18 || near == near.rounded() else { continue }
      // Doubles of this size are multiples of 0.5, and twice their value fits 128 bits.
      let (left, right) = (Int128(integer) * 2, Int128(near * 2))
      let scope = CELVariables(["a": .int(integer), "b": .double(near)])
      #expect(try less.evaluate(scope) == .bool(left < right), "\(integer) < \(near)")
      #expect(try equal.evaluate(scope) == .bool(left == right), "\(integer) == \(near)")
    }
  }

  /// Any text either loads or gives an error whose offset is within the text.
  @Test func parserSurvivesRandomTokens() {
    var dice = SeededGenerator(4)
    let words = [
      "a", "b.c", "1", "2u", "1.5", "'x'", "b'y'", "true", "null", "+", "-", "*", "/", "%", "&&", "||", "!", "==", "<",
      "in",
      "?", ":", "(", ")", "[", "]", "{", "}", ",", ".", "has(", "size(", ".map(x,", ".all(x,", "'", "\"\"\"", "\\",
      "r'",
      "0x", "//", "\n", "é", "\u{0}", "`", "duration('1s')", "matches(", "'(a|b)*'", "int", "sensor(",
    ]
    var loaded = 0
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...12, using: &dice) {
        text += words.randomElement(using: &dice)!
        if Bool.random(using: &dice) { text += " " }
      }
      do throws(CELError) {
        let program = try CELProgram(text, functions: .rules)
        loaded += 1
        _ = try? program.evaluate(CELVariables(["a": [1, 2], "b": .map(CELMap(["c": 2]))]))
      } catch {
        #expect((0...text.utf8.count).contains(error.offset), "\(text)")
        #expect(!error.message.isEmpty)
      }
    }
    #expect(loaded > 200)
  }

  @Test func parserSurvivesRandomBytes() {
    var dice = SeededGenerator(5)
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...40, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
      _ = try? CELProgram(String(decoding: bytes, as: UTF8.self))
      _ = try? value("'aXb'.matches(p)", ["p": .string(String(decoding: bytes, as: UTF8.self))])
    }
  }

  /// The checker accepts expressions that are valid by construction. Constant folding changes no result: the same
  /// expression with variables in place of its numbers has the same value.
  @Test func foldingChangesNothing() throws {
    var dice = SeededGenerator(6)
    for _ in 0..<3000 {
      var values: [String: CELValue] = [:]
      let (constant, variable) = numeric(depth: 4, &dice, &values)
      let folded = Result { try value(constant) }
      let plain = Result { try value(variable, values) }
      switch (folded, plain) {
      case (.success(let left), .success(let right)): #expect(left == right, "\(constant)")
      case (.failure(let left as CELError), .failure(let right as CELError)): #expect(left.kind == right.kind)
      default: Issue.record("\(constant): \(folded), \(plain)")
      }
    }
  }

  private func numeric(_ dice: inout SeededGenerator) -> Int64 { Int64.random(in: -9...9, using: &dice) }

  /// A random integer expression, once with numbers and once with variables in their place.
  private func numeric(depth: Int, _ dice: inout SeededGenerator, _ values: inout [String: CELValue]) -> (
    String, String
  ) {
    if depth == 0 || dice.next() % 4 == 0 {
      let number = numeric(&dice)
      let name = "v\(values.count)"
      values[name] = .int(number)
      return ("\(number)", name)
    }
    let left = numeric(depth: depth - 1, &dice, &values)
    let right = numeric(depth: depth - 1, &dice, &values)
    let symbol = ["+", "-", "*", "/", "%"].randomElement(using: &dice)!
    if dice.next() % 5 == 0 {
      return ("(\(left.0) < \(right.0) ? \(left.0) : \(right.0))", "(\(left.1) < \(right.1) ? \(left.1) : \(right.1))")
    }
    return ("(\(left.0) \(symbol) \(right.0))", "(\(left.1) \(symbol) \(right.1))")
  }

  @Test func valuesSurviveTheRoundTrip() throws {
    let plain: Value = [
      "a": 1, "b": 2.5, "c": "x", "d": nil, "e": true, "f": [1, ["g": .bytes([1, 2])]], "h": [:],
    ]
    #expect(try CELValue(plain).converted() == plain)
    #expect(try CELValue.uint(7).converted() == .int(7))
    #expect(try CELValue.uint(.max).converted() == .double(18_446_744_073_709_551_616))
    #expect(try CELValue.duration(.milliseconds(1500)).converted() == .string("1.5s"))
    #expect(try CELValue.timestamp(CELTimestamp(milliseconds: 0)).converted() == .string("1970-01-01T00:00:00Z"))
    #expect(try CELValue.type(.int).converted() == .string("int"))
    #expect(try value("{1: 'a', true: 2, 'x': [3u]}").converted() == .map(["1": "a", "true": 2, "x": [3]]))
  }

  /// Sixty nested lists that contain the previous one twice: small in memory, but 2⁶⁰ elements when expanded.
  @Test func sharedListsDoNotExplode() throws {
    let list = try value("dyn(['x']" + String(repeating: ".map(s, [s, s])", count: 60) + ")")
    let error = #expect(throws: CELError.self) { try list.converted() }
    #expect(error?.kind == .limit)
    #expect(list.description.count < 20_000)
  }
}
