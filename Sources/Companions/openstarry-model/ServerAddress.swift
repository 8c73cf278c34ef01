import CCurl
import Curl
import LanguageModel
import Model

/// Where a request goes: a URL that libcurl has read.
struct ServerAddress {
  /// For libcurl.
  let url: String
  /// The path of a Unix socket, in place of a connection to the host of `url`.
  let socket: String?
  /// The host and port, or the path of the socket, for sentences.
  let place: String
  /// Whether it is HTTPS.
  let isSecure: Bool
  /// Whether the host is this machine, as far as its name says.
  let isLocal: Bool

  private static let socketScheme = "http+unix://"

  /// - Throws: what is wrong with the URL.
  init(_ text: String, _ curl: Curl) throws(LanguageModelFailure) {
    var url = text
    var socket: String?
    if text.hasPrefix(Self.socketScheme) {
      let rest = text.utf8.dropFirst(Self.socketScheme.utf8.count)
      let encoded = rest.prefix { $0 != 0x2F }
      guard let path = Self.decoded(encoded), path.hasPrefix("/") else {
        throw Self.invalid("the URL '\(text.asMessage)' names no socket: write http+unix://%2Frun%2Fserver.sock/…")
      }
      socket = path
      url = "http://localhost\(String(decoding: rest.dropFirst(encoded.count), as: UTF8.self))"
    }
    let parts = try Self.parts(url, curl)
    guard !parts.hasUser else {
      throw Self.invalid("the URL has a user's name or a password in it, which may be logged; use 'key'")
    }
    self.url = url
    self.socket = socket
    isSecure = parts.scheme == "https"
    place = socket ?? "\(parts.host):\(parts.port)".printable
    isLocal = socket != nil || Self.isLocal(name: parts.host)
  }

  private static func invalid(_ sentence: String) -> LanguageModelFailure {
    LanguageModelFailure(.invalid, wasSent: false, sentence)
  }

  private static func isLocal(name: String) -> Bool {
    name == "localhost" || name.hasSuffix(".localhost") || isLoopback(name)
  }

  /// Whether an address, as libcurl writes it, leads to this machine (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3).
  static func isLoopback(_ address: String) -> Bool {
    if address == "::1" || address == "[::1]" { return true }
    let text = address.hasPrefix("::ffff:") ? address.dropFirst(7) : address[...]
    let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }

  private static func decoded(_ text: some Sequence<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var digits: [UInt8]?
    for byte in text {
      if let known = digits {
        guard known.count == 1 else {
          digits = [byte]
          continue
        }
        guard let value = UInt8(String(decoding: known + [byte], as: UTF8.self), radix: 16), value != 0 else {
          return nil
        }
        bytes.append(value)
        digits = nil
      } else if byte == 0x25 {
        digits = []
      } else {
        bytes.append(byte)
      }
    }
    return digits == nil ? String(validating: bytes, as: UTF8.self) : nil
  }

  private static func parts(
    _ url: String, _ curl: Curl
  ) throws(LanguageModelFailure) -> (scheme: String, host: String, port: String, hasUser: Bool) {
    // SAFETY: the functions are those of the library, and the handle is freed at the end.
    let handle = unsafe curl.functions.pointee.url()
    defer { unsafe curl.functions.pointee.url_cleanup(handle) }
    let code = unsafe url.withCString { unsafe curl.functions.pointee.url_set(handle, CURLUPART_URL, $0, 0) }
    guard code == CURLUE_OK else { throw invalid("'\(url.asMessage)' is no URL") }
    func part(_ name: CURLUPart) -> String? {
      var text: UnsafeMutablePointer<CChar>?
      // SAFETY: the library allocates a C string, which is freed here.
      guard unsafe curl.functions.pointee.url_get(handle, name, &text, 1 /* CURLU_DEFAULT_PORT */) == CURLUE_OK,
        let text = unsafe text
      else { return nil }
      defer { unsafe curl.functions.pointee.free(text) }
      return unsafe String(cString: text)
    }
    guard let scheme = part(CURLUPART_SCHEME), scheme == "https" || scheme == "http" else {
      throw invalid("the URL '\(url.asMessage)' is neither http nor https")
    }
    guard let host = part(CURLUPART_HOST), let port = part(CURLUPART_PORT) else {
      throw invalid("'\(url.asMessage)' is no complete URL")
    }
    return (scheme, host, port, part(CURLUPART_USER) != nil || part(CURLUPART_PASSWORD) != nil)
  }
}
