#if !hasFeature(Embedded)
  import Companion
#endif

/// An answer of the proxy itself.
package struct HTTPAnswer: Equatable, Sendable {
  package let status: UInt16
  /// One sentence for people; printable ASCII.
  package let sentence: [UInt8]

  /// An answer.
  package init(_ status: UInt16, _ sentence: StaticString) { self.init(status, [UInt8](sentence)) }

  /// An answer with a made sentence.
  package init(_ status: UInt16, _ sentence: [UInt8]) {
    self.status = status
    self.sentence = sentence
  }

  /// The answer to an accepted CONNECT (RFC 9110, 9.3.6).
  package static var connected: [UInt8] { [UInt8]("HTTP/1.1 200 Connection established\r\n\r\n") }

  /// The response, after which the connection ends.
  package var bytes: [UInt8] {
    var bytes = [UInt8]("HTTP/1.1 ") + [UInt8](digits: UInt64(status)) + [0x20] + reason
    bytes += [UInt8]("\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ")
    bytes += [UInt8](digits: UInt64(sentence.count + 1))
    return bytes + [UInt8]("\r\n\r\n") + sentence + [0x0A]
  }

  private var reason: [UInt8] {
    switch status {
    case 400: [UInt8]("Bad Request")
    case 403: [UInt8]("Forbidden")
    case 408: [UInt8]("Request Timeout")
    case 411: [UInt8]("Length Required")
    case 431: [UInt8]("Request Header Fields Too Large")
    case 502: [UInt8]("Bad Gateway")
    case 504: [UInt8]("Gateway Timeout")
    case 505: [UInt8]("HTTP Version Not Supported")
    default: [UInt8]("Internal Server Error")
    }
  }
}

extension HTTPAnswer {
  /// The answer to an attempt to connect that has failed.
  package init(_ outcome: ProxyOutcome, _ destination: Destination, _ address: IPAddress?) {
    let place = destination.text
    switch outcome {
    case .notListed: self.init(403, place + [UInt8](" is not in network_allow_hosts of this agent's manifest"))
    case .notPublic:
      let found = address.map { Destination(.address($0), port: destination.port).text } ?? []
      self.init(
        403,
        destination.hostText + [UInt8](" leads to ") + found
          + [UInt8](", which is not public and not in network_allow_hosts of this agent's manifest"))
    case .noSuchName: self.init(502, [UInt8]("there is no host ") + destination.hostText)
    case .noNameService: self.init(502, [UInt8]("the name service does not answer for ") + destination.hostText)
    case .timedOut: self.init(504, place + [UInt8](" does not answer"))
    default: self.init(502, place + [UInt8](" cannot be reached"))
    }
  }
}
