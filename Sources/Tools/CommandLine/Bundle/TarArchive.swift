/// An archive in the format `ustar` (pax(1), "ustar Interchange Format").
struct TarArchive {
  private(set) var bytes: [UInt8] = []
  private let time: UInt64

  /// - Parameter time: of all files, in seconds since 1970.
  init(time: UInt64) { self.time = time }

  /// The longest name of a file, in bytes.
  static let longestName = 99

  /// Adds a file that only its owner may read.
  /// - Parameter name: a relative path; the end of a longer one than `longestName` is used.
  mutating func add(_ name: String, _ content: [UInt8]) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: [UInt8], at place: Int) { header.replaceSubrange(place..<(place + text.count), with: text) }
    func octal(_ number: UInt64, _ width: Int) -> [UInt8] {
      let digits = String(number, radix: 8)
      return Array((String(repeating: "0", count: max(0, width - digits.count)) + digits).utf8)
    }
    put(Array(name.utf8.suffix(Self.longestName)), at: 0)
    put(octal(0o600, 7), at: 100)
    put(octal(0, 7), at: 108)
    put(octal(0, 7), at: 116)
    put(octal(UInt64(content.count), 11), at: 124)
    put(octal(time, 11), at: 136)
    // The checksum counts its own field as spaces.
    put([UInt8](repeating: 0x20, count: 8), at: 148)
    put([0x30], at: 156)
    put(Array("ustar\0".utf8) + Array("00".utf8), at: 257)
    put(octal(header.reduce(0) { $0 + UInt64($1) }, 6) + [0, 0x20], at: 148)
    bytes += header + content
    bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  /// The archive with its end: two empty blocks.
  var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
