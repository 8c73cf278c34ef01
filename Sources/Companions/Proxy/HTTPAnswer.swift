/// An answer of the proxy itself.
package struct HTTPAnswer: Equatable, Sendable {
  package let status: UInt16
  /// One sentence for people; printable ASCII.
  package let sentence: [UInt8]

  /// An answer.
  package init(_ status: UInt16, _ sentence: StaticString) { self.init(status, text(sentence)) }

  /// An answer with a made sentence.
  package init(_ status: UInt16, _ sentence: [UInt8]) {
    self.status = status
    self.sentence = sentence
  }

  /// The answer to an accepted CONNECT (RFC 9110, 9.3.6).
  package static var connected: [UInt8] { text("HTTP/1.1 200 Connection established\r\n\r\n") }

  /// The response, after which the connection ends.
  package var bytes: [UInt8] {
    var bytes = text("HTTP/1.1 ") + IPAddress.digits(UInt64(status)) + [0x20] + reason
    bytes += text("\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ")
    bytes += IPAddress.digits(UInt64(sentence.count + 1))
    return bytes + text("\r\n\r\n") + sentence + [0x0A]
  }

  private var reason: [UInt8] {
    switch status {
    case 400: text("Bad Request")
    case 403: text("Forbidden")
    case 408: text("Request Timeout")
    case 411: text("Length Required")
    case 431: text("Request Header Fields Too Large")
    case 501: text("Not Implemented")
    case 502: text("Bad Gateway")
    case 504: text("Gateway Timeout")
    case 505: text("HTTP Version Not Supported")
    default: text("Internal Server Error")
    }
  }
}

extension HTTPAnswer {
  /// The answer to an attempt to connect that has failed.
  package init(_ outcome: ProxyOutcome, _ destination: Destination, _ address: IPAddress?) {
    let place = destination.text
    switch outcome {
    case .notListed: self.init(403, place + text(" is not in network_allow_hosts of this agent's manifest"))
    case .notPublic:
      let found = address.map { Destination(.address($0), port: destination.port).text } ?? []
      self.init(
        403,
        destination.hostText + text(" leads to ") + found
          + text(", which is not public and not in network_allow_hosts of this agent's manifest"))
    case .noSuchName: self.init(502, text("there is no host ") + destination.hostText)
    case .noNameService: self.init(502, text("the name service does not answer for ") + destination.hostText)
    case .timedOut: self.init(504, place + text(" does not answer"))
    default: self.init(502, place + text(" cannot be reached"))
    }
  }
}
