import Document
import Model

/// `key=value` on a command line, as a field of an event's payload.
///
/// `key=value` takes `true`, `false`, `null`, numbers as JSON writes them, and JSON texts that begin with `{`, `[` or
/// `"`; everything else is text. `key:=json` takes JSON only, `key==text` takes text only.
public enum PayloadArgument {
  /// Reads all of `arguments`.
  /// - Throws: `Failure` with `.usage`: no `=`, no name, a name twice, or JSON that is none.
  public static func fields(_ arguments: [String]) throws(Failure) -> Fields {
    var fields = Fields()
    for argument in arguments {
      let (key, value) = try field(argument)
      guard fields[key] == nil else { throw Failure(.usage, "'\(key)' is given twice") }
      fields[key] = value
    }
    return fields
  }

  /// Reads one argument.
  public static func field(_ argument: String) throws(Failure) -> (key: String, value: Value) {
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

  /// The value that a bare `text` stands for.
  public static func value(_ text: String) -> Value {
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
    // A whole number beyond 64 bits, such as a long code, would lose digits as floating point.
    guard text.contains(where: { ".eE".contains($0) }), let number = Double(text), number.isFinite else {
      return .string(text)
    }
    return .double(number)
  }

  /// JSON's grammar of numbers (RFC 8259, section 6): no leading zeros, no sign but `-`, so that `007` stays text.
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
