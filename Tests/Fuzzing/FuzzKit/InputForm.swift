/// The file format of inputs in a corpus.
package enum InputForm: Sendable {
  /// The input itself.
  case text
  /// Hexadecimal digits, one line per packet; `#` begins a comment. The input consists of the packets, each preceded by
  /// its length (two bytes, big-endian).
  case packets
  /// Hexadecimal digits without lengths: the input is the concatenation of the lines.
  case bytes

  /// The suffix of file names.
  package var suffix: String { self == .text ? "txt" : "hex" }

  /// The file contents for an input.
  package func file(of input: [UInt8]) -> [UInt8] {
    switch self {
    case .text: input
    case .bytes: Array(Self.lines(input[...], width: 32).joined(separator: "\n").utf8) + [10]
    case .packets: Array(Packets.split(input).map { Self.hex($0[...]) }.joined(separator: "\n").utf8) + [10]
    }
  }

  /// The input in a file.
  /// - Throws: `Violation` for a line that is not hexadecimal.
  package func input(of file: [UInt8]) throws(Violation) -> [UInt8] {
    if self == .text { return file }
    var input: [UInt8] = []
    for line in file.split(separator: 10) {
      let digits = line.prefix { $0 != UInt8(ascii: "#") }.filter { $0 != 32 && $0 != 13 }
      if digits.isEmpty && line.contains(UInt8(ascii: "#")) { continue }
      let bytes = try Self.bytes(digits)
      input += self == .packets ? Packets.join([bytes]) : bytes
    }
    return input
  }

  private static func bytes(_ digits: [UInt8]) throws(Violation) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      let pair = String(decoding: digits[index..<min(index + 2, digits.count)], as: UTF8.self)
      guard pair.utf8.count == 2, let byte = UInt8(pair, radix: 16) else {
        throw Violation("'\(pair)' is not hexadecimal")
      }
      bytes.append(byte)
    }
    return bytes
  }

  private static func lines(_ bytes: ArraySlice<UInt8>, width: Int) -> [String] {
    stride(from: bytes.startIndex, to: bytes.endIndex, by: width).map { start in
      hex(bytes[start..<min(start + width, bytes.endIndex)])
    }
  }

  private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// Several packets in one input, each preceded by its length.
package enum Packets {
  /// Joins packets. Truncates packets longer than 65,535 bytes.
  package static func join(_ packets: [[UInt8]]) -> [UInt8] {
    packets.flatMap { packet -> [UInt8] in
      let cut = packet.prefix(Int(UInt16.max))
      return [UInt8(cut.count >> 8), UInt8(cut.count & 0xFF)] + cut
    }
  }

  /// Splits any input; the last packet may be shorter than its length field.
  package static func split(_ input: [UInt8]) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    var rest = input[...]
    while rest.count >= 2 {
      let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
      rest = rest.dropFirst(2)
      packets.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return packets
  }
}
