import CEL
import Testing

@Suite struct CheckerTests {
  @Test func typeErrors() {
    expectRefused("'a' + 1", offset: 4, saying: "string(")
    expectRefused("1 > 'x'", offset: 2)
    expectRefused("1 + 1.0", offset: 2, saying: "convert")
    expectRefused("1 + 1u")
    expectRefused("1.5 % 2.0")
    expectRefused("1 == 'a'", saying: "never equal")
    expectRefused("1 && true", offset: 0, saying: "bool")
    expectRefused("true || 'x'", offset: 8)
    expectRefused("!1")
    expectRefused("-'a'")
    expectRefused("-true")
    expectRefused("null < null")
    expectRefused("[1] < [2]")
    expectRefused("'a' ? 1 : 2", saying: "condition")
    expectRefused("1[0]")
    expectRefused("'abc'[0]")
    expectRefused("[1]['a']")
    expectRefused("{'a': 1}[2]")
    expectRefused("1.5.a")
    expectRefused("[1].a")
    expectRefused("x + null")
    expectRefused("true - x")
    expectRefused("[1, 2].all(x, x > 'a')", offset: 16)
    expectRefused("[1].filter(x, x)", saying: "bool")
    expectRefused("(1).all(x, true)")
    expectRefused("timestamp('2026-01-01T00:00:00Z') + 1")
    expectRefused("duration('1s') * 2")
    expectRefused("size(1)", saying: "no such overload")
    expectRefused("'a'.contains(1)")
    expectRefused("int([1])")
  }

  @Test func variablesAreDynamic() throws {
    #expect(try CELProgram("x + 1 > 2 && y.startsWith('a')").type == .bool)
    #expect(try CELProgram("x").type == .dyn)
    #expect(try CELProgram("x ? 1 : 'a'").type == .dyn)
    #expect(try CELProgram("x + 1").type == .int)
    #expect(try CELProgram("1 + 2").type == .int)
    #expect(try CELProgram("[1, 2].map(x, string(x))").type == .list(.string))
    #expect(try CELProgram("now + duration('1s')").type == .dyn)
    #expect(try CELProgram("size(x)").type == .int)
  }

  @Test func unknownFunctions() {
    expectRefused("value > 1 && contians(x)", offset: 13, saying: "did you mean 'contains'?")
    expectRefused("x.startWith('a')", offset: 2, saying: "did you mean 'startsWith'?")
    expectRefused("sizee(x)", saying: "did you mean 'size'?")
    expectRefused("sensor('a')", saying: "unknown function 'sensor'")
    expectRefused("contains('a', 'b')", saying: "x.contains(")
    expectRefused("all([1])", saying: "x.all(")
    expectRefused("x.int()", saying: "int(x)")
    expectRefused("wibble(1)", saying: "unknown function")
  }

  @Test func arity() {
    expectRefused("size()", saying: "takes 1 argument, not 0")
    expectRefused("size('a', 'b')", saying: "takes 1 argument, not 2")
    expectRefused("'a'.contains()", saying: "takes 1 argument, not 0")
    expectRefused("'a'.replace('b')", saying: "takes 2 or 3")
    expectRefused("duration()")
    expectRefused("now.getHours('a', 'b')", saying: "takes 0 or 1")
    expectRefused("has(x)", saying: "one field")
    expectRefused("has(x.y, x.z)")
    expectRefused("[1].all(x)", saying: "all() takes")
    expectRefused("[1].all(1, true)", saying: "plain name")
    expectRefused("[1].map(x)")
    expectRefused("[1].exists(x.y, true)")
  }

  @Test func hostFunctions() throws {
    let functions = CELFunctions.standard.adding("sensor", [.string]).adding("two", [.int, .dyn], result: .bool)
    #expect(try CELProgram("sensor('a') > 1 && two(1, 'x')", functions: functions).type == .bool)
    #expect(throws: CELError.self) { try CELProgram("sensor()", functions: functions) }
    #expect(throws: CELError.self) { try CELProgram("sensor(1)", functions: functions) }
    #expect(throws: CELError.self) { try CELProgram("two(1, 2) + 1", functions: functions) }
    let error = #expect(throws: CELError.self) { try CELProgram("1 == senser('a')", functions: functions) }
    #expect(error?.offset == 5)
    #expect(error?.message.contains("did you mean 'sensor'?") == true)
  }

