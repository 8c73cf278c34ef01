extension Function {
  /// The functions named for types (langdef.md, "Type Conversion Functions").
  static let conversions: [Function] = [
    function(
      "int",
      [
        Overload([.int], .int), Overload([.uint], .int), Overload([.double], .int), Overload([.string], .int),
        Overload([.timestamp], .int),
      ]
    ) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .int(let value): return .int(value)
      case .uint(let value): return .int(try inRange(Int64(exactly: value), "int", arguments[0]))
      case .double(let value):
        // -2^63 is out of range, because it may be a rounded value (langdef.md, "Type Conversion Functions").
        let whole = value == -0x1p63 ? nil : Int64(exactly: value.rounded(.towardZero))
        return .int(try inRange(whole, "int", arguments[0]))
      case .string(let text): return .int(try inRange(Int64(text), "int", arguments[0]))
      case .timestamp(let time): return .int(time.seconds)
      default: return nil
      }
    },
    function(
      "uint",
      [Overload([.uint], .uint), Overload([.int], .uint), Overload([.double], .uint), Overload([.string], .uint)]
    ) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .uint(let value): return .uint(value)
      case .int(let value): return .uint(try inRange(UInt64(exactly: value), "uint", arguments[0]))
      case .double(let value):
        return .uint(try inRange(value < 0 ? nil : UInt64(exactly: value.rounded(.towardZero)), "uint", arguments[0]))
      case .string(let text): return .uint(try inRange(UInt64(text), "uint", arguments[0]))
      default: return nil
      }
    },
    function(
      "double",
      [
        Overload([.double], .double), Overload([.int], .double), Overload([.uint], .double),
        Overload([.string], .double),
      ]
    ) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .double(let value): return .double(value)
      case .int(let value): return .double(Double(value))
      case .uint(let value): return .double(Double(value))
      case .string(let text): return .double(try inRange(Double(text), "double", arguments[0]))
      default: return nil
      }
    },
    function(
      "string",
      [CELType.string, .int, .uint, .double, .bool, .bytes, .timestamp, .duration].map { Overload([$0], .string) }
    ) { (arguments, frame) throws(CELError) in
      switch arguments[0] {
      case .string(let value): return .string(value)
      case .int(let value): return .string("\(value)")
      case .uint(let value): return .string("\(value)")
      case .double(let value): return .string(text(of: value))
      case .bool(let value): return .string(value ? "true" : "false")
      case .bytes(let bytes):
        try frame.charge(bytes.count >> 4, 0)
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw CELError(message: "the bytes are not valid UTF-8")
        }
        return .string(text)
      case .timestamp(let time): return .string(time.description)
      case .duration(let duration): return .string(TimeText.duration(duration))
      default: return nil
      }
    },
    function("bool", [Overload([.bool], .bool), Overload([.string], .bool)]) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .bool(let value): return .bool(value)
      case .string("true"), .string("True"), .string("TRUE"), .string("t"), .string("1"): return true
      case .string("false"), .string("False"), .string("FALSE"), .string("f"), .string("0"): return false
      case .string: throw unreadable("bool", arguments[0])
      default: return nil
      }
    },
    function("bytes", [Overload([.bytes], .bytes), Overload([.string], .bytes)]) {
      (arguments, frame) throws(CELError) in
      switch arguments[0] {
      case .bytes(let value): return .bytes(value)
      case .string(let text):
        try frame.charge(text.utf8.count >> 4, 0)
        return .bytes(Array(text.utf8))
      default: return nil
      }
    },
    function("type", [Overload([.dyn], .type)]) { (arguments, _) throws(CELError) in .type(arguments[0].type) },
    function("dyn", [Overload([.dyn], .dyn)]) { (arguments, _) throws(CELError) in arguments[0] },
    function("duration", strict: true, [Overload([.string], .duration), Overload([.duration], .duration)]) {
      (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .duration: return arguments[0]
      case .string(let text):
        guard let duration = TimeText.duration(parsing: text) else {
          throw CELError(
            message: "\(arguments[0]) is not a valid duration; durations look like '1h30m', '1.5s' or '100ms'")
        }
        return .duration(duration)
      default: return nil
      }
    },
    function(
      "timestamp", strict: true,
      [Overload([.string], .timestamp), Overload([.int], .timestamp), Overload([.timestamp], .timestamp)]
    ) { (arguments, _) throws(CELError) in
      switch arguments[0] {
      case .timestamp: return arguments[0]
      case .int(let seconds):
        guard let time = CELTimestamp(sinceEpoch: .seconds(seconds)) else {
          throw CELError(message: "timestamp out of range: years are 1 to 9999")
        }
        return .timestamp(time)
      case .string(let text):
        guard let time = TimeText.timestamp(parsing: text) else {
          throw CELError(
            message: "\(arguments[0]) is not a valid timestamp; timestamps look like '2026-01-01T12:00:00Z' (RFC 3339)")
        }
        return .timestamp(time)
      default: return nil
      }
    },
  ]

  private static func inRange<T>(_ value: T?, _ type: String, _ from: CELValue) throws(CELError) -> T {
    guard let value else { throw unreadable(type, from) }
    return value
  }

  private static func unreadable(_ type: String, _ from: CELValue) -> CELError {
    if case .string = from { return CELError(message: "\(type)(): \(from) is not a valid \(type)") }
    return CELError(message: "\(type)(): \(from) is out of range")
  }

  /// The shortest text that parses to the same number; whole numbers without `.0`.
  private static func text(of value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
