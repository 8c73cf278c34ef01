import CEL
import Model
import TestKit

/// Expressions of rules: an expression loads, or gives an error with a valid position; its evaluation respects the step
/// limit.
package final class CELTarget: FuzzTarget {
  package let name = "cel"
  package let longest = 9000
  package let words = [
    "value", "list", "map", "text", "bytes", "number", "when", "span", "nothing", "event", "now", "x", "y", "1", "2u",
    "1.5", "1e300", "0x7fffffffffffffff", "'x'", "r'\\d+'", "b'\\xff'", "\"\"\"a\n\"\"\"", "'''", "true", "false",
    "null", "+", "-", "*", "/", "%", "&&", "||", "!", "==", "!=", "<", "<=", ">", ">=", " in ", "?", ":", "(", ")", "[",
    "]", "{", "}", ",", ".", ".?", "[?", "has(", "size(", "matches(", "duration('1s')",
    "timestamp('2026-01-01T00:00:00Z')",
    ".map(x, x)", ".all(x, ", ".exists(x, ", ".exists_one(x, ", ".filter(x, ", ".contains(", ".startsWith(",
    ".endsWith(", ".getHours()", ".getFullYear('local')", ".getDate('+25:61')", "int(", "uint(", "double(", "string(",
    "bytes(", "bool(", "type(", "dyn(", "sensor('temperature')", "state('probe')", "'(a|b)*'", "'[^a-z]{1,1000}'",
    "'(?i)x*?'", "'((((a{9}){9}){9}){9})'", "//", "\n", "\\u{110000}", "\\U0010FFFF", "{?", ".?a", "[?0]", "maybe",
    "optional.of(", "optional.ofNonZeroValue(", "optional.none()", "optional.unwrap(", ".hasValue()", ".value()",
    ".or(", ".orValue(", ".optMap(x, ", ".optFlatMap(x, ", "math.greatest(", "math.least(", "math.round(", "math.abs(",
    "math.sqrt(", "math.bitAnd(", "math.bitNot(", "math.bitShiftLeft(", "math.bitShiftRight(", ".first()", ".last()",
    ".slice(", ".reverse()", ".distinct()", ".flatten(", ".sort()", ".sortBy(x, ", ".sum()", ".avg()", ".min()",
    ".max()", "lists.range(", ".format([", "'%s %d %.9e %x %b'", "'%.100f'", "strings.quote(", "base64.encode(",
    "base64.decode(", "'aGVsbG8='", "cel.bind(x, ", ".transformList(x, y, ", ".transformMap(x, y, ",
    ".transformMapEntry(x, y, ", ".all(x, y, ", ".getHours('Europe/Berlin')", ".getHours('../UTC')",
  ]

  /// Needs no files.
  package init() {}

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    guard Bool.random(using: &random) else { return nil }
    return Array(expression(depth: Int.random(in: 1...6, using: &random), &random).utf8.prefix(longest))
  }

  /// A random expression that is grammatical but often ill-typed.
  private func expression(depth: Int, _ random: inout SeededGenerator) -> String {
    func part() -> String { expression(depth: depth - 1, &random) }
    guard depth > 0 else { return atom(&random) }
    switch Int.random(in: 0..<20, using: &random) {
    case 0, 1, 2:
      let symbol = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in"].randomElement(
        using: &random)
      return "(\(part()) \(symbol ?? "+") \(part()))"
    case 3: return "(\(part()) ? \(part()) : \(part()))"
    case 4: return "[\(part()), \(part())]"
    case 5: return "{\(part()): \(part()), 'k': \(part())}"
    case 6:
      let macro = ["map", "all", "exists", "exists_one", "filter"].randomElement(using: &random) ?? "map"
      return "\(part()).\(macro)(x, \(part()))"
    case 7:
      let function = ["contains", "startsWith", "endsWith", "matches"].randomElement(using: &random) ?? "contains"
      return "\(part()).\(function)(\(part()))"
    case 8:
      let function = [
        "size", "int", "uint", "double", "string", "bytes", "bool", "type", "dyn", "duration", "timestamp",
      ]
      return "\(function.randomElement(using: &random) ?? "size")(\(part()))"
    case 9: return "\(part())[\(part())]"
    case 10: return "\(Bool.random(using: &random) ? "!" : "-")\(part())"
    case 11: return "has(\(part()).\(Bool.random(using: &random) ? "a" : "size"))"
    case 12:
      let part = ["getHours", "getDate", "getDayOfWeek", "getFullYear", "getMilliseconds"].randomElement(using: &random)
      let zone = ["", "'local'", "'UTC'", "'+01:30'", "'-99:99'", "'Europe/Berlin'", "text"].randomElement(
        using: &random)
      return "\(expression(depth: depth - 1, &random)).\(part ?? "getHours")(\(zone ?? ""))"
    case 13: return "\(part())\(Bool.random(using: &random) ? ".?a" : "[?\(part())]")"
    case 14:
      let method = ["orValue", "or", "slice", "flatten", "format"].randomElement(using: &random) ?? "or"
      return "\(part()).\(method)(\(part()))"
    case 15:
      let method = [
        "hasValue", "value", "first", "last", "reverse", "distinct", "flatten", "sort", "sum", "avg", "min", "max",
        "unwrapOpt",
      ]
      return "\(part()).\(method.randomElement(using: &random) ?? "value")()"
    case 16:
      let function = [
        "optional.of", "optional.ofNonZeroValue", "math.abs", "math.sign", "math.sqrt", "math.round", "math.bitNot",
        "lists.range", "strings.quote", "base64.encode", "base64.decode",
      ]
      return "\(function.randomElement(using: &random) ?? "optional.of")(\(part()))"
    case 17:
      let function = ["greatest", "least", "bitAnd", "bitXor", "bitShiftLeft", "bitShiftRight"]
      return "math.\(function.randomElement(using: &random) ?? "least")(\(part()), \(part()))"
    case 18:
      let macro = ["all", "exists", "transformList", "transformMap", "transformMapEntry"].randomElement(using: &random)
      return "\(part()).\(macro ?? "all")(x, y, \(part()))"
    case 19:
      let macro = ["cel.bind(x, \(part())", "\(part()).optMap(x", "\(part()).optFlatMap(x", "\(part()).sortBy(x"]
      return "\(macro.randomElement(using: &random) ?? macro[0]), \(part()))"
    default: return atom(&random)
    }
  }

  private func atom(_ random: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return ByteMutator.number(&random)
    case 1: return ByteMutator.number(&random).filter { $0 != "-" } + "u"
    case 2:
      return ["value", "list", "map", "text", "bytes", "number", "when", "span", "nothing", "x", "maybe"].randomElement(
        using: &random) ?? "x"
    default: return words.randomElement(using: &random) ?? "1"
    }
  }

  private struct Scope: CELScope {
    static let values: [String: CELValue] = [
      "value": 30.5, "list": [1, "b", [2.5]], "map": .map(CELMap(["a": 1, "b": [true]])), "text": "a1b2 é\u{301}",
      "bytes": .bytes([0, 0xFF, 0x41]), "number": .int(.min),
      "when": .timestamp(CELTimestamp(milliseconds: 1_767_225_600_000)),
      "span": .duration(.seconds(90)), "nothing": .null, "event": .map(CELMap(["type": "a:b"])),
      "now": .timestamp(CELTimestamp(milliseconds: 1_767_225_600_000)), "y": .uint(.max),
      "maybe": .optional(.map(CELMap(["a": 1]))),
    ]
    func variable(_ name: String) -> CELValue? { Self.values[name] }
    func call(_ function: String, _ arguments: [CELValue]) throws(CELError) -> CELValue? {
      guard case .string(let name)? = arguments.first, name != "none" else {
        throw CELError(message: "\(function)() has no such name", kind: .missing)
      }
      return function == "sensor" ? 21.5 : .map(CELMap(["count": 3]))
    }
    func utcOffset(_ zone: String, at time: CELTimestamp) -> Duration? {
      guard TimeZones.isValid(zone) else { return nil }
      return zone == "local" || zone == "Europe/Berlin" ? .seconds(3600) : nil
    }
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    let text = String(decoding: input, as: UTF8.self)
    let program: CELProgram
    do throws(CELError) { program = try CELProgram(text, functions: .rules) } catch {
      try require((0...text.utf8.count).contains(error.offset), "an offset after the end: \(error.offset): \(error)")
      try MessageRules.check(error.message, about: input)
      return seen.note(error.message)
    }
    seen.note("loads \(program.type)")
    let result = evaluate(program, steps: CELProgram.standardSteps)
    try require(
      "\(result)" == "\(evaluate(program, steps: CELProgram.standardSteps))", "the second evaluation has another result"
    )
    switch result {
    case .success(let value):
      try require(value.description.utf8.count <= 200_000, "a text of \(value.description.utf8.count) bytes")
      seen.note("gives \(value.type)")
      do throws(CELError) { _ = try value.converted() } catch { try MessageRules.check(error.message, about: input) }
    case .failure(let error):
      try MessageRules.check(error.message, about: input)
      seen.note(error.message)
      try require((0...text.utf8.count).contains(error.offset), "an offset after the end: \(error.offset): \(error)")
    }
    // A lower step limit may only end the evaluation earlier.
    if case .failure(let error) = evaluate(program, steps: 50), case .success = result {
      try require(error.kind == .limit, "with few steps it fails as \(error.kind): \(error)")
    }
  }

  private func evaluate(_ program: CELProgram, steps: Int) -> Result<CELValue, CELError> {
    Result { () throws(CELError) in try program.evaluate(Scope(), steps: steps) }
  }
}
