/// The head of a request to an HTTP proxy (RFC 9112): CONNECT, or another method with an absolute URI.
package struct RequestHead: Equatable, Sendable {
  /// The host and port of the URI.
  package let destination: Destination
  /// What is sent to the destination first; empty for CONNECT.
  package let forwarded: [UInt8]
  /// The bytes of the body, all that follows of the client; nil for CONNECT, where everything that follows is passed on.
  package let body: UInt64?

  /// The longest head, in bytes.
  package static let longest = 8192

  /// What has been read.
  package enum Reading: Equatable, Sendable {
    /// The head has not ended yet.
    case incomplete
    case refused(HTTPAnswer)
    /// The head and its length.
    case head(RequestHead, length: Int)
  }

  /// Reads the head at the begin of `bytes`.
  /// - Parameter known: as many bytes at the begin are known not to contain its end.
  package static func read(_ bytes: [UInt8], known: Int = 0) -> Reading {
    if let first = bytes.first, !RequestLine.isToken([first]) {
      return .refused(HTTPAnswer(400, "this is neither HTTP nor SOCKS 5"))
    }
    guard let end = end(of: bytes, from: max(0, known - 3)) else {
      return bytes.count < longest ? .incomplete : .refused(HTTPAnswer(431, "the head of the request is too long"))
    }
    guard end <= longest else { return .refused(HTTPAnswer(431, "the head of the request is too long")) }
    guard let lines = lines([UInt8](bytes[..<(end - 2)])), let first = lines.first else {
      return .refused(HTTPAnswer(400, "lines of a head end with CR LF and contain no control characters"))
    }
    switch RequestLine.read(first) {
    case .failure(let answer): return .refused(answer)
    case .success(let line):
      switch Fields.read(lines.dropFirst(), of: line) {
      case .failure(let answer): return .refused(answer)
      case .success(let fields):
        let head = RequestHead(
          destination: line.destination, forwarded: line.isTunnel ? [] : line.forwarded + fields.forwarded,
          body: line.isTunnel ? nil : fields.body)
        return .head(head, length: end)
      }
    }
  }

  /// The place after the empty line.
  private static func end(of bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index + 3 < bytes.count {
      if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
        return index + 4
      }
      index += 1
    }
    return nil
  }

  /// The lines without their ends; nil if there are other control characters than tabs.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]]? {
    var lines: [[UInt8]] = []
    var line: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x0D {
        guard index + 1 < bytes.count, bytes[index + 1] == 0x0A else { return nil }
        lines.append(line)
        line = []
        index += 2
        continue
      }
      guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { return nil }
      line.append(byte)
      index += 1
    }
    return line.isEmpty ? lines : nil
  }
}

/// A part of a head, or the answer to a wrong one.
enum Part<Value> {
  case success(Value)
  case failure(HTTPAnswer)

  static func failed(_ status: UInt16, _ sentence: StaticString) -> Part { .failure(HTTPAnswer(status, sentence)) }
}
