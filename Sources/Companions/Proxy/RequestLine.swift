/// The first line of a request (RFC 9112, 3).
struct RequestLine {
  let isTunnel: Bool
  let destination: Destination
  /// The authority of the URI, for the field `Host`.
  let authority: [UInt8]
  /// The line for the destination, with CR LF.
  let forwarded: [UInt8]

  static func read(_ line: [UInt8]) -> Part<RequestLine> {
    let words = line.split(separator: 0x20, omittingEmptySubsequences: false).map { [UInt8]($0) }
    guard words.count == 3, isToken(words[0]), !words[1].isEmpty else {
      return .failed(400, "the first line is not METHOD URI VERSION")
    }
    for byte in line where byte >= 0x80 || byte == 0x09 {
      return .failed(400, "the first line is not METHOD URI VERSION")
    }
    guard words[2] == [UInt8]("HTTP/1.1") || words[2] == [UInt8]("HTTP/1.0") else {
      return .failed(505, "this proxy speaks HTTP/1.1 and HTTP/1.0")
    }
    if words[0] == [UInt8]("CONNECT") {
      guard let destination = Destination(words[1]) else { return .failed(400, "CONNECT takes HOST:PORT") }
      return .success(RequestLine(isTunnel: true, destination: destination, authority: words[1], forwarded: []))
    }
    return absolute(words[0], words[1], words[2])
  }

  private static func absolute(_ method: [UInt8], _ target: [UInt8], _ version: [UInt8]) -> Part<RequestLine> {
    let scheme = [UInt8]("http://")
    guard target.count > scheme.count, lowercase([UInt8](target[..<scheme.count])) == scheme else {
      return .failed(400, "a proxy takes URIs that begin with http://, and CONNECT for everything else")
    }
    let rest = [UInt8](target[scheme.count...])
    var end = 0
    while end < rest.count, rest[end] != 0x2F, rest[end] != 0x3F { end += 1 }
    let authority = [UInt8](rest[..<end])
    // User names in URIs are a means of deception (RFC 9110, 4.2.4); a fragment is never sent.
    guard !authority.contains(0x40), !rest.contains(0x23), let destination = Destination(authority, standard: 80) else {
      return .failed(400, "the URI has no host, or a user name or fragment")
    }
    var path = [UInt8](rest[end...])
    if path.isEmpty, method == [UInt8]("OPTIONS") {
      path = [0x2A]
    } else if path.first != 0x2F {
      path.insert(0x2F, at: 0)
    }
    let forwarded = method + [0x20] + path + [0x20] + version + [0x0D, 0x0A]
    return .success(
      RequestLine(isTunnel: false, destination: destination, authority: authority, forwarded: forwarded))
  }

  /// Whether a text is a token (RFC 9110, 5.6.2), as names of methods and fields are.
  static func isToken(_ text: [UInt8]) -> Bool {
    guard !text.isEmpty else { return false }
    for byte in text {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: break
      // ! # $ % & ' * + - . ^ _ ` | ~
      case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: break
      default: return false
      }
    }
    return true
  }

  static func lowercase(_ text: [UInt8]) -> [UInt8] { text.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }
}
