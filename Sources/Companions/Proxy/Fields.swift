/// The fields of a request, for the destination: without those that are meant for the proxy (RFC 9110, 7.6.1), with the
/// host of the URI, and with `Connection: close`, so that a connection has one request.
struct Fields {
  /// The fields for the destination and the empty line.
  let forwarded: [UInt8]
  /// The bytes of the body.
  let body: UInt64

  /// The most fields, and options of `Connection`: each field is compared with each option.
  private static let mostFields = 100

  static func read(_ lines: ArraySlice<[UInt8]>, of first: RequestLine) -> Part<Fields> {
    var fields: [(name: [UInt8], line: [UInt8])] = []
    var dropped = [
      [UInt8]("host"), [UInt8]("connection"), [UInt8]("proxy-connection"), [UInt8]("keep-alive"), [UInt8]("te"),
      [UInt8]("trailer"),
      [UInt8]("upgrade"), [UInt8]("proxy-authorization"), [UInt8]("proxy-authenticate"),
    ]
    var body: UInt64?
    guard lines.count <= mostFields else { return .failed(431, "the head of the request has too many fields") }
    for line in lines {
      guard let colon = line.firstIndex(of: 0x3A), RequestLine.isToken([UInt8](line[..<colon])) else {
        return .failed(400, "a field of the head is not NAME: VALUE on one line")
      }
      let name = RequestLine.lowercase([UInt8](line[..<colon]))
      let value = trimmed([UInt8](line[(colon + 1)...]))
      if name == [UInt8]("transfer-encoding"), !first.isTunnel {
        // Its end would have to be found in the body.
        return .failed(411, "send the length of the body (Content-Length), or use CONNECT")
      }
      if name == [UInt8]("content-length") {
        guard let length = length(value), body == nil || body == length else {
          return .failed(400, "Content-Length is not one number")
        }
        // Once is enough.
        if body != nil { continue }
        body = length
      }
      if name == [UInt8]("connection") {
        for option in value.split(separator: 0x2C) {
          let option = RequestLine.lowercase(trimmed([UInt8](option)))
          // The length stays, or the destination would take the body for another request.
          if option != [UInt8]("content-length"), !dropped.contains(option) { dropped.append(option) }
        }
        guard dropped.count <= mostFields else {
          return .failed(431, "the field Connection has too many options")
        }
      }
      fields.append((name, line))
    }
    var forwarded = [UInt8]("Host: ") + first.authority + [UInt8]("\r\nConnection: close\r\n")
    for field in fields where !dropped.contains(field.name) { forwarded += field.line + [0x0D, 0x0A] }
    return .success(Fields(forwarded: forwarded + [0x0D, 0x0A], body: body ?? 0))
  }

  private static func length(_ text: [UInt8]) -> UInt64? {
    guard (1...18).contains(text.count) else { return nil }
    var length: UInt64 = 0
    for byte in text {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      length = length * 10 + UInt64(byte - 0x30)
    }
    return length
  }

  private static func trimmed(_ text: [UInt8]) -> [UInt8] {
    var text = text[...]
    while let byte = text.first, byte == 0x20 || byte == 0x09 { text.removeFirst() }
    while let byte = text.last, byte == 0x20 || byte == 0x09 { text.removeLast() }
    return [UInt8](text)
  }
}
