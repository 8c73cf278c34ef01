/// Writes values as JSON text.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  private let pretty: Bool
  private var depth = 0

  init(pretty: Bool) {
    self.pretty = pretty
    bytes.reserveCapacity(256)
  }

  mutating func write(_ value: Value) {
    switch value {
    case .null: write(verbatim: "null")
    case .bool(let value): write(verbatim: value ? "true" : "false")
    case .int(let value): write(verbatim: String(value))
    // Swift's description is the shortest that parses to the same number, and has a point or an exponent.
    case .double(let value): write(verbatim: value.isFinite ? value.description : "null")
    case .string(let value): write(value)
    case .bytes(let value):
      bytes.append(UInt8(ascii: "\""))
      Base64.append(value, to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    case .list(let values):
      open(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        separate(index)
        write(value)
      }
      close(UInt8(ascii: "]"), isEmpty: values.isEmpty)
    case .map(let fields):
      open(UInt8(ascii: "{"))
      for (index, field) in fields.enumerated() {
        separate(index)
        write(field.key)
        bytes.append(UInt8(ascii: ":"))
        if pretty { bytes.append(UInt8(ascii: " ")) }
        write(field.value)
      }
      close(UInt8(ascii: "}"), isEmpty: fields.isEmpty)
    }
  }

  private mutating func write(verbatim text: String) { bytes += Array(text.utf8) }

  private mutating func write(_ text: String) {
    let text = Array(text.utf8)
    bytes.append(UInt8(ascii: "\""))
    if text.contains(where: Self.needsEscape) {
      for byte in text { write(escaped: byte) }
    } else {
      bytes += text
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private mutating func write(escaped byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): write(verbatim: "\\\"")
    case UInt8(ascii: "\\"): write(verbatim: "\\\\")
    case UInt8(ascii: "\n"): write(verbatim: "\\n")
    case UInt8(ascii: "\r"): write(verbatim: "\\r")
    case UInt8(ascii: "\t"): write(verbatim: "\\t")
    case ..<0x20: write(verbatim: (byte < 16 ? "\\u000" : "\\u00") + String(byte, radix: 16))
    default: bytes.append(byte)
    }
  }

  private mutating func open(_ bracket: UInt8) {
    bytes.append(bracket)
    depth += 1
  }

  private mutating func separate(_ index: Int) {
    if index > 0 { bytes.append(UInt8(ascii: ",")) }
    if pretty { startLine() }
  }

  private mutating func close(_ bracket: UInt8, isEmpty: Bool) {
    depth -= 1
    if pretty && !isEmpty { startLine() }
    bytes.append(bracket)
  }

  private mutating func startLine() {
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
  }
}
