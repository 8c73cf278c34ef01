import LanguageModel
import Model

/// The head of an HTTP response, as far as an answer needs it.
struct AnswerHead {
  /// The status; 0 before the first line.
  private(set) var status: UInt16 = 0
  private(set) var contentType: [UInt8] = []
  private(set) var location: [UInt8] = []
  /// What Retry-After, or retry-after-ms of OpenAI, says.
  private(set) var retryAfter: [UInt8] = []
  private(set) var retryAfterMilliseconds: [UInt8] = []
  /// The server's clock; the board's may not be set.
  private(set) var date: [UInt8] = []
  private var size = 0

  /// The longest head, in bytes.
  private static let longest = 65_536

  /// Reads a line. The line of a status begins anew: there may be heads of 1xx before.
  mutating func read(_ line: [UInt8]) throws(Flaw) {
    size += line.count
    guard size <= Self.longest else { throw Flaw(.malformed, "the head of the answer does not end") }
    if line.starts(with: "HTTP/".utf8) {
      let digits = line.split(separator: 0x20, maxSplits: 2).dropFirst().first ?? []
      let size = size
      self = AnswerHead()
      self.size = size
      status = digits.reduce(0) { (0x30...0x39).contains($1) && $0 < 1000 ? $0 * 10 + UInt16($1 - 0x30) : 0 }
      return
    }
    guard let colon = line.firstIndex(of: 0x3A) else { return }
    let name = line[..<colon].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    let value = Self.trimmed(line[(colon + 1)...])
    switch String(decoding: name, as: UTF8.self) {
    case "content-type": contentType = value
    case "location": location = value
    case "retry-after": retryAfter = value
    case "retry-after-ms": retryAfterMilliseconds = value
    case "date": date = value
    default: break
    }
  }

  /// The media type in lower case, without its parameters.
  var mediaType: String {
    let type = contentType.prefix { $0 != 0x3B }.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    return String(decoding: Self.trimmed(type[...]), as: UTF8.self)
  }

  /// The host that `location` names; nil where it names none.
  var redirectHost: [UInt8]? {
    let text = Array(location.prefix(1024))
    guard let slashes = text.indices.dropLast().first(where: { text[$0] == 0x2F && text[$0 + 1] == 0x2F }) else {
      return nil
    }
    let authority = text[(slashes + 2)...].prefix { $0 != 0x2F && $0 != 0x3F && $0 != 0x23 }
    // A name and a password are nobody's business.
    let host = authority.split(separator: 0x40, omittingEmptySubsequences: false).last ?? []
    return host.isEmpty ? nil : Array(host)
  }

  private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
    var text = text
    while let first = text.first, isSpace(first) { text.removeFirst() }
    while let last = text.last, isSpace(last) { text.removeLast() }
    return Array(text)
  }
}
