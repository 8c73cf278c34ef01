import Model
import Proxy
import TestKit

/// What an agent sends to its proxy, entries of `network_allow_hosts`, and packets of the proxy's protocol: every input is
/// read as each of them.
///
/// Only the reading: a proxy would connect to random hosts.
package final class ProxyTarget: FuzzTarget {
  package let name = "proxy"
  package let form = InputForm.bytes
  package let longest = 9000
  package let words = [
    "CONNECT ", "GET http://", " HTTP/1.1\r\n", "\r\n\r\n", "\r\n", "Host: ", "Connection: ", "close",
    "Content-Length: ",
    "Transfer-Encoding: chunked", "Proxy-Authorization: ", ":443", ":80", "*.", "a.example", "127.0.0.1", "[::1]", "::",
    "::ffff:", "@", "#", "\u{5}\u{1}\u{0}", "\u{5}\u{1}\u{0}\u{1}", "\u{5}\u{1}\u{0}\u{3}", "\u{5}\u{1}\u{0}\u{4}",
    "OP\u{1}",
  ]

  /// A target.
  package init() {}

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    try runAddress(input, &seen)
    try runHead(input, &seen)
    try runSocks(input, &seen)
    if let message = ProxyMessage(input) {
      seen.note("message" + String(repeating: "k", count: Int(input[3])))
      try require(ProxyMessage(message.bytes) == message, "it does not read what it writes: \(message)")
    }
  }

  private func runAddress(_ input: [UInt8], _ seen: inout Seen) throws {
    if let address = IPAddress(input) {
      seen.note(address.bytes.count == 4 ? "four" : "six")
      seen.note(address.isPublic ? "public" : "not public")
      try require(IPAddress(address.text) == address, "another address: \(address)")
    }
    if let destination = Destination(input, standard: 80) {
      seen.note("destination" + String(repeating: "d", count: destination.text.count / 8))
      try require(Destination(destination.text) == destination, "another destination: \(destination)")
      try require(Self.isPrintable(destination.text), "a destination with other bytes: \(destination)")
    }
    if let rule = HostRule(input) {
      seen.note("rule")
      let own = input.first == UInt8(ascii: "*") ? [0x61] + input.dropFirst() : input
      guard let destination = Destination(own, standard: 80) else { throw Violation("an entry for no destination") }
      try require(rule.matches(destination), "an entry does not allow its own destination: \(destination)")
    }
  }

  private func runHead(_ input: [UInt8], _ seen: inout Seen) throws {
    switch RequestHead.read(input) {
    case .incomplete: seen.note("incomplete")
    case .refused(let answer):
      seen.note(String(decoding: answer.sentence, as: UTF8.self))
      try require(Self.isPrintable(answer.sentence), "an answer with other bytes: \(answer)")
    case .head(let head, let length):
      seen.note("head" + (head.body == nil ? "tunnel" : "") + String(repeating: "h", count: head.forwarded.count / 32))
      try require(length <= min(input.count, RequestHead.longest), "a head of \(length) bytes")
      // In pieces it is the same.
      for known in [0, length / 2, length - 1] {
        try require(
          RequestHead.read(input, known: known) == .head(head, length: length), "not the same with \(known) known bytes"
        )
      }
      try require(RequestHead.read(Array(input[..<(length - 1)])) == .incomplete, "a head before its end")
      if head.body == nil { return try require(head.forwarded.isEmpty, "a tunnel with a head") }
      try requireClean(head)
    }
  }

  /// The head for the destination is one head, of this destination.
  private func requireClean(_ head: RequestHead) throws {
    let text = String(decoding: head.forwarded, as: UTF8.self)
    let lines = text.components(of: "\r\n")
    try require(lines.suffix(2) == ["", ""] && lines.dropLast(2).allSatisfy { !$0.isEmpty }, "not one head: \(text)")
    try require(lines[1].hasPrefix("Host: ") && lines[2] == "Connection: close", "without its own fields: \(text)")
    let names = lines[3...].compactMap {
      $0.split(separator: ":", omittingEmptySubsequences: false).first?.lowercased()
    }
    for name in ["host", "connection", "transfer-encoding", "proxy-authorization"] {
      try require(!names.contains(name), "\(name) in \(text)")
    }
    try require(names.count(where: { $0 == "content-length" }) <= 1, "two lengths in \(text)")
  }

  private func runSocks(_ input: [UInt8], _ seen: inout Seen) throws {
    if case .read(_, let length) = Socks.greeting(input) {
      seen.note("greeting")
      try require(Socks.greeting(Array(input[..<(length - 1)])) == .incomplete, "a greeting before its end")
    }
    if case .read(let destination, let length) = Socks.request(input) {
      seen.note("request" + String(repeating: "r", count: length / 8))
      try require(Socks.request(Array(input[..<(length - 1)])) == .incomplete, "a request before its end")
      try require(Destination(destination.text) == destination, "another destination: \(destination)")
    }
  }

  private static func isPrintable(_ text: [UInt8]) -> Bool { text.allSatisfy { (0x20..<0x7F).contains($0) } }
}

extension String {
  /// The parts between separators. Swift takes CR LF for one character, so bytes are compared.
  fileprivate func components(of separator: String) -> [String] {
    var parts: [String] = []
    var part: [UInt8] = []
    let (bytes, mark) = (Array(utf8), Array(separator.utf8))
    var index = 0
    while index < bytes.count {
      if bytes[index...].starts(with: mark) {
        parts.append(String(decoding: part, as: UTF8.self))
        part = []
        index += mark.count
      } else {
        part.append(bytes[index])
        index += 1
      }
    }
    return parts + [String(decoding: part, as: UTF8.self)]
  }
}
