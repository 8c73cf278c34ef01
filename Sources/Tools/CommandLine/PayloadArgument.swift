import Document
import Model

/// An argument `key=value`: a field of an event's payload.
///
/// In `key=value` the value is `true`, `false`, `null`, a JSON number, or JSON that begins with `{`, `[` or `"`; any
/// other value is text. `key:=json` accepts only JSON, and `key==text` takes everything as text.
package enum PayloadArgument {
  /// Parses all arguments of a payload.
  /// - Throws: `Failure` with `.usage` for a missing `=`, an empty or repeated name, or invalid JSON.
  package static func fields(_ arguments: [String]) throws(Failure) -> Fields {
    var fields = Fields()
    for argument in arguments {
      let (key, value) = try field(argument)
      guard fields[key] == nil else { throw Failure(.usage, "'\(key)' is given twice") }
      fields[key] = value
    }
    return fields
  }

  /// Parses one argument.
  /// - Throws: `Failure` with `.usage` for a missing `=`, an empty name, or invalid JSON.
  package static func field(_ argument: String) throws(Failure) -> (key: String, value: Value) {
    guard let sign = argument.firstIndex(of: "=") else {
      throw Failure(.usage, "'\(argument)' is not key=value")
    }
    var key = argument[..<sign]
    var text = String(argument[argument.index(after: sign)...])
    let isJSON = key.last == ":"
    if isJSON { key.removeLast() }
    guard !key.isEmpty else { throw Failure(.usage, "'\(argument)' has no name before '='") }
    if isJSON { return (String(key), try json(text, of: argument)) }
    if text.first == "=" {
      text.removeFirst()
      return (String(key), .string(text))
    }
    return (String(key), value(text))
  }

  /// The value of the text after a single `=`.
  package static func value(_ text: String) -> Value {
    switch text {
    case "true": .bool(true)
    case "false": .bool(false)
    case "null": .null
    case _ where isNumber(text): number(text)
    case _ where text.first == "{" || text.first == "[" || text.first == "\"":
      (try? json(text, of: text)) ?? .string(text)
    default: .string(text)
    }
  }

  private static func json(_ text: String, of argument: String) throws(Failure) -> Value {
    do {
      return try JSON.decode(Array(text.utf8)[...])
    } catch {
      throw Failure(.usage, "'\(argument)' is not JSON: \(error.message)")
    }
  }

  private static func number(_ text: String) -> Value {
    if let whole = Int64(text) { return .int(whole) }
    // An integer beyond 64 bits, such as a long code, stays text: floating point would lose digits.
    guard text.contains(where: { ".eE".contains($0) }), let number = Double(text), number.isFinite else {
      return .string(text)
    }
    return .double(number)
  }

  /// Whether the text is a JSON number (RFC 8259, section 6), without leading zeros and `+`: `007` stays text.
  private static func isNumber(_ text: String) -> Bool {
    var rest = Substring(text).utf8
    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    let whole = digits(&rest)
    guard whole > 0 else { return false }
    let start = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    if whole > 1 && start.first == UInt8(ascii: "0") { return false }
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      guard digits(&rest) > 0 else { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest.removeFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
      guard digits(&rest) > 0 else { return false }
    }
    return rest.isEmpty
  }

  private static func digits(_ rest: inout Substring.UTF8View) -> Int {
    let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
    rest.removeFirst(count)
    return count
  }
}
