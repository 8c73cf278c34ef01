/// Makes lines of what comes over a serial line, whatever ends them: CR, LF, or CR and LF.
///
/// For a line without a terminal driver's editing too: backspace and delete take a character back, control characters
/// are dropped.
struct LineAssembler {
  /// The longest line in bytes; the rest of a longer one is dropped, and the line with it.
  static let limit = 4096

  /// What has been typed.
  enum Input: Hashable { case line(String), tooLong }

  private var line: [UInt8] = []
  private var isTooLong = false
  private var lastWasReturn = false

  /// Whether a line has begun and not ended.
  var hasBegun: Bool { !line.isEmpty || isTooLong }

  /// Takes bytes.
  /// - Returns: the lines that end in them.
  mutating func take(_ bytes: [UInt8]) -> [Input] {
    var inputs: [Input] = []
    for byte in bytes {
      let isSecondHalf = lastWasReturn && byte == UInt8(ascii: "\n")
      lastWasReturn = byte == UInt8(ascii: "\r")
      if isSecondHalf { continue }
      switch byte {
      case UInt8(ascii: "\r"), UInt8(ascii: "\n"): inputs.append(end())
      case 0x08, 0x7F: takeBack()
      case UInt8(ascii: "\t"): add(UInt8(ascii: " "))
      case 0x00..<0x20: break
      default: add(byte)
      }
    }
    return inputs
  }

  /// Ends the line that has begun, as the end of the input does.
  mutating func end() -> Input {
    defer {
      line = []
      isTooLong = false
    }
    return isTooLong ? .tooLong : .line(String(decoding: line, as: UTF8.self))
  }

  private mutating func add(_ byte: UInt8) {
    if line.count == Self.limit { isTooLong = true } else { line.append(byte) }
  }

  /// Takes back a character: its last byte, and those of UTF-8 that lead to it.
  private mutating func takeBack() {
    while let byte = line.popLast(), byte & 0xC0 == 0x80 {}
  }
}