  @Test func hostCallsReachTheScope() throws {
    struct Host: CELScope {
      func variable(_ name: String) -> CELValue? { nil }
      func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
        guard case .string(let name) = arguments[0] else { return nil }
        if name == "broken" { throw CELError(message: "no answer") }
        return name == "unknown" ? nil : .double(21.5)
      }
    }
    let functions = CELFunctions.rules
    #expect(try CELProgram("sensor('t') > 21.0", functions: functions).evaluate(Host()) == true)
    let error = #expect(throws: CELError.self) {
      try CELProgram("1 < 2 && sensor('broken') > 1.0", functions: functions).evaluate(Host())
    }
    #expect(error == CELError(offset: 9, message: "no answer"))
    #expect(throws: CELError.self) { try CELProgram("sensor('unknown')", functions: functions).evaluate(Host()) }
    #expect(try CELProgram("sensor('broken') > 1.0 || true", functions: functions).evaluate(Host()) == true)
  }

  @Test func unknownVariablesAreRefused() throws {
    let error = #expect(throws: CELError.self) { try CELProgram("1 < vlaue", variables: ["value", "unit"]) }
    #expect(error?.offset == 4)
    #expect(error?.message == "unknown variable 'vlaue' (did you mean 'value'?)")
    #expect(try CELProgram("value > 1 && [1].all(x, x > value)", variables: ["value"]).variables == ["value"])
  }

  @Test func freeVariables() throws {
    #expect(try CELProgram("a + b.c + a + [1].map(x, x + d)[0] + int").variables == ["a", "b", "d"])
    #expect(try CELProgram("[x].all(x, x > 1)").variables == ["x"])
    #expect(try CELProgram("1 + 2").variables == [])
  }

  @Test func syntaxErrors() {
    expectRefused("", saying: "empty")
    expectRefused("  // nothing", saying: "empty")
    expectRefused("1 +", offset: 3, saying: "end of the expression")
    expectRefused("1 2", offset: 2, saying: "operator")
    expectRefused("(1", offset: 2)
    expectRefused("[1, 2", saying: "']'")
    expectRefused("{1}", saying: "':'")
    expectRefused("a = b", offset: 2, saying: "'=='")
    expectRefused("a & b", saying: "'&&'")
    expectRefused("a | b", saying: "'||'")
    expectRefused("a ? b", saying: "':'")
    expectRefused("f(1,)")
    expectRefused("a.", saying: "field name")
    expectRefused("a.1")
    expectRefused("while > 1", saying: "reserved")
    expectRefused("Point{x: 1}", saying: "messages")
    expectRefused("a.?b()", offset: 4, saying: "field")
    expectRefused("a.?", saying: "field name")
    expectRefused("a[?]")
    expectRefused("f(?a)")
    expectRefused("größe > 1", saying: "ASCII")
    expectRefused("a # b", offset: 2)
    expectRefused("a @ b")
    expectRefused(")")
    expectRefused("in")
    expectRefused("a in")
  }

  @Test func limitsOnLengthAndDepth() {
    expectRefused(String(repeating: "1+", count: 5000) + "1", saying: "8192")
    expectRefused(String(repeating: "(", count: 100) + "1" + String(repeating: ")", count: 100), saying: "deep")
    expectRefused(String(repeating: "[", count: 3000), saying: "deep")
    expectRefused(String(repeating: "1+", count: 300) + "1", saying: "deep")
    expectRefused("a" + String(repeating: ".a", count: 300), saying: "deep")
    expectRefused(String(repeating: "true ? 1 : ", count: 100) + "2", saying: "deep")
    // The language definition requires every implementation to accept chains of 32 and a nesting depth of 12.
    expect(Array(repeating: "1", count: 100).joined(separator: "+"), 100)
    expect(String(repeating: "(", count: 32) + "1" + String(repeating: ")", count: 32), 1)
    expect(Array(repeating: "false", count: 500).joined(separator: " || "), false)
    expect(String(repeating: "!", count: 2000) + "true", true)
  }
}
