extension FormatString {
  /// The text with the values in the place of the clauses.
  func text(_ values: CELList, _ frame: inout Frame) throws(CELError) -> String {
    var text = ""
    var index = 0
    for piece in pieces {
      switch piece {
      case .text(let part): text += part
      case .clause(let clause):
        guard index < values.count else {
          throw CELError(message: "format(): index \(index) out of range, the list has \(values.count)")
        }
        let start = text.utf8.count
        try clause.write(values[index], to: &text, &frame)
        try frame.charge(1 + (text.utf8.count - start) >> 4, 0)
        index += 1
      }
    }
    return text
  }
}

extension FormatString.Clause {
  fileprivate func write(_ value: CELValue, to text: inout String, _ frame: inout Frame) throws(CELError) {
    if verb == .string { return try Self.writeText(of: value, to: &text, &frame) }
    guard verb.takes(value.type) else { throw CELError(message: verb.refusal(of: value.type)) }
    switch (verb, value) {
    case (.fixed, _), (.scientific, _): text += try decimals(of: value.asDouble ?? 0, &frame)
    case (.decimal, .double(let number)): text += Self.positional(number)
    case (.hex, .string(let string)): text += try Self.hex(Array(string.utf8), "0123456789abcdef", &frame)
    case (.upperHex, .string(let string)): text += try Self.hex(Array(string.utf8), "0123456789ABCDEF", &frame)
    case (.hex, .bytes(let bytes)): text += try Self.hex(bytes, "0123456789abcdef", &frame)
    case (.upperHex, .bytes(let bytes)): text += try Self.hex(bytes, "0123456789ABCDEF", &frame)
    case (.binary, .bool(let bool)): text += bool ? "1" : "0"
    case (_, .int(let number)): text += String(number, radix: radix, uppercase: verb == .upperHex)
    case (_, .uint(let number)): text += String(number, radix: radix, uppercase: verb == .upperHex)
    default: throw CELError(message: verb.refusal(of: value.type))
    }
  }

  private var radix: Int {
    switch verb {
    case .hex, .upperHex: 16
    case .octal: 8
    case .binary: 2
    default: 10
    }
  }

  private func decimals(of number: Double, _ frame: inout Frame) throws(CELError) -> String {
    guard number.isFinite else { return Self.positional(number) }
    let sign = number.sign == .minus ? "-" : ""
    let magnitude = DecimalExpansion(exactly: number)
    // Doubles that are far from 1 have the most digits.
    try frame.charge(8 + Int(number.exponent == .min ? 0 : number.exponent.magnitude) >> 2, 0)
    return sign
      + (verb == .fixed ? magnitude.fixed(decimals: precision) : magnitude.scientific(decimals: precision))
  }

  /// The shortest decimal number without an exponent that gives the same double.
  private static func positional(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    let sign = number.sign == .minus ? "-" : ""
    return sign + (number.isInfinite ? "Infinity" : DecimalExpansion(shortest: number).positional)
  }

  private static func hex(_ bytes: [UInt8], _ digits: String, _ frame: inout Frame) throws(CELError) -> String {
    try frame.charge(bytes.count >> 3, 0)
    let digits = Array(digits.utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func writeText(
    of value: CELValue, to text: inout String, _ frame: inout Frame
  ) throws(CELError) {
    let start = text.utf8.count
    switch value {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .int(let number): text += "\(number)"
    case .uint(let number): text += "\(number)"
    case .double(let number): text += positional(number)
    case .string(let string): text += string
    case .bytes(let bytes): text += String(decoding: bytes, as: UTF8.self)
    case .duration(let duration): text += TimeText.duration(duration)
    case .timestamp(let time): text += time.description
    case .type(let type): text += type.description
    case .list(let list):
      text += "["
      for (index, element) in list.enumerated() {
        if index > 0 { text += ", " }
        try writeText(of: element, to: &text, &frame)
      }
      return text += "]"
    case .map(let map):
      try frame.charge(map.count * (map.count >> 5), 0)
      var entries: [(key: String, value: CELValue)] = []
      for key in map.keys {
        var name = ""
        try writeText(of: key, to: &name, &frame)
        if let value = map[key] { entries.append((name, value)) }
      }
      entries.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      text += "{"
      for (index, entry) in entries.enumerated() {
        text += index > 0 ? ", \(entry.key): " : "\(entry.key): "
        try writeText(of: entry.value, to: &text, &frame)
      }
      return text += "}"
    case .optional: throw CELError(message: FormatString.Verb.string.refusal(of: value.type))
    }
    try frame.charge(1 + (text.utf8.count - start) >> 4, 0)
  }
}
