/// SOCKS version 5 (RFC 1928), without authentication and with CONNECT only.
package enum Socks {
  /// The first byte of a client.
  package static let version: UInt8 = 5

  /// The reply codes (RFC 1928, 6).
  package enum Reply: UInt8, Sendable {
    case connected = 0
    case failure = 1
    /// The rules do not allow it.
    case forbidden = 2
    case networkUnreachable = 3
    case hostUnreachable = 4
    case refused = 5
    /// The time is over.
    case expired = 6
    case unknownCommand = 7
    case unknownAddress = 8

    /// The reply as bytes. The bound address, which nobody uses, is 0.0.0.0:0.
    package var bytes: [UInt8] { [Socks.version, rawValue, 0, 1, 0, 0, 0, 0, 0, 0] }
  }

  /// What has been read.
  package enum Reading<Value> {
    case incomplete
    /// The answer, after which the connection ends; empty for bytes that are not SOCKS 5.
    case refused([UInt8])
    /// What was read and its length.
    case read(Value, length: Int)
  }

  /// Reads the client's methods of authentication.
  /// - Returns: the answer that chooses none of them.
  package static func greeting(_ bytes: [UInt8]) -> Reading<[UInt8]> {
    guard bytes.count >= 2 else { return .incomplete }
    guard bytes[0] == version else { return .refused([]) }
    let end = 2 + Int(bytes[1])
    guard bytes.count >= end else { return .incomplete }
    return bytes[2..<end].contains(0) ? .read([version, 0], length: end) : .refused([version, 0xFF])
  }

  /// Reads a request.
  package static func request(_ bytes: [UInt8]) -> Reading<Destination> {
    guard bytes.count >= 5 else { return .incomplete }
    guard bytes[0] == version, bytes[2] == 0 else { return .refused([]) }
    guard bytes[1] == 1 else { return .refused(Reply.unknownCommand.bytes) }
    let start: Int
    let length: Int
    switch bytes[3] {
    case 1: (start, length) = (4, 4)
    case 3: (start, length) = (5, Int(bytes[4]))
    case 4: (start, length) = (4, 16)
    default: return .refused(Reply.unknownAddress.bytes)
    }
    let end = start + length
    guard bytes.count >= end + 2 else { return .incomplete }
    let place = [UInt8](bytes[start..<end])
    let port = UInt16(bytes[end]) << 8 | UInt16(bytes[end + 1])
    let host: Destination.Host? = bytes[3] == 3 ? Destination.host(place) : IPAddress(bytes: place).map { .address($0) }
    guard let host, port > 0 else { return .refused(Reply.failure.bytes) }
    return .read(Destination(host, port: port), length: end + 2)
  }
}

extension Socks.Reading: Equatable where Value: Equatable {}
extension Socks.Reading: Sendable where Value: Sendable {}
