/// Assembles lines from the bytes of a serial line. Lines end with CR, LF, or CR and LF.
///
/// Works without the editing of a terminal driver: backspace and delete remove a character, other control characters
/// are dropped.
struct LineAssembler {
  /// The greatest length of a line, in bytes. Longer lines are dropped as `tooLong`.
  static let limit = 4096

  /// A complete line.
  enum Input: Hashable { case line(String), tooLong }

  private var line: [UInt8] = []
  private var isTooLong = false
  private var lastWasReturn = false

  /// Whether there is an incomplete line.
  var hasBegun: Bool { !line.isEmpty || isTooLong }

  /// Adds bytes.
  /// - Returns: the lines that they complete.
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

  /// Ends the incomplete line, at the end of the input.
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

  /// Removes the last UTF-8 character: its continuation bytes and its first byte.
  private mutating func takeBack() {
    while let byte = line.popLast(), byte & 0xC0 == 0x80 {}
  }
}
