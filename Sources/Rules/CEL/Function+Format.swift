extension Function {
  /// `format` and `strings.quote` of the strings extension (github.com/google/cel-go, ext/README.md, "Strings").
  static let formatMethod = method("format", strict: true, [Overload([.string, .list(.dyn)], .string)]) {
    (arguments, frame) throws(CELError) in
    guard case .string(let format) = arguments[0], case .list(let values) = arguments[1] else { return nil }
    try frame.charge(format.utf8.count >> 2, 0)
    return .string(try FormatString(format).text(values, &frame))
  }

  /// A string in double quotes, with escapes.
  static let quoteFunction = function("strings.quote", [Overload([.string], .string)]) {
    (arguments, frame) throws(CELError) in
    guard case .string(let text) = arguments[0] else { return nil }
    try frame.charge(text.utf8.count >> 3, 0)
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\u{7}": quoted += "\\a"
      case "\u{8}": quoted += "\\b"
      case "\u{C}": quoted += "\\f"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{B}": quoted += "\\v"
      case "\\": quoted += "\\\\"
      case "\"": quoted += "\\\""
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return .string(quoted + "\"")
  }
}
